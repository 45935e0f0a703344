//! `effective`: versions of telegrams beside each other, each as it is in force from its date on.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::Civil;

use crate::check::layouts;
use crate::diagnostic::Diagnostic;
use crate::institution::{Digest, Layouts};
use crate::mistake::{self, error};
use crate::written::{self, Members, Telegram};

/// Every version of the layouts, the first with the later ones beside it, if none has a mistake.
pub(crate) fn check(
    written: &written::Layouts,
    institution: &str,
    digest: Digest,
    out: &mut Vec<Diagnostic>,
) -> Option<Arc<Layouts>> {
    let members = &written.members;
    let dates: BTreeSet<Civil> =
        dated(members).filter_map(|telegram| Some(telegram.effective.as_ref()?.value)).collect();
    if dates.is_empty() {
        return layouts::check(written, institution, digest, out).map(Arc::new);
    }
    let is_ever = members.telegrams.iter().any(|telegram| telegram.effective.is_none());
    let moments = is_ever.then_some(None).into_iter().chain(dates.into_iter().map(Some));
    let mut versions = Vec::new();
    let mut all = true;
    for moment in moments {
        let version = layouts::check(&in_force(written, moment), institution, digest, out);
        match version {
            Some(version) => versions.push(Layouts { from: moment, ..version }),
            None => all = false,
        }
    }
    let mut versions = versions.into_iter();
    let first = versions.next().filter(|_| all)?;
    Some(Arc::new(Layouts { later: versions.map(Arc::new).collect(), ..first }))
}

fn dated(members: &Members) -> impl Iterator<Item = &Telegram> {
    members.headers.iter().chain(&members.telegrams).filter(|telegram| telegram.effective.is_some())
}

/// What is written of the telegrams in force at a moment.
fn in_force(written: &written::Layouts, moment: Option<Civil>) -> written::Layouts {
    let mut at = written.clone();
    for all in [&mut at.members.headers, &mut at.members.telegrams] {
        let since = |telegram: &Telegram| telegram.effective.as_ref().map(|effective| effective.value);
        let newest: Vec<Option<Civil>> = all
            .iter()
            .map(|telegram| {
                let same = all.iter().filter(|other| other.name.value == telegram.name.value);
                same.map(since).filter(|since| *since <= moment).max().flatten()
            })
            .collect();
        // Two of one date stay, and it is told that they have one name.
        let mut newest = newest.into_iter();
        all.retain(|telegram| {
            let newest = newest.next().flatten();
            since(telegram) <= moment && since(telegram) == newest
        });
    }
    at
}

/// Nothing puts a version in force on a line by the clock.
pub(crate) fn on_a_line(members: &Members, out: &mut Vec<Diagnostic>) {
    for telegram in dated(members) {
        let Some(effective) = &telegram.effective else { continue };
        let message = format!("`{}` has a version with a date, and belongs to a protocol", telegram.name.value);
        out.push(
            error(mistake::DATED_ON_A_LINE, effective.span, "not on a line", message)
                .help("only telegrams below `layouts` change by a date; a line takes a new spec at that time: `pabal spec reload`"),
        );
    }
}

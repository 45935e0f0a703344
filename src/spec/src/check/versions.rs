//! `effective`: versions beside each other, each as it is in force from its date on.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::Civil;

use crate::check::{layouts, protocol};
use crate::diagnostic::{Diagnostic, Source};
use crate::institution::{Digest, Institution, Layouts, Protocol};
use crate::mistake::{self, error};
use crate::written::{self, At, Exchange, Members, Name, Notice, Telegram};

/// Every version of the layouts, the first with the later ones beside it, if none has a mistake.
pub(crate) fn check(
    written: &written::Layouts,
    institution: &str,
    digest: Digest,
    out: &mut Vec<Diagnostic>,
) -> Option<Arc<Layouts>> {
    let members = &written.members;
    let dates: BTreeSet<Civil> = moments(members).map(|at| at.value).collect();
    if dates.is_empty() {
        return layouts::check(written, institution, digest, out).map(Arc::new);
    }
    let is_ever = members.telegrams.iter().any(|telegram| telegram.effective.is_none());
    let moments = is_ever.then_some(None).into_iter().chain(dates.into_iter().map(Some));
    let mut versions = Vec::new();
    let mut all = true;
    for moment in moments {
        let version = layouts::check(&layouts_at(written, moment), institution, digest, out);
        match version {
            Some(version) => versions.push(Layouts { from: moment, ..version }),
            None => all = false,
        }
    }
    let mut versions = versions.into_iter();
    let first = versions.next().filter(|_| all)?;
    Some(Arc::new(Layouts { later: versions.map(Arc::new).collect(), ..first }))
}

/// What stands below a protocol or `layouts` and may have versions.
trait Dated {
    fn name(&self) -> &Name;
    fn since(&self) -> Option<&At<Civil>>;
}

macro_rules! dated {
    ($($type:ty),*) => {$(
        impl Dated for $type {
            fn name(&self) -> &Name {
                &self.name
            }
            fn since(&self) -> Option<&At<Civil>> {
                self.effective.as_ref()
            }
        }
    )*};
}

dated!(Telegram, Exchange, Notice);

/// Every date that something begins.
fn moments(members: &Members) -> impl Iterator<Item = &At<Civil>> {
    let telegrams = members.headers.iter().chain(&members.telegrams).filter_map(Dated::since);
    let exchanges = members.exchanges.iter().filter_map(Dated::since);
    telegrams.chain(exchanges).chain(members.notices.iter().filter_map(Dated::since))
}

/// Leaves of each name what is in force at a moment.
fn keep<T: Dated>(all: &mut Vec<T>, moment: Option<Civil>) {
    let since = |one: &T| one.since().map(|since| since.value);
    let newest: Vec<Option<Civil>> = all
        .iter()
        .map(|one| {
            let same = all.iter().filter(|other| other.name().value == one.name().value);
            same.map(since).filter(|since| *since <= moment).max().flatten()
        })
        .collect();
    // Two of one date stay, and it is told that they have one name.
    let mut newest = newest.into_iter();
    all.retain(|one| {
        let newest = newest.next().flatten();
        since(one) <= moment && since(one) == newest
    });
}

/// What is written of the members in force at a moment.
fn members_at(members: &Members, moment: Option<Civil>) -> Members {
    let mut at = members.clone();
    keep(&mut at.headers, moment);
    keep(&mut at.telegrams, moment);
    keep(&mut at.exchanges, moment);
    keep(&mut at.notices, moment);
    at
}

fn layouts_at(written: &written::Layouts, moment: Option<Civil>) -> written::Layouts {
    written::Layouts { members: members_at(&written.members, moment), ..written.clone() }
}

/// A row of `select` is there as long as its telegram is.
fn protocol_at(written: &written::Protocol, moment: Option<Civil>) -> written::Protocol {
    let mut at = written::Protocol { members: members_at(&written.members, moment), ..written.clone() };
    let is_named = |members: &Members, name: &Name| members.telegrams.iter().any(|one| one.name.value == name.value);
    if let Some(select) = &mut at.select {
        select.rows.retain(|row| is_named(&at.members, &row.telegram) || !is_named(&written.members, &row.telegram));
    }
    at
}

/// The protocols of an institution as they are from each moment on, if none has a mistake.
type Spoken = Vec<(Option<Civil>, Vec<Arc<Protocol>>)>;

/// Every version of the protocols, the first from ever.
pub(crate) fn protocols(
    written: &[written::Protocol],
    institution: &str,
    digest: Digest,
    sources: &[Source],
    out: &mut Vec<Diagnostic>,
) -> Option<Spoken> {
    let dates: BTreeSet<Civil> =
        written.iter().flat_map(|protocol| moments(&protocol.members)).map(|at| at.value).collect();
    one_clock(written, out);
    let mut spoken = Vec::new();
    let mut all = true;
    for from in core::iter::once(None).chain(dates.into_iter().map(Some)) {
        let digest = from.map_or(digest, |from| digest.since(from));
        let mut protocols = Vec::new();
        for one in written {
            match protocol::check(&protocol_at(one, from), institution, digest, sources, out) {
                Some(protocol) => protocols.push(Arc::new(Protocol { from, ..protocol })),
                None => all = false,
            }
        }
        spoken.push((from, protocols));
    }
    all.then_some(spoken)
}

/// A moment is one of the institution's clock: it has one.
fn one_clock(written: &[written::Protocol], out: &mut Vec<Diagnostic>) {
    let mut zones = written.iter().filter_map(|protocol| protocol.zone);
    let first = zones.next();
    let Some(moment) = written.iter().flat_map(|protocol| moments(&protocol.members)).next() else { return };
    if zones.any(|zone| Some(zone) != first) {
        out.push(
            error(mistake::TWO_CLOCKS, moment.span, "on which clock?", "The protocols have different zones")
                .help("a version begins at one moment for the whole institution: give its protocols one `zone`"),
        );
    }
}

/// Whether each version follows the one before it without a reconnect; tells what does not.
pub(crate) fn follow(
    first: &Institution,
    later: &[Institution],
    written: &[written::Protocol],
    out: &mut Vec<Diagnostic>,
) -> bool {
    let mut all = true;
    for (older, newer) in core::iter::once(first).chain(later).zip(later) {
        let Err(text) = older.same_conversation(newer) else { continue };
        all = false;
        let begins = written.iter().flat_map(|protocol| moments(&protocol.members));
        let Some(at) = begins.into_iter().find(|at| Some(at.value) == newer.from) else { continue };
        let message = format!("With this version the sessions cannot stay up: {text}");
        out.push(error(mistake::DATED_CHANGE, at.span, "begins here", message).help(
            "bodies of telegrams, exchanges and notices change by a date; for all else start with another spec at that time",
        ));
    }
    all
}

//! Text -> [`Spec`]. A line at a time; blocks by a loop of our own, so that each mistake is told and none hides another.

mod computed;
mod cursor;
mod exchange;
mod field;
mod frame;
mod hours;
mod include;
mod layouts;
mod lead;
mod line;
mod notice;
mod number;
mod protocol;
mod shape;
mod text;
mod tree;
mod value;

use alloc::format;
use alloc::vec::Vec;

pub(crate) use cursor::did_you_mean;
pub(crate) use exchange::{CLAUSES as EXCHANGE, SETTLES};
pub(crate) use field::MODES;
pub(crate) use hours::WORDS as HOURS;
pub(crate) use layouts::CLAUSES as LAYOUTS;
pub(crate) use lead::LENGTH;
pub(crate) use line::{Line, Placed, Token, cut};
pub(crate) use notice::CLAUSES as NOTICE;
pub(crate) use number::{FORMS, PLACES};
pub(crate) use protocol::{CLAUSES as PROTOCOL, OPENING, POLL, SIGN};
use tree::TOP;
pub(crate) use tree::{BYTE_ORDER_MARK, is_empty};
pub use value::moment;

use pabal_clock::Civil;

use crate::diagnostic::{Diagnostic, Source, SourceId};
use crate::mistake::{self, error};
use crate::parse::cursor::{Cursor, Read};
use crate::parse::tree::Item;
use crate::written::{At, Members, Name, Set, Spec, Telegram};

/// Reads sources as they are written; those whose names end in `.csv` are code tables and are left alone.
///
/// Every mistake of form is told, each with its place. What could be read comes out beside them, so that a check can
/// go on and tell the mistakes of meaning in the same run.
#[must_use]
pub fn parse(sources: &[Source]) -> (Spec, Vec<Diagnostic>) {
    let mut spec = Spec::default();
    let mut out = Vec::new();
    let mut loose = Members::default();
    let mut files = Vec::new();
    for (at, source) in sources.iter().enumerate().filter(|(_, source)| !source.name.ends_with(".csv")) {
        let id = SourceId(u16::try_from(at).unwrap_or(u16::MAX));
        files.push((source.name.as_str(), tree::grow(id, source, &mut spec.trivia, &mut out)));
    }
    let files = include::files(&files, &mut out);
    for root in files.roots() {
        let mut below = Below::Nothing;
        for item in files.items(root, &mut out) {
            if let Err(stop) = top(item, &mut spec, &mut loose, &mut below, &mut out) {
                out.extend(stop.0.map(|diagnostic| *diagnostic));
            }
        }
    }
    adopt(&mut spec, loose, &mut out);
    (spec, out)
}

/// Gives what stands in a file without a protocol to the only protocol, or the only `layouts`, that there is.
fn adopt(spec: &mut Spec, loose: Members, out: &mut Vec<Diagnostic>) {
    let blocks = spec.protocols.iter_mut().map(|protocol| &mut protocol.members);
    let mut blocks = blocks.chain(spec.layouts.iter_mut().map(|layouts| &mut layouts.members));
    match (blocks.next(), blocks.next()) {
        (None, _) => return, // told once, when the spec is checked
        (Some(only), None) => {
            only.sets.extend(loose.sets);
            only.headers.extend(loose.headers);
            only.telegrams.extend(loose.telegrams);
            only.exchanges.extend(loose.exchanges);
            only.notices.extend(loose.notices);
            return;
        }
        (Some(_), Some(_)) => {}
    }
    let names = loose.sets.iter().map(|set| &set.name);
    let names = names.chain(loose.headers.iter().chain(&loose.telegrams).map(|telegram| &telegram.name));
    let names = names.chain(loose.exchanges.iter().map(|exchange| &exchange.name));
    for name in names.chain(loose.notices.iter().map(|notice| &notice.name)) {
        out.push(
            error(
                mistake::WHOSE,
                name.span,
                "stands below no protocol",
                format!("`{}` belongs to no protocol", name.value),
            )
            .help("move it below its `protocol` or `layouts`, in the same file: the institution has more than one"),
        );
    }
}

/// The block that what follows in a file belongs to.
#[derive(Clone, Copy)]
enum Below {
    Nothing,
    Protocol(usize),
    Layouts(usize),
}

fn top(item: &Item, spec: &mut Spec, loose: &mut Members, below: &mut Below, out: &mut Vec<Diagnostic>) -> Read<()> {
    let mut cursor = Cursor::new(item);
    let word = cursor.word(&format!("one of: {}", TOP.join(", ")))?;
    if !TOP.contains(&word.value.as_str()) {
        let help = did_you_mean(&word.value, TOP).unwrap_or_else(|| format!("a file is made of: {}", TOP.join(", ")));
        return Err(error(
            mistake::UNKNOWN_WORD,
            word.span,
            "not known here",
            format!("`{}` means nothing at the beginning of a block", word.value),
        )
        .help(help)
        .into());
    }
    let name = cursor.name(&format!("the name of the {}", word.value))?;
    if word.value == "institution" {
        let label = cursor.label();
        if let Some((first, _)) = &spec.institution {
            return Err(error(mistake::TWICE_SAID, name.span, "said again", "The institution is named twice")
                .help("a spec describes one institution; keep one of them")
                .related(first.span, "said here first")
                .into());
        }
        spec.institution = Some((name, label));
        return cursor.finish();
    }
    if word.value == "protocol" {
        let protocol = protocol::read(name, &mut cursor, out);
        *below = Below::Protocol(spec.protocols.len());
        spec.protocols.push(protocol);
        return Ok(());
    }
    if word.value == "layouts" {
        let layouts = layouts::read(name, &mut cursor, out);
        *below = Below::Layouts(spec.layouts.len());
        spec.layouts.push(layouts);
        return Ok(());
    }
    let members = match *below {
        Below::Nothing => None,
        Below::Protocol(at) => spec.protocols.get_mut(at).map(|protocol| &mut protocol.members),
        Below::Layouts(at) => spec.layouts.get_mut(at).map(|layouts| &mut layouts.members),
    };
    let members = members.unwrap_or(loose);
    match word.value.as_str() {
        "set" => set(name, &mut cursor, members)?,
        "header" => members.headers.push(telegram(name, false, &mut cursor, out)),
        "telegram" => members.telegrams.push(telegram(name, true, &mut cursor, out)),
        "exchange" => members.exchanges.push(exchange::read(name, &mut cursor, out)),
        _ => members.notices.push(notice::read(name, &mut cursor, out)),
    }
    Ok(())
}

fn set(name: Name, cursor: &mut Cursor<'_>, members: &mut Members) -> Read<()> {
    let mut values = Vec::new();
    // The name is known, whatever is wrong with the values.
    let read = (|| {
        values.push(cursor.text("a text of the set")?);
        while !cursor.is_done() {
            values.push(cursor.text("another text of the set")?);
        }
        cursor.finish()
    })();
    members.sets.push(Set { name, values });
    read
}

/// `effective 2027-01-01 00:00`, if it is there.
fn effective(cursor: &mut Cursor<'_>) -> Read<Option<At<Civil>>> {
    let here = cursor.here();
    if !cursor.takes("effective") {
        return Ok(None);
    }
    let value = cursor.moment()?;
    Ok(Some(At { value, span: cursor.since(here) }))
}

/// `header name 100 {` or `telegram name "label" 300 : header {` and the fields.
fn telegram(name: Name, with_header: bool, cursor: &mut Cursor<'_>, out: &mut Vec<Diagnostic>) -> Telegram {
    let mut telegram =
        Telegram { name, label: None, total: None, header: None, effective: None, parts: Vec::new(), broken: false };
    let head = (|| {
        telegram.label = cursor.label();
        telegram.total = Some(cursor.total()?);
        if with_header && cursor.eats(':') {
            telegram.header = Some(cursor.name("the name of the header")?);
        }
        telegram.effective = effective(cursor)?;
        let body = cursor.body()?;
        Ok(body)
    })();
    let body = head.map(Some).unwrap_or_else(|stop: cursor::Stop| {
        telegram.broken = true;
        out.extend(stop.0.map(|diagnostic| *diagnostic));
        cursor.any_body()
    });
    if let Some(body) = body {
        telegram.parts = shape::read(body, &mut telegram.broken, out);
    }
    telegram
}

//! `business`: when it is open, and what is said when it is not.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use pabal_clock::{DayRule, TimeOfDay};
use pabal_spec::Protocol;

use super::codes::{codes, participant_bytes};
use super::read::{Node, Reader, Table};
use super::{Business, Hours};

const DAY_SECONDS: u32 = 86_400;

/// How long after the date changed this time of day comes, in seconds.
pub(crate) fn since_change(time: TimeOfDay, day: &DayRule) -> u32 {
    (time.seconds() + DAY_SECONDS - day.changes.seconds()) % DAY_SECONDS
}

/// `["14:00", "14:20"]`: from the first, up to but not including the second.
pub(crate) fn between(reader: &mut Reader<'_>, node: &Node<'_>, protocol: &Protocol) -> Option<(u32, u32)> {
    let ends = node.list(reader, "two times of day")?;
    let [from, to] = ends.as_slice() else {
        reader.mistake(&node.place, "expected two times of day", Some("write [\"14:00\", \"14:20\"]".into()));
        return None;
    };
    let (from, to) = (from.time_of_day(reader)?, to.time_of_day(reader)?);
    ordered(reader, node, since_change(from, &protocol.day), since_change(to, &protocol.day))
}

/// Both of one business date, the first before the second. A second that is the change of the date is the end of the day.
fn ordered(reader: &mut Reader<'_>, node: &Node<'_>, from: u32, to: u32) -> Option<(u32, u32)> {
    let to = if to == 0 { DAY_SECONDS } else { to };
    if from >= to {
        let help = "both are of one business date; swap them, or say it in two of them".into();
        reader.mistake(&node.place, "the first time is not before the second", Some(help));
        return None;
    }
    Some((from, to))
}

pub(crate) fn business<'t>(reader: &mut Reader<'t>, node: &Node<'t>, protocol: &Protocol) -> Option<Business> {
    let mut table = node.table(reader)?;
    let place = table.place.clone();
    let mut code = |reader: &mut Reader<'t>, key| table.take(key).map(|node| codes(reader, &node, protocol));
    let not_open = code(reader, "not_open");
    let closed = code(reader, "closed");
    let already_open = code(reader, "already_open");
    let tables = table.take("hours").map(|node| node.tables(reader)).unwrap_or_default();
    let hours: Vec<Hours> = tables.into_iter().filter_map(|table| hours(reader, table, protocol)).collect();
    table.finish(reader);
    if not_open.is_none() {
        reader.mistake(&place, "`not_open` is missing", None);
    }
    let mut named: Vec<&Box<[u8]>> = hours.iter().flat_map(|hours| &hours.participants).collect();
    named.sort();
    if let Some([twice, _]) = named.windows(2).find(|pair| matches!(pair, [one, other] if one == other)) {
        reader.mistake(&place, format!("two `hours` name {}", twice.escape_ascii()), Some("keep one of them".into()));
    }
    if hours.iter().filter(|hours| hours.participants.is_empty()).count() > 1 {
        let help = "say `participants = [...]` in all but one".into();
        reader.mistake(&place, "two `hours` hold for all others", Some(help));
    }
    Some(Business {
        not_open: not_open.flatten(),
        closed: closed.flatten(),
        already_open: already_open.flatten(),
        hours,
    })
}

fn hours<'t>(reader: &mut Reader<'t>, mut table: Table<'t>, protocol: &Protocol) -> Option<Hours> {
    let day = &protocol.day;
    let participants = table.take("participants").map(|node| {
        let list = node.list(reader, "names of participants").unwrap_or_default();
        let name = |node: &Node<'t>| {
            let text = node.text(reader, "a participant in quotes")?;
            participant_bytes(reader, &node.place, text, protocol)
        };
        list.iter().filter_map(name).collect::<Vec<_>>()
    });
    let from = table.take("from").map(|node| node.time_of_day(reader));
    let until = table.take("until").map(|node| (node.time_of_day(reader), node));
    let list = table.take("forgets").and_then(|node| node.list(reader, "times of day")).unwrap_or_default();
    let forgets = list.iter().filter_map(|node| Some(since_change(node.time_of_day(reader)?, day))).collect();
    table.finish(reader);
    let from = from.map_or(Some(0), |from| Some(since_change(from?, day)))?;
    let (from, until) = match until {
        None => (from, DAY_SECONDS),
        Some((until, node)) => ordered(reader, &node, from, since_change(until?, day))?,
    };
    Some(Hours { participants: participants.unwrap_or_default(), from, until, forgets })
}

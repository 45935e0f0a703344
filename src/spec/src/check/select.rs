//! `select`: rows that tell telegrams apart, and the proof that no frame matches two of them.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use pabal_telegram::{Charset, Slice};

use crate::catalog::{Select, SelectRow, TelegramId};
use crate::check::layout::{self, Column, Draft};
use crate::check::protocol;
use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::rules::TypeCode;
use crate::written::{self, Name};

/// More combinations of alternatives than this in one row are not compared.
const COMBINATIONS_MAX: usize = 4_096;

/// The rows that could be made.
#[derive(Default)]
pub(crate) struct Selection {
    pub(crate) by: Vec<Slice>,
    rows: Vec<Made>,
    /// Nothing is missing: a type that no row knows is known nowhere.
    pub(crate) whole: bool,
}

struct Made {
    span: Span,
    row: SelectRow,
    /// How many of its conditions are those of `select by`.
    by: usize,
}

impl Selection {
    /// The rows, if all of them could be made.
    pub(crate) fn compiled(&self) -> Option<Select> {
        let rows = self.rows.iter().map(|made| made.row.clone()).collect();
        self.whole.then(|| Select { by: self.by.clone(), rows })
    }
}

pub(crate) fn check(
    protocol: &written::Protocol,
    header: &[Column<'_>],
    header_is_whole: bool,
    drafts: &[Draft<'_>],
    charset: Charset,
    out: &mut Vec<Diagnostic>,
) -> Selection {
    let Some(written) = &protocol.select else { return Selection::default() };
    let by: Vec<Option<&Column<'_>>> =
        written.by.iter().map(|name| layout::find(header, name, "the header", header_is_whole, out)).collect();
    let Some(by) = by.into_iter().collect::<Option<Vec<_>>>() else { return Selection::default() };
    let mut selection =
        Selection { by: by.iter().map(|column| column.field.at).collect(), rows: Vec::new(), whole: true };
    let mut known: Vec<&str> = Vec::new();
    for row in &written.rows {
        known.push(&row.telegram.value);
        let (header, by) = ((header, header_is_whole), by.as_slice());
        match make(row, header, by, drafts, charset, out).filter(|_| !row.broken) {
            Some(made) => selection.rows.push(made),
            None => selection.whole = false,
        }
    }
    for draft in drafts {
        let name = draft.name();
        if !known.contains(&name.value.as_str()) {
            selection.whole = false;
            out.push(
                error(
                    mistake::UNSELECTED,
                    name.span,
                    "no row has it",
                    format!("No row of `select` knows telegram `{}`", name.value),
                )
                .help("add a row that says how a frame is known to be this one, or remove the telegram"),
            );
        }
    }
    overlaps(&selection, drafts, charset, out);
    selection
}

fn make(
    written: &written::Row,
    (header, header_is_whole): (&[Column<'_>], bool),
    by: &[&Column<'_>],
    drafts: &[Draft<'_>],
    charset: Charset,
    out: &mut Vec<Diagnostic>,
) -> Option<Made> {
    let name = &written.telegram;
    let (telegram, draft) = protocol::telegram(drafts, name, out)?;
    let mut good = true;
    if !(written.by.is_empty() || written.by.len() == by.len() || written.broken) {
        let span = written.by.last().and_then(|all| all.first()).map_or(name.span, |text| text.span);
        let message =
            format!("The row has {}, `select by` {}", count(written.by.len(), "value"), count(by.len(), "field"));
        out.push(
            error(mistake::VALUE_COUNT, span, "the last value", message)
                .help("a value for each field, in their order; `|` stands between alternatives of one field"),
        );
        good = false;
    }
    if written.by.is_empty() && written.bytes.is_empty() && written.fields.is_empty() && written.length.is_none() {
        if !written.broken {
            out.push(
                error(mistake::IMPOSSIBLE_ROW, name.span, "says nothing", "A row without a condition")
                    .help("say how a frame is known: values of `select by`, `length`, `bytes` or a header field"),
            );
        }
        return None;
    }
    let total = draft.len();
    if let (Some(length), Some(total)) = (&written.length, &total)
        && !total.contains(&length.value)
    {
        let total = lengths(total);
        out.push(
            error(
                mistake::IMPOSSIBLE_ROW,
                length.span,
                format!("says {}", length.value),
                format!("Telegram `{}` is {total} bytes long, not {}", name.value, length.value),
            )
            .help("one of the two was misread; compare them with the document"),
        );
        good = false;
    }
    let mut conditions: Vec<(Slice, Vec<Box<[u8]>>)> = Vec::new();
    let mut header_used = !written.by.is_empty();
    for (column, texts) in by.iter().zip(&written.by) {
        conditions.extend(field(column, texts, out));
    }
    let by = conditions.len();
    good &= by == written.by.len();
    for (name, texts) in &written.fields {
        header_used = true;
        let column = layout::find(header, name, "the header", header_is_whole, out);
        let made = column.and_then(|column| field(column, texts, out));
        good &= made.is_some();
        conditions.extend(made);
    }
    if header_used && !draft.headed {
        out.push(
            error(
                mistake::HEADERLESS,
                name.span,
                "has no header",
                format!("Telegram `{}` has no header, so that its fields cannot tell it", name.value),
            )
            .help("tell it by `length` and `bytes`, or give it the header: `telegram name 300 : header { .. }`"),
        );
        good = false;
    }
    for (range, texts) in &written.bytes {
        let at = Slice { offset: range.value.start, len: range.value.end - range.value.start };
        if total.as_ref().is_some_and(|total| range.value.end > *total.start()) {
            let message = format!("Bytes {}..{} are beyond the telegram", range.value.start, range.value.end);
            out.push(error(mistake::IMPOSSIBLE_ROW, range.span, "never there", message).help("bytes count from 0"));
            good = false;
            continue;
        }
        let mut alternatives = Vec::new();
        for text in texts {
            let mut bytes = Vec::new();
            if charset.encode(&text.value, &mut bytes).is_err() {
                let message = format!("{:?} cannot be written in {charset}", text.value);
                out.push(
                    error(mistake::IMPOSSIBLE_ROW, text.span, "never there", message)
                        .help("bytes are compared as the protocol's `charset` writes them"),
                );
                good = false;
                continue;
            }
            if u32::try_from(bytes.len()).ok() != Some(at.len) {
                let message = format!("{:?} is {} bytes long, its place {}", text.value, bytes.len(), at.len);
                out.push(
                    error(mistake::IMPOSSIBLE_ROW, text.span, "never equal", message)
                        .help("`bytes 0..3` are three bytes: 0, 1 and 2"),
                );
                good = false;
                continue;
            }
            alternatives.push(bytes.into());
        }
        conditions.push((at, alternatives));
    }
    let length = written.length.as_ref().map(|length| length.value..=length.value);
    let row = SelectRow { telegram, length: length.or(total)?, bytes: conditions };
    good.then_some(Made { span: name.span, row, by })
}

/// `300`, or `120 to 4000`.
fn lengths(range: &RangeInclusive<u32>) -> String {
    if range.start() == range.end() {
        format!("{}", range.start())
    } else {
        format!("{} to {}", range.start(), range.end())
    }
}

fn count(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn field(column: &Column<'_>, texts: &[Name], out: &mut Vec<Diagnostic>) -> Option<(Slice, Vec<Box<[u8]>>)> {
    if !column.sure {
        return None;
    }
    let bytes: Vec<_> = texts.iter().map(|text| layout::constant(&column.field, text, out)).collect();
    Some((column.field.at, bytes.into_iter().collect::<Option<_>>()?))
}

/// The telegram of a type: `request "2000" "100"`.
pub(crate) fn find(
    written: &written::Type,
    scene: &protocol::Scene<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<TypeCode> {
    let selection = &scene.selection;
    scene.written.select.as_ref()?;
    let by = scene.written.select.as_ref().map_or(&[][..], |select| &select.by);
    let named = written.telegram.as_ref().map(|name| scene.telegram(name, out).map(|(id, _)| id));
    if written.values.len() != by.len() {
        let message =
            format!("The type has {}, `select by` {}", count(written.values.len(), "value"), count(by.len(), "field"));
        out.push(
            error(mistake::VALUE_COUNT, written.span, "the type", message)
                .help(format!("give a value for each of: {}", list(by))),
        );
        return None;
    }
    let columns: Vec<_> =
        by.iter().map(|name| scene.header.iter().find(|column| *column.field.path == *name.value)).collect();
    let columns = columns.into_iter().collect::<Option<Vec<_>>>()?;
    let made: Vec<_> = columns
        .iter()
        .zip(&written.values)
        .map(|(column, text)| {
            let bytes = column.sure.then(|| layout::constant(&column.field, text, out))??;
            Some((column.field.at, bytes))
        })
        .collect();
    let bytes: Vec<(Slice, Box<[u8]>)> = made.into_iter().collect::<Option<_>>()?;
    let named = match named {
        Some(None) => return None,
        Some(some) => some,
        None => None,
    };
    let mut found: Vec<TelegramId> = Vec::new();
    for made in &selection.rows {
        let own = made.row.bytes.get(..made.by).unwrap_or_default();
        let says = !own.is_empty() && own.iter().zip(&bytes).all(|((_, any_of), (_, is))| any_of.contains(is));
        if says && named.is_none_or(|id| id == made.row.telegram) && !found.contains(&made.row.telegram) {
            found.push(made.row.telegram);
        }
    }
    match found.as_slice() {
        [telegram] => Some(TypeCode { telegram: *telegram, bytes }),
        [] if !selection.whole => None,
        [] => {
            out.push(
                error(mistake::NO_ROW, written.span, "selects nothing", "No row of `select` has this type")
                    .help("add a row for it, or compare the values with the document"),
            );
            None
        }
        several => {
            let names: Vec<&str> = several
                .iter()
                .filter_map(|id| scene.drafts.get(usize::from(id.0)))
                .map(|draft| draft.name().value.as_str())
                .collect();
            let message = format!("Several telegrams have this type: {}", names.join(", "));
            out.push(error(mistake::SEVERAL_ROWS, written.span, "which one?", message).help(format!(
                "name it before the values: `{} {}`",
                names.first().unwrap_or(&""),
                quoted(written)
            )));
            None
        }
    }
}

fn list(names: &[Name]) -> String {
    names.iter().map(|name| name.value.as_str()).collect::<Vec<_>>().join(", ")
}

fn quoted(written: &written::Type) -> String {
    written.values.iter().map(|value| format!("{:?}", value.value)).collect::<Vec<_>>().join(" ")
}

/// Looks for a frame that two rows match, and tells it.
fn overlaps(selection: &Selection, drafts: &[Draft<'_>], charset: Charset, out: &mut Vec<Diagnostic>) {
    let frames: Vec<Vec<BTreeMap<u32, u8>>> = selection.rows.iter().map(|made| combinations(made, out)).collect();
    for (at, (first, first_frames)) in selection.rows.iter().zip(&frames).enumerate() {
        for (second, second_frames) in selection.rows.iter().zip(&frames).skip(at + 1) {
            let start = *first.row.length.start().max(second.row.length.start());
            if start > *first.row.length.end().min(second.row.length.end()) {
                continue;
            }
            let mut both = first_frames.iter().flat_map(|a| second_frames.iter().map(move |b| (a, b)));
            let Some((a, b)) =
                both.find(|(a, b)| a.iter().all(|(at, byte)| b.get(at).is_none_or(|other| other == byte)))
            else {
                continue;
            };
            let mut frame = a.clone();
            frame.extend(b.iter());
            let name = |id: TelegramId| drafts.get(usize::from(id.0)).map_or("", |draft| &draft.name().value);
            out.push(
                error(
                    mistake::OVERLAP,
                    second.span,
                    "this row",
                    format!(
                        "A frame can be both `{}` and `{}`: {}",
                        name(first.row.telegram),
                        name(second.row.telegram),
                        shown(start, &frame, charset)
                    ),
                )
                .help("add a condition that tells them apart: `length`, `bytes`, or a header field and its values")
                .related(first.span, "and this one"),
            );
        }
    }
}

/// Every choice of alternatives, as the bytes that it fixes. Choices that contradict themselves are left out.
fn combinations(made: &Made, out: &mut Vec<Diagnostic>) -> Vec<BTreeMap<u32, u8>> {
    let mut all: Vec<BTreeMap<u32, u8>> = vec![BTreeMap::new()];
    for (at, any_of) in &made.row.bytes {
        let mut next = Vec::new();
        for fixed in &all {
            for bytes in any_of {
                let mut fixed = fixed.clone();
                let fits = (at.offset..).zip(bytes.iter()).all(|(at, byte)| *fixed.entry(at).or_insert(*byte) == *byte);
                if fits {
                    next.push(fixed);
                }
            }
        }
        if next.len() > COMBINATIONS_MAX {
            out.push(
                error(
                    mistake::IMPOSSIBLE_ROW,
                    made.span,
                    "too many",
                    "The row has too many alternatives to be compared",
                )
                .help("split it into several rows"),
            );
            return Vec::new();
        }
        all = next;
    }
    if all.is_empty() {
        out.push(
            error(mistake::IMPOSSIBLE_ROW, made.span, "contradicts itself", "No frame can match the row")
                .help("two conditions ask for different bytes at the same place"),
        );
    }
    all
}

/// `300 bytes, with 21..24 "088", 24..31 "4000100"`, as text of the charset where they are.
fn shown(length: u32, frame: &BTreeMap<u32, u8>, charset: Charset) -> String {
    let mut runs: Vec<(u32, Vec<u8>)> = Vec::new();
    for (at, byte) in frame {
        match runs.last_mut() {
            Some((start, bytes)) if u32::try_from(bytes.len()).is_ok_and(|len| *start + len == *at) => {
                bytes.push(*byte)
            }
            _ => runs.push((*at, vec![*byte])),
        }
    }
    let runs: Vec<String> = runs
        .iter()
        .map(|(start, bytes)| {
            let text = charset
                .decode(bytes)
                .map_or_else(|_| format!("\"{}\"", bytes.escape_ascii()), |text| format!("{text:?}"));
            format!("{start}..{} {text}", *start as usize + bytes.len())
        })
        .collect();
    let runs = if runs.is_empty() { String::from("any bytes") } else { runs.join(", ") };
    format!("{length} bytes, with {runs}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceId;

    fn made(conditions: &[(u32, &[&str])]) -> Made {
        let condition = |(offset, texts): &(u32, &[&str])| {
            let len = u32::try_from(texts[0].len()).unwrap();
            (Slice { offset: *offset, len }, texts.iter().map(|text| text.as_bytes().into()).collect())
        };
        let row =
            SelectRow { telegram: TelegramId(0), length: 40..=40, bytes: conditions.iter().map(condition).collect() };
        Made { span: Span { source: SourceId(0), start: 0, end: 0 }, row, by: 0 }
    }

    /// Two rows, and whether some frame matches both: told by the check, and searched for among all frames of their bytes.
    fn check(first: &[(u32, &[&str])], second: &[(u32, &[&str])], expected: bool) {
        let selection = Selection { by: Vec::new(), rows: vec![made(first), made(second)], whole: true };
        let mut out = Vec::new();
        overlaps(&selection, &[], Charset::Cp949, &mut out);
        let overlap = out.iter().any(|told| told.code == mistake::OVERLAP);
        assert_eq!(overlap, expected, "{first:?} {second:?}: {out:?}");
        // The same by trying: every frame that is made of one choice of each row over a ground that neither asks for.
        let [a, b] = [first, second].map(|row| combinations(&made(row), &mut Vec::new()));
        let tried = a.iter().any(|a| {
            b.iter().any(|b| {
                let mut frame = [b'~'; 40];
                for (at, byte) in b.iter().chain(a) {
                    frame[*at as usize] = *byte;
                }
                selection.rows.iter().all(|made| made.row.matches(&frame))
            })
        });
        assert_eq!(tried, expected, "by trying: {first:?} {second:?}");
    }

    #[test]
    fn rows_that_ask_for_different_bytes_are_apart() {
        check(&[(24, &["2000", "2100"])], &[(24, &["4000", "4100"])], false);
        check(&[(24, &["2000", "2100"])], &[(24, &["4000", "2100"])], true);
        check(&[(24, &["2000"]), (28, &["100"])], &[(24, &["2000"]), (28, &["105"])], false);
    }

    #[test]
    fn rows_that_ask_for_bytes_at_different_places_are_not() {
        check(&[(24, &["2000"])], &[(28, &["100"])], true);
        check(&[(0, &["HDRREQPOLL"])], &[(24, &["2000"])], true);
    }

    #[test]
    fn places_that_lie_across_each_other_are_compared_byte_by_byte() {
        check(&[(0, &["ABC"])], &[(1, &["BCD"])], true);
        check(&[(0, &["ABC"])], &[(1, &["XCD"])], false);
        check(&[(0, &["AB", "CD"])], &[(1, &["DE", "XE"])], true);
    }

    #[test]
    fn a_row_that_contradicts_itself_matches_nothing() {
        let mut out = Vec::new();
        assert!(combinations(&made(&[(0, &["AB"]), (1, &["C"])]), &mut out).is_empty());
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].code, mistake::IMPOSSIBLE_ROW);
    }

    #[test]
    fn a_frame_is_shown_by_its_fixed_bytes() {
        let frame = BTreeMap::from([(0, b'A'), (1, b'B'), (7, b'C')]);
        assert_eq!(shown(40, &frame, Charset::Cp949), "40 bytes, with 0..2 \"AB\", 7..8 \"C\"");
        assert_eq!(shown(40, &BTreeMap::new(), Charset::Cp949), "40 bytes, with any bytes");
        // The same in EBCDIC; what is no text of it is shown as bytes.
        let frame = BTreeMap::from([(0, 0xC1), (1, 0xC2), (7, 0xFF)]);
        assert_eq!(shown(40, &frame, Charset::Ebcdic037), "40 bytes, with 0..2 \"AB\", 7..8 \"\\xff\"");
    }
}

//! Code tables: `bank_code,exchange,code,class,text`, a line for each code.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_telegram::Kind;

use crate::check::layout::{self, Column};
use crate::diagnostic::{Diagnostic, Source, SourceId, Span};
use crate::mistake::{self, error};
use crate::parse::BYTE_ORDER_MARK;
use crate::verdict::{CodeRow, Verdict, VerdictTable};
use crate::written::{self, At, Name};

/// Reads the table of `verdict`; `None` if something is wrong with it.
pub(crate) fn check(
    protocol: &written::Protocol,
    header: &[Column<'_>],
    sources: &[Source],
    out: &mut Vec<Diagnostic>,
) -> Option<VerdictTable> {
    let written = protocol.verdict.as_ref()?;
    let whole = protocol.members.headers.first().is_some_and(|header| !header.broken);
    let code = layout::find(header, &written.field, "the header", whole, out);
    let by = written.by.as_ref().map(|name| layout::find(header, name, "the header", whole, out));
    let Some(at) = sources.iter().position(|source| source.name == written.table.value) else {
        let tables = sources.iter().map(|source| source.name.as_str()).filter(|name| name.ends_with(".csv"));
        let help = crate::parse::did_you_mean(&written.table.value, tables)
            .unwrap_or_else(|| "a code table lies beside the spec; its name ends in `.csv`".into());
        out.push(
            error(
                mistake::UNKNOWN_TABLE,
                written.table.span,
                "not there",
                format!("There is no file `{}`", written.table.value),
            )
            .help(help),
        );
        return None;
    };
    if !looked_up(protocol, header, out) {
        return None;
    }
    let code = code.filter(|column| column.sure)?;
    let by = match by {
        Some(column) => Some(column.filter(|column| column.sure)?),
        None => None,
    };
    let source = sources.get(at)?;
    let columns = Columns { by, has_exchange: false, code, exchanges: &protocol.members.exchanges };
    read(SourceId(u16::try_from(at).ok()?), source, columns, out)
}

/// Codes are looked up for the participant, and for nothing else.
fn looked_up(written: &written::Protocol, header: &[Column<'_>], out: &mut Vec<Diagnostic>) -> bool {
    let Some(by) = written.verdict.as_ref().and_then(|verdict| verdict.by.as_ref()) else { return true };
    let known = |name: &Name| header.iter().any(|column| *column.field.path == *name.value);
    let same = match &written.participant {
        // What is not known was told.
        Some(participant) => participant.value == by.value || !known(participant) || !known(by),
        None => written.seen.has("participant"),
    };
    if !same {
        out.push(
            error(
                mistake::DIFFERENT_FIELDS,
                by.span,
                "not the participant",
                format!("Codes are looked up for the participant, not by `{}`", by.value),
            )
            .help("name the field of `participant`, or leave `by` out if there is none"),
        );
    }
    same
}

/// A line of a table, cut at its commas.
struct Cells {
    cells: Vec<Name>,
    span: Span,
}

/// Columns that every table has: code, class and text.
const FIXED: usize = 3;

/// What the columns of a table are.
struct Columns<'c, 's> {
    /// The participant's field, if codes are looked up by it.
    by: Option<&'c Column<'s>>,
    /// The table has the column `exchange`.
    has_exchange: bool,
    code: &'c Column<'s>,
    exchanges: &'s [written::Exchange],
}

impl Columns<'_, '_> {
    fn names(&self, with_exchange: bool) -> Vec<&str> {
        let by = self.by.map(|by| &*by.field.path);
        by.into_iter().chain(with_exchange.then_some("exchange")).chain(["code", "class", "text"]).collect()
    }
}

fn read(
    id: SourceId,
    source: &Source,
    mut columns: Columns<'_, '_>,
    out: &mut Vec<Diagnostic>,
) -> Option<VerdictTable> {
    let mut table = VerdictTable::default();
    let mut places = Places::default();
    let mut good = true;
    let mut start = 0_usize;
    let mut headed = false;
    for mut text in source.text.split('\n') {
        if let (0, Some(rest)) = (start, text.strip_prefix(BYTE_ORDER_MARK)) {
            text = rest;
            start = BYTE_ORDER_MARK.len_utf8();
        }
        let at = start;
        start += text.len() + 1;
        let text = text.trim_end_matches('\r');
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        let line = match cut(id, at, text) {
            Ok(line) => line,
            Err(diagnostic) => {
                good = false;
                out.push(*diagnostic);
                continue;
            }
        };
        if !headed {
            headed = true;
            let is = |with_exchange| line.cells.iter().map(|cell| cell.value.as_str()).eq(columns.names(with_exchange));
            let (with, without) = (is(true), is(false));
            // Where they are not named well, as many as there are.
            columns.has_exchange = with || (!without && line.cells.len() == columns.names(true).len());
            if !(with || without) {
                good = false;
                let message = "The first line of a code table names its columns";
                let (without, with) = (columns.names(false).join(","), columns.names(true).join(","));
                out.push(
                    error(mistake::TABLE_LINE, line.span, "not these columns", message)
                        .help(format!("write `{without}`, or `{with}` if codes differ between exchanges")),
                );
            }
            continue;
        }
        good &= row(&line, &columns, &mut table, &mut places, out).is_some();
    }
    if !headed {
        let span = Span { source: id, start: 0, end: 0 };
        out.push(
            error(mistake::TABLE_LINE, span, "empty", format!("The code table `{}` is empty", source.name))
                .help(format!("write `{}` and a line for each code", columns.names(false).join(","))),
        );
        return None;
    }
    contradicted(&table, &places.rows, out);
    short(columns.code, &places.short, out);
    good.then_some(table)
}

/// Where rows stand.
#[derive(Default)]
struct Places {
    /// For each code, in the order of its rows.
    rows: BTreeMap<Box<[u8]>, Vec<Span>>,
    /// Codes of digits that do not fill their field.
    short: Vec<Name>,
}

/// Rows of a participant that say other things than the row for all: such a code says nothing ([`VerdictTable`]). A row of class `unknown`
/// says so on purpose.
fn contradicted(table: &VerdictTable, places: &BTreeMap<Box<[u8]>, Vec<Span>>, out: &mut Vec<Diagnostic>) {
    for (code, rows) in table.codes() {
        if rows.iter().all(|row| !row.participant.is_empty()) {
            continue;
        }
        let place = |row: &CodeRow| {
            let at = rows.iter().position(|known| core::ptr::eq(known, row))?;
            places.get(code)?.get(at).copied()
        };
        let exchanges: BTreeSet<&str> = rows.iter().map(|row| &*row.exchange).collect();
        for own in rows.iter().filter(|row| !row.participant.is_empty()) {
            // The first exchange in whose answers both hold.
            let for_all = exchanges.iter().find_map(|exchange| {
                let holds = table.row(&own.participant, exchange, code).is_some_and(|row| core::ptr::eq(row, own));
                let for_all = table.row(b"", exchange, code).filter(|_| holds)?;
                let differs =
                    for_all.verdict != own.verdict && ![own, for_all].iter().any(|row| row.verdict == Verdict::Unknown);
                differs.then_some(for_all)
            });
            let Some((for_all, span, span_for_all)) = for_all.and_then(|all| Some((all, place(own)?, place(all)?)))
            else {
                continue;
            };
            let message = format!(
                "The code \"{}\" of participant \"{}\" is taken as unknown: the row for all says something else",
                code.trim_ascii_end().escape_ascii(),
                own.participant.trim_ascii_end().escape_ascii()
            );
            out.push(
                error(mistake::CONTRADICTED, span, format!("`{}` here", own.verdict), message)
                    .help("correct one of them; if the code has two meanings, write `unknown` in the row for all")
                    .related(span_for_all, format!("`{}` for all", for_all.verdict))
                    .warning(),
            );
        }
    }
}

/// Codes that were probably longer: a spreadsheet takes the zeros from the front of what looks like a number. Told once for a table.
fn short(code: &Column<'_>, short: &[Name], out: &mut Vec<Diagnostic>) {
    const ZEROS_MAX: usize = 16;
    let Some(first) = short.first() else { return };
    let shown = crate::show::kind(&code.field);
    let message = match short.len() - 1 {
        0 => format!("The code {:?} has fewer digits than `{}` has bytes", first.value, code.field.path),
        more => {
            format!("The code {:?} and {more} more have fewer digits than `{}` has bytes", first.value, code.field.path)
        }
    };
    let missing = usize::try_from(code.field.at.len).unwrap_or(0).saturating_sub(first.value.len());
    let whole = "0".repeat(missing.min(ZEROS_MAX)) + &first.value;
    out.push(
        error(mistake::SHORT_CODE, first.span, shown, message)
            .help(format!("spreadsheets drop zeros in front: if the document says \"{whole}\", write that"))
            .warning(),
    );
}

fn row(
    line: &Cells,
    columns: &Columns<'_, '_>,
    table: &mut VerdictTable,
    places: &mut Places,
    out: &mut Vec<Diagnostic>,
) -> Option<()> {
    let count = usize::from(columns.by.is_some()) + usize::from(columns.has_exchange) + FIXED;
    let [cells @ .., code_cell, class, text] = line.cells.as_slice() else {
        out.push(wrong_count(line, count));
        return None;
    };
    if line.cells.len() != count {
        out.push(wrong_count(line, count));
        return None;
    }
    let participant = match (columns.by, cells.first()) {
        (Some(by), Some(cell)) if !cell.value.is_empty() => layout::constant(&by.field, cell, out)?,
        _ => Box::default(),
    };
    let exchange = match cells.last().filter(|_| columns.has_exchange) {
        Some(cell) if !cell.value.is_empty() => exchange(cell, columns.exchanges, out)?,
        _ => "",
    };
    let code = columns.code;
    let key = layout::constant(&code.field, code_cell, out)?;
    let Some((_, verdict)) = Verdict::ALL.iter().find(|(word, _)| *word == class.value) else {
        let words = Verdict::ALL.iter().map(|(word, _)| *word);
        let help = crate::parse::did_you_mean(&class.value, words.clone())
            .unwrap_or_else(|| format!("it is one of: {}", words.collect::<Vec<_>>().join(", ")));
        let message = format!("`{}` is not a class of response codes", class.value);
        out.push(error(mistake::TABLE_LINE, class.span, "expected a class", message).help(help));
        return None;
    };
    let row = CodeRow { participant, exchange: exchange.into(), verdict: *verdict, text: text.value.as_str().into() };
    let spans = places.rows.entry(key.clone()).or_default();
    if let Err((at, listed)) = table.insert(&key, row) {
        let of = if columns.has_exchange { " and exchange" } else { "" };
        let mut told = error(
            mistake::TABLE_TWICE,
            line.span,
            "listed again",
            format!("The code {:?} is listed twice for the same participant{of}", code_cell.value),
        );
        if let Some(first) = spans.get(at) {
            told = told.related(*first, "listed here first");
        }
        if listed == *verdict {
            out.push(told.help("both say the same: remove one of them").warning());
            return Some(());
        }
        out.push(told.help("they say different things: keep the right one, or one of class `unknown`"));
        return None;
    }
    spans.push(line.span);
    let digits = code_cell.value.bytes().filter(u8::is_ascii_digit).count();
    let fills = u32::try_from(digits).is_ok_and(|digits| digits >= code.field.at.len);
    if code.field.kind == Kind::Text && digits > 0 && digits == code_cell.value.len() && !fills {
        places.short.push(code_cell.clone());
    }
    Some(())
}

/// The exchange of a row by its name; tells if there is none.
fn exchange<'s>(cell: &Name, exchanges: &'s [written::Exchange], out: &mut Vec<Diagnostic>) -> Option<&'s str> {
    let names = exchanges.iter().map(|exchange| &exchange.name);
    let found = names.clone().find(|name| name.value == cell.value);
    if found.is_none() {
        let message = format!("There is no exchange `{}`", cell.value);
        out.push(
            error(mistake::UNKNOWN_EXCHANGE, cell.span, "not an exchange", message)
                .help_if(crate::check::meant(&cell.value, names)),
        );
    }
    found.map(|name| name.value.as_str())
}

fn wrong_count(line: &Cells, columns: usize) -> Diagnostic {
    let message = format!("The line has {} columns instead of {columns}", line.cells.len());
    error(mistake::TABLE_LINE, line.span, "this line", message)
        .help("a text that holds a comma stands between quotes; a quote inside of it is written twice")
}

/// Cuts a line at its commas; a cell between quotes may hold commas, and quotes written twice.
fn cut(source: SourceId, start: usize, text: &str) -> Result<Cells, Box<Diagnostic>> {
    let place = |from: usize, to: usize| Span {
        source,
        start: u32::try_from(start + from).unwrap_or(u32::MAX),
        end: u32::try_from(start + to).unwrap_or(u32::MAX),
    };
    let span = place(0, text.len());
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        let from = text.len() - rest.len();
        let mut value = String::new();
        if let Some(mut quoted) = rest.strip_prefix('"') {
            loop {
                let Some((before, behind)) = quoted.split_once('"') else {
                    return Err(error(
                        mistake::TABLE_LINE,
                        place(from, text.len()),
                        "begins here",
                        "A quote is not closed",
                    )
                    .help("a text ends on the line where it begins")
                    .boxed());
                };
                value.push_str(before);
                quoted = behind;
                match quoted.strip_prefix('"') {
                    Some(more) => {
                        value.push('"');
                        quoted = more;
                    }
                    None => break,
                }
            }
            rest = quoted;
            if !(rest.is_empty() || rest.starts_with(',')) {
                return Err(error(
                    mistake::TABLE_LINE,
                    place(text.len() - rest.len(), text.len()),
                    "not expected",
                    "Something stands behind a closing quote",
                )
                .help("a quote inside of a text is written twice")
                .boxed());
            }
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            value.push_str(rest.get(..end).unwrap_or_default().trim());
            rest = rest.get(end..).unwrap_or_default();
        }
        cells.push(At { value, span: place(from, text.len() - rest.len()) });
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return Ok(Cells { cells, span }),
        }
    }
}

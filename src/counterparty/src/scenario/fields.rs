//! `match` and `set`: lines whose keys are names of fields.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_telegram::{Decimal, Echo, Field, Fill, Kind, Layout, Number, Side, Slice, Stamp, Value};

use super::read::{Node, Place, Reader, unknown_help};
use super::{Match, Test};
use crate::fill::{CopyOf, Origin, Set, Source};

/// Telegrams that `copy` may copy from.
#[derive(Clone, Copy, Default)]
pub(crate) struct Origins<'p> {
    pub(crate) request: Option<&'p Layout>,
    /// The request that an inquiry is about, and its answer.
    pub(crate) original: Option<(&'p Layout, &'p Layout)>,
    /// The notice whose number a request asks for.
    pub(crate) notice: Option<&'p Layout>,
}

/// Numbers the counters of a scenario.
#[derive(Default)]
pub(crate) struct CounterCount(u32);

/// A field of a layout, or a mistake with the name that is nearest.
pub(crate) fn find<'p>(reader: &mut Reader<'_>, place: &Place, name: &str, layout: &'p Layout) -> Option<&'p Field> {
    let found = layout.find(name).map(|(_, field)| field);
    if found.is_none() {
        let known: Vec<&str> = layout.head().iter().map(|field| &*field.path).collect();
        let help = unknown_help(name, &known);
        reader.mistake(place, format!("telegram {} has no field `{name}`", layout.name()), Some(help));
    }
    found
}

pub(crate) fn matches(reader: &mut Reader<'_>, node: &Node<'_>, layout: &Layout) -> Vec<Match> {
    let Some(mut table) = node.table(reader) else { return Vec::new() };
    let mut matches = Vec::new();
    for (name, node) in table.take_all() {
        let Some(field) = find(reader, &node.place, name, layout) else { continue };
        let test = if node.value.is_table() { range(reader, &node, field) } else { one_of(reader, &node, field) };
        matches.extend(test.map(|test| Match { field: field.clone(), test }));
    }
    matches
}

fn one_of(reader: &mut Reader<'_>, node: &Node<'_>, field: &Field) -> Option<Test> {
    let list = if node.value.is_array() { node.list(reader, "values")? } else { Vec::from([node.clone()]) };
    if list.is_empty() {
        reader.mistake(&node.place, "no value is in this list", Some("it would never match; give at least one".into()));
    }
    let alternatives: Vec<_> = list.iter().filter_map(|node| constant(reader, node, field)).collect();
    Some(Test::OneOf(alternatives, field.equal))
}

fn range(reader: &mut Reader<'_>, node: &Node<'_>, field: &Field) -> Option<Test> {
    let mut table = node.table(reader)?;
    let Kind::Number(Number { scale, .. }) = field.kind else {
        let help = "write a value in quotes, or a list of values".into();
        reader.mistake(&node.place, format!("`{}` is not a number, so it has no range", field.path), Some(help));
        return None;
    };
    let from = table.take("from").map(|node| units(reader, &node, scale));
    let to = table.take("to").map(|node| units(reader, &node, scale));
    table.finish(reader);
    let (from, to) = (from.unwrap_or(Some(i128::MIN))?, to.unwrap_or(Some(i128::MAX))?);
    if from > to {
        reader.mistake(&node.place, "`from` is more than `to`", Some("swap them".into()));
    }
    Some(Test::Range(from..=to))
}

/// A number in units of the field's last digit.
fn units(reader: &mut Reader<'_>, node: &Node<'_>, scale: u8) -> Option<i128> {
    let number = node.integer().map(Decimal::whole).or_else(|| node.value.as_str()?.parse().ok());
    let units = number.and_then(|number| number.rescale(scale)).map(|number| number.units);
    if units.is_none() {
        let help = Some(String::from("write digits; a number with decimals in quotes, such as \"12.50\""));
        reader.mistake(&node.place, format!("not a number with at most {scale} decimals"), help);
    }
    units
}

/// A value that is written in the file, as bytes of the field.
fn constant(reader: &mut Reader<'_>, node: &Node<'_>, field: &Field) -> Option<Box<[u8]>> {
    let width = field.at.range().len();
    let value = match (node.value.as_str(), node.integer(), &field.kind) {
        (Some(text), _, Kind::Filler) => {
            let mut bytes = text.as_bytes().to_vec();
            bytes.resize(bytes.len().max(width), b' ');
            Value::Bytes(bytes)
        }
        (Some(text), _, _) => Value::Text(text.into()),
        (None, Some(number), Kind::Number { .. }) => Value::Number(Decimal::whole(number)),
        (None, Some(_), _) => {
            let help = "write it in quotes, with its leading zeros".into();
            reader.mistake(
                &node.place,
                format!("`{}` is not a number, though it may have digits", field.path),
                Some(help),
            );
            return None;
        }
        (None, None, _) => {
            let message = format!("expected a value for `{}`, found {}", field.path, node.value.type_str());
            reader.mistake(&node.place, message, Some("write text in quotes, or digits".into()));
            return None;
        }
    };
    let mut bytes = Vec::with_capacity(width);
    match field.encode(&value, &mut bytes) {
        Ok(()) => Some(bytes.into_boxed_slice()),
        Err(fault) => {
            reader.mistake(&node.place, format!("`{}` cannot hold this value: {}", field.path, fault.rule), None);
            None
        }
    }
}

/// The lines of `set` for a telegram.
pub(crate) fn sets(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    target: &Layout,
    origins: Origins<'_>,
    counters: &mut CounterCount,
) -> Vec<Set> {
    let Some(mut table) = node.table(reader) else { return Vec::new() };
    let mut sets = Vec::new();
    for (name, node) in table.take_all() {
        let Some(field) = find(reader, &node.place, name, target) else { continue };
        let source = if node.value.is_table() {
            source(reader, &node, field, target, origins, counters)
        } else {
            constant(reader, &node, field).map(Source::Constant)
        };
        sets.extend(source.map(|source| Set { at: field.at, source }));
    }
    sets
}

fn source(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    field: &Field,
    target: &Layout,
    origins: Origins<'_>,
    counters: &mut CounterCount,
) -> Option<Source> {
    let mut table = node.table(reader)?;
    let copied = table.take("copy").map(|node| copy(reader, &node, field, origins));
    let now = table.take("now").map(|node| now(reader, &node, field));
    let hex = table.take("hex").map(|node| hex(reader, &node, field));
    let parts = [("part", false), ("rest", true)].map(|(key, rest)| {
        let node = table.take(key)?;
        let percent = table.needed(reader, "percent");
        Some(part(reader, &node, percent.as_ref(), field, origins, rest))
    });
    let sequence = table.take("sequence").map(|first| {
        let step = table.take("step");
        let per = table.take("per");
        sequence(reader, [Some(&first), step.as_ref(), per.as_ref()], target, counters)
    });
    table.finish(reader);
    let mut sources = [copied, now, hex, sequence].into_iter().chain(parts).flatten();
    let (Some(source), None) = (sources.next(), sources.next()) else {
        let help =
            "write { copy = \"...\" }, { now = \"hhmmss\" }, { sequence = 1 }, { part = \"...\", percent = 40 }, { hex = \"...\" }, or a value".into();
        reader.mistake(&node.place, "expected one way to fill the field", Some(help));
        return None;
    };
    source
}

fn copy(reader: &mut Reader<'_>, node: &Node<'_>, to: &Field, origins: Origins<'_>) -> Option<Source> {
    Some(Source::Copy(Box::new(copy_of(reader, node, to, origins)?)))
}

/// `{ part = "FIELD", percent = 40 }`, or what that leaves of it.
fn part(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    percent: Option<&Node<'_>>,
    to: &Field,
    origins: Origins<'_>,
    rest: bool,
) -> Option<Source> {
    let of = copy_of(reader, node, to, origins)?;
    for field in [&of.from, to] {
        if !matches!(field.kind, Kind::Number { .. }) {
            reader.mistake(&node.place, format!("`{}` is not a number, so it has no parts", field.path), None);
        }
    }
    let percent = percent?;
    let most = percent.count(reader, 0)?;
    if most > 100 {
        reader.mistake(&percent.place, format!("{most} percent is more than the whole"), None);
    }
    Some(Source::Part { of: Box::new(of), percent: most, rest })
}

fn copy_of(reader: &mut Reader<'_>, node: &Node<'_>, to: &Field, origins: Origins<'_>) -> Option<CopyOf> {
    let text = node.text(reader, "the name of a field")?;
    let prefixed = [
        ("original.answer.", Origin::OriginalAnswer),
        ("original.", Origin::Original),
        ("request.", Origin::Request),
        ("notice.", Origin::Notice),
    ];
    let (name, origin) = prefixed
        .iter()
        .find_map(|(prefix, origin)| Some((text.strip_prefix(prefix)?, *origin)))
        .unwrap_or((text, Origin::Request));
    let layout = match origin {
        Origin::Request => origins.request,
        Origin::Original => origins.original.map(|(request, _)| request),
        Origin::OriginalAnswer => origins.original.map(|(_, answer)| answer),
        Origin::Notice => origins.notice,
    };
    let Some(layout) = layout else {
        let (message, help) = match origin {
            Origin::Request => (
                "no request causes this notice",
                "start it with `on = \"opened\"`, \"reply\" or \"trigger\", or write a value",
            ),
            Origin::Notice => {
                ("no notice is asked for here", "only a reply with `notice = \"issued\"` is about a notice of the book")
            }
            Origin::Original | Origin::OriginalAnswer => (
                "there is no original",
                "only an exchange with `settles`, in a reply with `original = ...`, is about another one",
            ),
        };
        reader.mistake(&node.place, message, Some(help.into()));
        return None;
    };
    let from = find(reader, &node.place, name, layout)?;
    Some(CopyOf { origin, from: from.clone(), to: to.clone() })
}

/// `copy_all = "notice"`: every field that the answer's side fills and that the notice has, too, by name.
pub(crate) fn copies_all(target: &Layout, notice: &Layout, but: &[Slice]) -> Vec<Set> {
    let able = target.head().iter().filter(|field| {
        let open =
            !matches!(field.fill, Fill::Const(_) | Fill::Default(_) | Fill::Computed(_)) && field.echo != Echo::Always;
        open && field.by.fills(Side::Answerer) && !but.contains(&field.at)
    });
    let copies = able.filter_map(|to| {
        let (_, from) = notice.find(&to.path)?;
        let copy = CopyOf { origin: Origin::Notice, from: from.clone(), to: to.clone() };
        Some(Set { at: to.at, source: Source::Copy(Box::new(copy)) })
    });
    copies.collect()
}

fn now(reader: &mut Reader<'_>, node: &Node<'_>, field: &Field) -> Option<Source> {
    let pattern = node.text(reader, "a pattern such as \"YYYYMMDD\" or \"hhmmss\"")?;
    if Stamp::new(pattern).is_none() || pattern.len() != field.at.range().len() {
        let message = format!("`{pattern}` is not a pattern of {} characters", field.at.len);
        reader.mistake(&node.place, message, Some("patterns are made of YYYY YY MM DD hh mm ss and - / . :".into()));
        return None;
    }
    Some(Source::Now(pattern.into()))
}

fn hex(reader: &mut Reader<'_>, node: &Node<'_>, field: &Field) -> Option<Source> {
    let bytes = hex_bytes(reader, node)?;
    if bytes.len() != field.at.range().len() {
        let message = format!("{} bytes for `{}`, which has {}", bytes.len(), field.path, field.at.len);
        reader.mistake(&node.place, message, None);
        return None;
    }
    Some(Source::Constant(bytes))
}

/// `"41 b0 20"`: bytes as they are, right or wrong.
pub(crate) fn hex_bytes(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Box<[u8]>> {
    let text = node.text(reader, "bytes in hexadecimal")?;
    let digits: Option<Vec<u8>> =
        text.chars().filter(|c| *c != ' ').map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let bytes: Option<Box<[u8]>> = digits.filter(|digits| digits.len() % 2 == 0).map(|digits| {
        let pair = |pair: &[u8]| pair.iter().fold(0, |byte: u8, digit| byte << 4 | digit);
        digits.chunks(2).map(pair).collect()
    });
    if bytes.is_none() {
        reader.mistake(
            &node.place,
            "not bytes in hexadecimal",
            Some("write two digits for each byte: \"41 b0 20\"".into()),
        );
    }
    bytes
}

fn sequence(
    reader: &mut Reader<'_>,
    [first, step, per]: [Option<&Node<'_>>; 3],
    target: &Layout,
    counters: &mut CounterCount,
) -> Option<Source> {
    let first = first?.count(reader, 0)?;
    let step = step.map_or(Some(1), |step| step.count(reader, 1))?;
    let per = per.map_or(Some(Vec::new()), |per| per.list(reader, "names of fields"))?;
    let mut scope = Vec::new();
    for node in per {
        let name = node.text(reader, "the name of a field")?;
        scope.push(find(reader, &node.place, name, target)?.at);
    }
    let counter = counters.0;
    counters.0 += 1;
    Some(Source::Sequence { counter, first: first.into(), step: step.into(), per: scope })
}

//! A layout as the rows of a table.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use pabal_telegram::{
    Blank, CharsetPair, Class, Computed, Echo, Field, FieldId, Fill, Form, Kind, Layout, Near, Node, Number, Slice,
    Span as Bytes, Test, Times,
};

use crate::parse::LENGTH;

mod text;

/// A field as a row of the institution's document, in the words of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Of the first byte, from 0, length prefix not counted; of a field that moves, from where its part begins ([`outline`]).
    pub offset: u32,
    /// In bytes.
    pub len: u32,
    /// `X(9)`, `9(13)V9(3)`, `S9(13) sign leading`, `code(3)`, `date(YYYYMMDD)`, `filler(15)`.
    pub kind: String,
    /// Who fills it: `asker`, `answerer`, `both`, `none`, with `?` if it may be left out.
    pub by: String,
    /// Who may see it.
    pub class: Class,
    /// Name in the spec.
    pub name: String,
    /// Name in the institution's document.
    pub label: String,
    /// What else is said of it: `= 1`, `const "HDR"`, `stamped`, `echo`, `equal ignoring zero-left`.
    pub more: String,
}

/// The rows of a layout, in the order of its bytes.
pub fn show(layout: &Layout) -> impl Iterator<Item = Row> + '_ {
    let usual = text::usual(layout);
    layout.fields().iter().map(move |field| Row {
        offset: field.at.offset,
        len: field.at.len,
        kind: kind(field),
        by: by(field),
        class: field.class,
        name: field.path.as_ref().to_owned(),
        label: field.label.as_ref().to_owned(),
        more: more(field, layout, usual),
    })
}

/// Where something begins that moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The first field of it, as a place in [`Layout::fields`].
    pub field: usize,
    /// How deep it stands in others.
    pub depth: usize,
    /// What it is, in the words of the language: `repeat scores score_count times max 30`. `then` for fields that only stand behind something.
    pub text: String,
    /// Name in the institution's document, or nothing.
    pub label: String,
}

/// What moves in a layout, in the order of its fields; nothing if all has its place. The offsets of fields count from the nearest line.
#[must_use]
pub fn outline(layout: &Layout) -> Vec<Outline> {
    let mut all = Vec::new();
    inside(layout, layout.root(), 0, None, &mut all);
    all
}

/// How deep is bounded by the layout.
fn inside(layout: &Layout, nodes: &[Node], depth: usize, mut head: Option<(String, &str)>, all: &mut Vec<Outline>) {
    for (at, node) in nodes.iter().enumerate() {
        let field = first(node).map_or(0, FieldId::index);
        if let Some((text, label)) = head.take() {
            all.push(Outline { field, depth: depth - 1, text, label: label.into() });
        } else if matches!(node, Node::Run { .. }) && at > 0 {
            all.push(Outline { field, depth, text: "then".into(), label: String::new() });
        }
        match node {
            Node::Repeat(repeat) => {
                let padded = if repeat.padded { " padded" } else { "" };
                let times = match repeat.times {
                    Times::Field(by) => format!("{} times max {}{padded}", path(layout, by), repeat.max),
                    _ => format!("until end max {}", repeat.max),
                };
                let text = format!("repeat {} {times}", repeat.path);
                inside(layout, &repeat.body, depth + 1, Some((text, &repeat.label)), all);
            }
            Node::Choice(choice) => {
                for branch in &choice.branches {
                    let by = path(layout, choice.by);
                    let text = match branch.keys.as_slice() {
                        [] => format!("choice by {by} else"),
                        keys => format!("choice by {by} {}", alternatives(layout, choice.by, keys)),
                    };
                    inside(layout, &branch.body, depth + 1, Some((text, &branch.label)), all);
                }
            }
            Node::When(when) => {
                let test = match &when.test {
                    Test::AnyOf(any_of) => alternatives(layout, when.by, any_of),
                    Test::Bit(bit) => format!("has {bit}"),
                };
                let text = format!("when {} {test}", path(layout, when.by));
                inside(layout, &when.body, depth + 1, Some((text, &when.label)), all);
            }
            Node::Tail(tail) => {
                let text = match (path(layout, tail.len), layout.field(tail.len)) {
                    (by, Some(length)) if by.strip_suffix(LENGTH) == Some(path(layout, tail.field)) => {
                        format!("led by {}", "L".repeat(length.at.range().len()))
                    }
                    (by, _) => format!("length of {by}"),
                };
                all.push(Outline { field: tail.field.index(), depth, text, label: String::new() });
            }
            _ => {}
        }
    }
}

fn first(node: &Node) -> Option<FieldId> {
    match node {
        Node::Run { first, .. } => Some(*first),
        Node::Repeat(repeat) => repeat.body.first().and_then(first),
        Node::Choice(choice) => choice.branches.iter().find_map(|branch| branch.body.first().and_then(first)),
        Node::When(when) => when.body.first().and_then(first),
        Node::Tail(tail) => Some(tail.field),
        _ => None,
    }
}

fn path(layout: &Layout, id: FieldId) -> &str {
    layout.field(id).map_or("", |field| &field.path)
}

/// What the field may hold, as text of its charset.
fn alternatives(layout: &Layout, by: FieldId, keys: &[Box<[u8]>]) -> String {
    let shown = |key: &[u8]| match layout.field(by).map(|field| field.charset.decode.decode(key)) {
        Some(Ok(text)) => format!("{text:?}"),
        _ => format!("\"{}\"", key.escape_ascii()),
    };
    let keys: Vec<String> = keys.iter().map(|key| shown(key)).collect();
    keys.join("|")
}

/// A field's kind, as specs write it.
pub(crate) fn kind(field: &Field) -> String {
    let len = field.at.len;
    match &field.kind {
        Kind::Text => format!("X({len})"),
        Kind::Lines { each } => format!("X({}*{each})", len / each.max(&1)),
        Kind::Number(number) => self::number(*number),
        Kind::Code => format!("code({len})"),
        Kind::Stamp(stamp) if stamp.pattern.contains(['Y', 'M', 'D']) && !stamp.pattern.contains(['h', 'm', 's']) => {
            format!("date({})", stamp.pattern)
        }
        Kind::Stamp(stamp) => format!("time({})", stamp.pattern),
        Kind::Filler => format!("filler({len})"),
        _ => format!("({len})"),
    }
}

fn number(number: Number) -> String {
    let sign = if number.has_own_sign() { "S" } else { "" };
    let mut text = format!("{sign}9({})", number.digits.saturating_sub(number.scale));
    if number.scale > 0 {
        let point = if matches!(number.form, Form::Pointed(_)) { "." } else { "V" };
        text.push_str(&format!("{point}9({})", number.scale));
    }
    let form = number.form.to_string();
    if !form.is_empty() {
        text.extend([" ", &form]);
    }
    text
}

/// What the field says of its telegram.
fn computed(computed: &Computed, field: &Field, layout: &Layout) -> String {
    let path = |id: FieldId| layout.field(id).map_or("?", |field| &field.path);
    let span = |span: Bytes| match span {
        Bytes::Telegram => String::from("telegram"),
        Bytes::Others => String::from("telegram exclusive"),
        Bytes::Fields { first, last } if first == last => String::from(path(first)),
        Bytes::Fields { first, last } => format!("{}..{}", path(first), path(last)),
    };
    let plain = |path: &str| String::from(path.split('[').next().unwrap_or(path));
    match computed {
        Computed::Sign => String::from("sign"),
        Computed::Fraction => String::from("fraction"),
        Computed::Length { of, plus: 0 } => format!("length of {}", span(*of)),
        Computed::Length { of, plus } => {
            format!("length of {} {} {}", span(*of), if *plus < 0 { "minus" } else { "plus" }, plus.unsigned_abs())
        }
        Computed::Count { of } => format!("count of {}", of.first().map_or_else(String::new, |id| plain(path(*id)))),
        Computed::Sum { of } => {
            let first = of.first().map_or("", |id| path(*id));
            let more = if of.len() > 1 { format!(" and {} more", of.len() - 1) } else { String::new() };
            format!("sum of {first}{more}")
        }
        Computed::Checksum { of, by } => {
            let (word, name) = by.words();
            format!("{word}{}{name} of {}", if name.is_empty() { "" } else { " " }, span(*of))
        }
        Computed::CheckDigit { of, by } => format!("check {by} of {}", beside(field, *of, layout).unwrap_or("?")),
        Computed::OwnDigit { by } => format!("check {by}"),
        _ => String::new(),
    }
}

/// The field that lies there, seen from another one; of several runs the one in the same is nearest.
fn beside<'l>(field: &Field, near: Near, layout: &'l Layout) -> Option<&'l str> {
    let at = Slice { offset: field.at.offset.checked_add_signed(near.ahead)?, len: near.len };
    let own = layout.fields().iter().position(|other| other == field)?;
    let there = layout.fields().iter().enumerate().filter(|(_, other)| other.at == at);
    there.min_by_key(|(id, _)| id.abs_diff(own)).map(|(_, other)| &*other.path)
}

fn by(field: &Field) -> String {
    let side = match (field.by.asker, field.by.answerer) {
        (true, true) => "both",
        (true, false) => "asker",
        (false, true) => "answerer",
        (false, false) => "none",
    };
    format!("{side}{}", if field.by.optional { "?" } else { "" })
}

fn more(field: &Field, layout: &Layout, usual: Option<CharsetPair>) -> String {
    let text = |bytes: &[u8]| match field.class {
        Class::Public => format!("{:?}", text::text(field, bytes)),
        _ => String::from("(not public)"),
    };
    let fill = match &field.fill {
        Fill::Given => String::new(),
        Fill::Default(bytes) => format!("= {}", text(bytes)),
        Fill::Const(bytes) => format!("const {}", text(bytes)),
        Fill::Stamped => String::from("stamped"),
        Fill::Computed(computed) => self::computed(computed, field, layout),
    };
    let echo = match field.echo {
        Echo::No => "",
        Echo::Always => "echo",
        Echo::InReplyToNotice => "echo in reply to notice",
    };
    let equal = match (field.equal.zero_left, field.equal.space_right) {
        (true, true) => "equal ignoring zero-left space-right",
        (true, false) => "equal ignoring zero-left",
        (false, true) => "equal ignoring space-right",
        (false, false) => "",
    };
    let (mut blank, mut lenient) = ("", String::new());
    if let Kind::Number(number) = field.kind {
        blank = match number.blank {
            Blank::Fault => "",
            Blank::Null => "blank null",
            Blank::Zero => "blank zero",
        };
        for mode in number.lenient.words() {
            lenient.push_str(if lenient.is_empty() { "lenient " } else { " " });
            lenient.push_str(mode);
        }
    }
    let mut all = fill;
    if let Kind::Number(Number { sign: Some(near), .. }) = field.kind {
        let sign = beside(field, near, layout).map_or_else(String::new, |sign| format!("signed by {sign}"));
        all = if all.is_empty() { sign } else { format!("{all} {sign}") };
    }
    let clauses = text::clauses(field, layout, usual);
    let year = if let Kind::Stamp(stamp) = &field.kind { stamp.year.to_string() } else { String::new() };
    let said = [&*year, echo, equal, blank, &lenient].into_iter().chain(clauses.iter().map(String::as_str));
    for part in said.filter(|part| !part.is_empty()) {
        if !all.is_empty() {
            all.push(' ');
        }
        all.push_str(part);
    }
    all
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use crate::{Source, load};

    use super::*;

    fn shown(telegram: &str) -> String {
        let sources = [
            ("whole.spec", include_str!("../tests/fixtures/whole.spec")),
            ("codes.csv", include_str!("../tests/fixtures/codes.csv")),
        ]
        .map(|(name, text)| Source { name: name.into(), text: text.into() });
        let loaded = load(&sources).unwrap();
        let (_, layout) = loaded.institution.protocols[0].catalog.find(telegram).unwrap();
        let rows: Vec<String> = show(layout)
            .map(|row| {
                let Row { offset, len, kind, by, class, name, label, more } = row;
                format!("{offset:3} {len:3} {kind:16} {by:9} {:9} {name:15} {label} {more}", class.word())
                    .trim_end()
                    .into()
            })
            .collect();
        rows.join("\n")
    }

    #[test]
    fn keys_are_shown_as_text_of_their_field() {
        let spec = "institution i \"가\"\nlayouts l {\n charset ebcdic-037\n unset 9 zero X space\n}\ntelegram t \"가\" 2..5 {\n \
                    kind X(2) by both public\n when kind \"AB\" {\n c X(3) by both public\n }\n}\n";
        let loaded = load(&[Source { name: "i.spec".into(), text: spec.into() }]).unwrap();
        let outline = outline(&loaded.institution.layouts[0].catalog.layouts[0]);
        assert_eq!(outline.iter().map(|line| &*line.text).collect::<Vec<_>>(), ["when kind \"AB\""]);
    }

    #[test]
    fn fields_are_shown_in_the_words_of_the_language() {
        insta::assert_snapshot!("transfer", shown("transfer"));
        insta::assert_snapshot!("poll_answer", shown("poll_answer"));
    }
}

//! What the block of a header or telegram holds: fields, and blocks of fields.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use crate::diagnostic::Diagnostic;
use crate::mistake::{self, error};
use crate::parse::cursor::{Cursor, Read, did_you_mean};
use crate::parse::line::Token;
use crate::parse::tree::{Body, Item};
use crate::parse::{field, lead};
use crate::written::{Block, Branch, Part, Shape, Test, Times};

/// Words that begin a block of fields.
const BLOCKS: [&str; 4] = ["group", "repeat", "choice", "when"];

/// Reads the lines of a block. A line that is no part at all is told, and `broken` says that one is missing.
pub(crate) fn read(body: &Body, broken: &mut bool, out: &mut Vec<Diagnostic>) -> Vec<Part> {
    let mut parts = Vec::with_capacity(body.items.len());
    for item in &body.items {
        let part = match item.body {
            Some(_) => block(item, broken, out).map(Part::Block),
            None => field::read(item, out).map(|field| {
                let (length, field) = lead::spread(field, out);
                parts.extend(length.map(|length| Part::Field(Box::new(length))));
                Part::Field(Box::new(field))
            }),
        };
        match part {
            Ok(part) => parts.push(part),
            Err(stop) => {
                *broken = true;
                out.extend(stop.0.map(|diagnostic| *diagnostic));
            }
        }
    }
    parts
}

fn block(item: &Item, broken: &mut bool, out: &mut Vec<Diagnostic>) -> Read<Block> {
    let mut cursor = Cursor::new(item);
    let word = cursor.word("a block of fields: group, repeat, choice or when")?;
    let mut shape = match word.value.as_str() {
        "group" => Shape::Group { name: cursor.name("the name of the group")? },
        "repeat" => {
            let name = cursor.name("the name of what repeats")?;
            Shape::Repeat { name, times: times(&mut cursor)? }
        }
        "choice" => {
            cursor.must(&["by"])?;
            Shape::Choice { by: cursor.path("the field that holds the key")?, branches: Vec::new() }
        }
        "when" => {
            let field = cursor.path("the field that decides")?;
            let test = if cursor.takes("has") {
                Test::Bit(cursor.count("a bit, from 1")?)
            } else {
                Test::AnyOf(cursor.alternatives("what the field holds, or `has` and a bit")?)
            };
            Shape::When { field, test }
        }
        other => {
            let help =
                did_you_mean(other, BLOCKS).unwrap_or_else(|| format!("blocks of fields are: {}", BLOCKS.join(", ")));
            return Err(error(
                mistake::UNKNOWN_WORD,
                word.span,
                "not known here",
                format!("`{other}` is no block of fields"),
            )
            .help(help)
            .into());
        }
    };
    let length = if cursor.takes("length") { Some(cursor.count("a length in bytes")?) } else { None };
    let label = cursor.label();
    let body = cursor.body()?;
    let parts = match &mut shape {
        Shape::Choice { branches, .. } => {
            for item in &body.items {
                match branch(item, broken, out) {
                    Ok(branch) => branches.push(branch),
                    Err(stop) => {
                        *broken = true;
                        out.extend(stop.0.map(|diagnostic| *diagnostic));
                    }
                }
            }
            Vec::new()
        }
        _ => read(body, broken, out),
    };
    Ok(Block { word: word.span, shape, length, parts, label })
}

/// `3`, `score_count times max 30 padded`, `until end max 100`.
fn times(cursor: &mut Cursor<'_>) -> Read<Times> {
    if matches!(cursor.peek(), Some(Token::Word(word)) if word.starts_with(|c: char| c.is_ascii_digit())) {
        return Ok(Times::Fixed(cursor.count("how many times")?));
    }
    let start = cursor.here();
    let by = if cursor.is_word("until") {
        cursor.must(&["until", "end"])?;
        None
    } else {
        let by = cursor.path("how many times: a number, the field that counts, or `until end`")?;
        cursor.must(&["times"])?;
        Some(by)
    };
    cursor.must(&["max"])?;
    let max = cursor.count("how many times at most")?;
    Ok(match by {
        Some(by) => Times::Counted { by, max, padded: cursor.takes("padded") },
        None => Times::UntilEnd { span: cursor.since(start), max },
    })
}

/// `"01"|"03" person "개인" { .. }`, or `else rest { .. }`.
fn branch(item: &Item, broken: &mut bool, out: &mut Vec<Diagnostic>) -> Read<Branch> {
    let mut cursor = Cursor::new(item);
    let start = cursor.here();
    let keys = if cursor.takes("else") { Vec::new() } else { cursor.alternatives("a key of the branch, or `else`")? };
    let span = cursor.since(start);
    let name = cursor.name("the name of the branch")?;
    let length = if cursor.takes("length") { Some(cursor.count("a length in bytes")?) } else { None };
    let label = cursor.label();
    let body = cursor.body()?;
    Ok(Branch { span, keys, name, length, parts: read(body, broken, out), label })
}

//! `hours`: when the institution takes work, row by row.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::diagnostic::Diagnostic;
use crate::mistake::{self, error};
use crate::parse::cursor::{Cursor, Read};
use crate::parse::line::Token;
use crate::parse::tree::Item;
use crate::written::{At, Hours};

/// What begins a row.
pub(crate) const WORDS: [&str; 2] = ["open", "closed"];

const KINDS: [(&str, bool); 2] = [(WORDS[0], true), (WORDS[1], false)];

pub(crate) fn read(cursor: &mut Cursor<'_>, out: &mut Vec<Diagnostic>) -> Read<Vec<Hours>> {
    let mut all = Vec::new();
    for item in &cursor.body()?.items {
        match row(item) {
            Ok(row) => all.push(row),
            Err(stop) => out.extend(stop.0.map(|diagnostic| *diagnostic)),
        }
    }
    Ok(all)
}

/// `closed second sunday 00:00 to 08:00 for transfer bank_code "004"|"088"`.
fn row(item: &Item) -> Read<Hours> {
    let mut cursor = Cursor::new(item);
    let is_open = cursor.choice("`open` or `closed`", &KINDS)?.value;
    let hours = when(&mut cursor)?;
    let mut exchanges = Vec::new();
    let mut participants = None;
    while !cursor.is_done() {
        if exchanges.is_empty() && cursor.takes("for") {
            // A name with a text behind it is the participant's field.
            while exchanges.is_empty() || (is_name(&cursor) && !cursor.is_before_text()) {
                exchanges.push(cursor.name("an exchange")?);
            }
        } else if participants.is_none() {
            let field = cursor.path("`for` and exchanges, or the participant's field")?;
            participants = Some((field, cursor.alternatives("a participant")?));
        } else {
            break;
        }
    }
    cursor.finish()?;
    Ok(Hours { is_open, hours, exchanges, participants })
}

fn is_name(cursor: &Cursor<'_>) -> bool {
    matches!(cursor.peek(), Some(Token::Word(_)))
}

/// Days and the part of each, up to `for`, a field with its text, or the end of the line.
fn when(cursor: &mut Cursor<'_>) -> Read<At<pabal_clock::Hours>> {
    let start = cursor.here();
    let mut text = String::new();
    while is_name(cursor) && !cursor.is_word("for") && !cursor.is_before_text() {
        let word = cursor.word("a day")?;
        let gap = if text.is_empty() { "" } else { " " };
        text = format!("{text}{gap}{}", word.value);
    }
    if text.is_empty() {
        return Err(cursor.expected("days, such as `every day 01:00 to 23:30`"));
    }
    let span = cursor.since(start);
    match pabal_clock::Hours::parse(&text) {
        Ok(value) => Ok(At { value, span }),
        Err(why) => Err(error(mistake::BAD_HOURS, span, "expected days and hours", why.message).help(why.help).into()),
    }
}

//! How a text lies in its field.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_telegram::{Charset, CharsetPair, Field, Fill, Kind, TextMode, TextModes, TextRule, Wide};

use crate::check::layout::{self, Draft};
use crate::check::protocol;
use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::written::{self, At, Members, Pad};

/// Tells two charsets of which one does not read what is written in the other.
pub(crate) fn pair(charset: CharsetPair, span: Span, out: &mut Vec<Diagnostic>) {
    let CharsetPair { encode, decode } = charset;
    if decode.reads(encode) {
        return;
    }
    let message = format!("What is written in {encode} reads as something else in {decode}");
    let readers: Vec<&str> =
        Charset::ALL.into_iter().filter(|(_, other)| other.reads(encode)).map(|(word, _)| word).collect();
    out.push(
        error(mistake::TWO_CHARSETS, span, "do not go together", message)
            .help(format!("what is written in {encode} can be read in: {}", readers.join(", "))),
    );
}

/// The charsets of a field.
pub(crate) fn charset(written: &written::Field, ground: CharsetPair, out: &mut Vec<Diagnostic>) -> CharsetPair {
    let Some(At { value: (encode, decode), span }) = written.text.charset else { return ground };
    let charset = CharsetPair { encode, decode };
    pair(charset, span, out);
    charset
}

/// What is said of the field as a text. `wide when` comes later ([`wide`]): it needs the other fields.
pub(crate) fn rule(written: &written::Field, field: &Field, out: &mut Vec<Diagnostic>) -> TextRule {
    let said = &written.text;
    let mut misplaced = |clause: &str, why: &str, help: &str| {
        let span = written.seen.find(clause).unwrap_or(written.name.span);
        let message = format!("Field `{}` cannot have this: {why}", written.name.value);
        out.push(error(mistake::MISPLACED, span, "not here", message).help(help));
    };
    if written.kind.is_none() {
        return TextRule::default();
    }
    if field.kind != Kind::Text {
        let help = "only `X(n)` has text that can lie in its field one way or another";
        for clause in ["right", "pad", "wide"].into_iter().filter(|clause| written.seen.has(clause)) {
            misplaced(clause, "it is not text", help);
        }
    } else if said.wide.is_some() && !field.charset.encode.has_wide() {
        let why = format!("{} has no full-width letters", field.charset.encode);
        misplaced("wide", &why, "say a charset that has them, or remove it");
    } else if said.wide.is_some() && (written.constant.is_some() || written.default.is_some()) {
        misplaced("wide", "its value is written in the spec", "write the value as it shall be on the wire");
    }
    let mut lenient = TextModes::STRICT;
    let of_number = matches!(field.kind, Kind::Number(_));
    for name in written.lenient.iter().filter(|_| !of_number) {
        match mode(field, &name.value) {
            Ok(mode) => lenient = lenient.with(mode),
            Err((why, help)) => {
                let message = format!("Field `{}` cannot let `{}` through", written.name.value, name.value);
                out.push(error(mistake::NO_MODE, name.span, why, message).help(help));
            }
        }
    }
    let pad = said.pad.as_ref().filter(|_| field.kind == Kind::Text).and_then(|written| pad(field, written, out));
    let valued = written.constant.is_some() || written.default.is_some();
    let wide = if matches!(said.wide, Some(written::Wide::Always)) && !valued { Wide::Always } else { Wide::No };
    TextRule { right: said.right, pad, wide, lenient }
}

/// What is let through, or why not and what to write.
fn mode(field: &Field, word: &str) -> Result<TextMode, (String, String)> {
    let modes =
        || TextMode::ALL.into_iter().filter(|(_, mode)| mode.is_of(field.charset.decode) && field.kind == Kind::Text);
    if let Some((_, mode)) = modes().find(|(name, _)| *name == word) {
        return Ok(mode);
    }
    let words: Vec<&str> = modes().map(|(name, _)| name).collect();
    let why = match TextMode::ALL.iter().any(|(name, _)| *name == word) {
        true if field.kind != Kind::Text => String::from("the field is not text"),
        true => format!("not in {}", field.charset.decode),
        false => String::from("the field is not a number"),
    };
    let help = match words.is_empty() {
        true => String::from("remove it"),
        false => format!("what it can let through: {}", words.join(", ")),
    };
    Err((why, help))
}

/// The byte that the field is padded with.
fn pad(field: &Field, written: &At<Pad>, out: &mut Vec<Diagnostic>) -> Option<u8> {
    let charset = field.charset.encode;
    let (byte, why) = match &written.value {
        Pad::Byte(byte) => (Some(*byte), "a letter can end in this byte"),
        Pad::Text(text) => match text.as_bytes() {
            [ascii] => (charset.byte(*ascii), "a character can end in this byte"),
            _ => (None, "not one character of one byte"),
        },
    };
    let found = byte.filter(|byte| charset.pads(*byte));
    if found.is_none() {
        let message = format!("Field `{}` cannot be padded with this", field.path);
        let help = "take a digit, a space, another sign below the letters, or a byte from 0x00";
        out.push(error(mistake::BAD_PAD, written.span, why, message).help(help));
    }
    found
}

/// `wide when`: which bytes of which field decide.
pub(crate) fn wide(members: &Members, draft: &mut Draft<'_>, out: &mut Vec<Diagnostic>) {
    for at in 0..draft.columns.len() {
        let Some(column) = draft.columns.get(at) else { continue };
        let Some(written::Wide::When { field: name, set }) = &column.written.text.wide else { continue };
        let found = draft.find(name, out);
        let values = protocol::set(members, set, out);
        let Some((when, values)) = found.zip(values) else { continue };
        let any_of: Vec<_> = values.values.iter().map(|text| layout::constant(&when.field, text, out)).collect();
        let why = if when.field.fill == Fill::Stamped {
            Some("the gateway writes it later")
        } else if draft.columns.iter().position(|other| other.field.path == when.field.path) >= Some(at) {
            Some("it does not stand before the text")
        } else {
            None
        };
        if let Some(why) = why {
            let message = format!("Field `{}` cannot decide how field `{}` is written", name.value, column.field.path);
            let help = "name a field that stands before the text and that the caller gives";
            out.push(
                error(mistake::LATE, name.span, why, message).help(help).related(when.written.name.span, "this one"),
            );
        }
        let Some(any_of) = any_of.into_iter().collect::<Option<Box<[_]>>>() else { continue };
        let wide = Wide::When { at: when.field.at, any_of };
        if let Some(column) = draft.columns.get_mut(at) {
            column.field.text.wide = wide;
        }
    }
}

//! A field: one line, one column of the institution's document.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_telegram::{Blank, By, Class, Echo, Equal, NumberModes, TextMode, Unset};

use crate::diagnostic::Diagnostic;
use crate::mistake::{self, error};
use crate::parse::computed::{self, COMPUTED};
use crate::parse::cursor::{Cursor, Read, did_you_mean};
use crate::parse::line::Token;
use crate::parse::tree::Item;
use crate::parse::{lead, number, text};
use crate::written::{At, Field, Kind, Name, Seen, Text, Year};

/// What may be said of a field behind its kind, beside the classes.
const CLAUSES: [&str; 17] = [
    "by", "echo", "equal", "signed", "right", "pad", "charset", "wide", "at", "const", "unset", "blank", "lenient",
    "years", "year", "led", "=",
];

/// What a field can be lenient in: of numbers, then of text.
pub(crate) const MODES: [&str; 8] = [
    NumberModes::ALL[0].0,
    NumberModes::ALL[1].0,
    NumberModes::ALL[2].0,
    NumberModes::ALL[3].0,
    TextMode::ALL[0].0,
    TextMode::ALL[1].0,
    TextMode::ALL[2].0,
    TextMode::ALL[3].0,
];

const BLANKS: [(&str, Blank); 2] = [("null", Blank::Null), ("zero", Blank::Zero)];

const KINDS: [&str; 7] = ["X", "9", "S9", "code", "date", "time", "filler"];

const SIDES: [(&str, By); 4] = [
    ("asker", By { asker: true, answerer: false, optional: false }),
    ("answerer", By { asker: false, answerer: true, optional: false }),
    ("both", By { asker: true, answerer: true, optional: false }),
    ("none", By { asker: false, answerer: false, optional: false }),
];

pub(crate) const UNSETS: [(&str, Unset); 2] = [("zero", Unset::Zero), ("space", Unset::Space)];

/// Reads a line as a field. Fails only if it does not even begin with a name.
pub(crate) fn read(item: &Item, out: &mut Vec<Diagnostic>) -> Read<Field> {
    let mut cursor = Cursor::new(item);
    let name = cursor.name("the name of a field")?;
    let mut field = Field {
        name,
        kind: None,
        seen: Seen::default(),
        by: None,
        echo: Echo::No,
        class: None,
        default: None,
        constant: None,
        equal: Equal::default(),
        signed: None,
        computed: None,
        year: None,
        led: None,
        text: Text::default(),
        unset: None,
        blank: None,
        lenient: Vec::new(),
        label: None,
        broken: false,
    };
    let read = (|| {
        field.kind = Some(kind(&mut cursor)?);
        while !cursor.is_done() {
            clause(&mut cursor, &mut field)?;
        }
        cursor.finish()
    })();
    if let Err(stop) = read {
        field.broken = true;
        out.extend(stop.0.map(|diagnostic| *diagnostic));
    }
    Ok(field)
}

fn kind(cursor: &mut Cursor<'_>) -> Read<At<Kind>> {
    let what = "a kind: X(n), 9(n), 9(n)V9(n), code(n), date(..), time(..) or filler(n)";
    let word = cursor.word(what)?;
    let kind = match word.value.as_str() {
        "X" => text(cursor)?,
        "code" => Kind::Code(length(cursor)?),
        "filler" => Kind::Filler(length(cursor)?),
        "9" => Kind::Number(number::read(cursor, word.span, false)?),
        "S9" => Kind::Number(number::read(cursor, word.span, true)?),
        "date" | "time" => {
            cursor.sign('(')?;
            let what = "a pattern such as YYYYMMDD or hhmmss";
            let pattern = if let Some(text) = cursor.label() { text } else { cursor.word(what)? };
            cursor.sign(')')?;
            Kind::Stamp(pattern.value)
        }
        other => {
            let lower = other.to_ascii_lowercase();
            let upper = other.to_ascii_uppercase();
            let same = KINDS.into_iter().find(|kind| *kind == lower || *kind == upper);
            let meant = same.map(|kind| format!("did you mean `{kind}`?")).or_else(|| did_you_mean(other, KINDS));
            let help = meant.unwrap_or_else(|| {
                "text is `X(n)`, a number `9(n)`, `9(n)V9(n)` or `S9(n)V9(n) sign leading`, digits that are a name `code(n)`; `date(YYYYMMDD)`, \
                 `time(hhmmss)`, `filler(n)`"
                    .to_owned()
            });
            return Err(error(
                mistake::BAD_KIND,
                word.span,
                "expected a kind",
                format!("`{other}` is no kind of field"),
            )
            .help(help)
            .into());
        }
    };
    Ok(At { value: kind, span: cursor.since(word.span) })
}

/// `X(20)`, `X(3*35)`, `X(..37)`, `X(length of memo_len max 200)`.
fn text(cursor: &mut Cursor<'_>) -> Read<Kind> {
    cursor.sign('(')?;
    let most = match cursor.peek() {
        Some(Token::Word(word)) => word.strip_prefix("..").and_then(|most| most.parse().ok()).filter(|most| *most > 0),
        _ => None,
    };
    let kind = if let Some(most) = most {
        cursor.skip();
        Kind::UpTo(most)
    } else if cursor.takes("length") {
        cursor.must(&["of"])?;
        let by = cursor.path("the field that says the length")?;
        cursor.must(&["max"])?;
        Kind::Tail { by, max: cursor.count("the most, in bytes")?.value }
    } else {
        let length = cursor.count("a length in bytes")?.value;
        if cursor.eats('*') {
            Kind::Lines { lines: length, each: cursor.count("the length of a line in bytes")?.value }
        } else {
            Kind::Text(length)
        }
    };
    cursor.sign(')')?;
    Ok(kind)
}

pub(super) fn length(cursor: &mut Cursor<'_>) -> Read<u32> {
    cursor.sign('(')?;
    let length = cursor.count("a length in bytes")?;
    cursor.sign(')')?;
    Ok(length.value)
}

fn clause(cursor: &mut Cursor<'_>, field: &mut Field) -> Read<()> {
    let span = cursor.here();
    match cursor.peek() {
        Some(Token::Text(_)) => {
            let label = cursor.text("a label")?;
            return match &field.label {
                Some(first) => Err(error(mistake::TWICE_SAID, label.span, "said again", "A field has one label")
                    .help("a value is written behind `=` or `const`; the label stands alone, at the end")
                    .related(first.span, "said here first")
                    .into()),
                None => {
                    field.label = Some(label);
                    Ok(())
                }
            };
        }
        Some(Token::Sign('=')) => {
            cursor.skip();
            once(field, "=", "=", span)?;
            field.default = Some(constant(cursor)?);
            return Ok(());
        }
        _ => {}
    }
    let word = cursor.word("something about the field, or its label")?;
    if let Some((name, class)) = Class::ALL.iter().find(|(name, _)| *name == word.value) {
        once(field, "class", name, span)?;
        field.class = Some(At { value: *class, span });
        return Ok(());
    }
    if COMPUTED.contains(&word.value.as_str()) {
        once(field, "computed", &word.value, span)?;
        let computed = computed::read(&word.value, cursor)?;
        field.computed = Some(At { value: computed, span: cursor.since(span) });
        return Ok(());
    }
    let Some(clause) = CLAUSES.iter().find(|clause| **clause == word.value) else {
        let known = CLAUSES.into_iter().chain(COMPUTED).chain(Class::ALL.iter().map(|(name, _)| *name));
        let help = did_you_mean(&word.value, known.clone())
            .unwrap_or_else(|| format!("what can be said of a field: {}", known.collect::<Vec<_>>().join(", ")));
        return Err(error(
            mistake::UNKNOWN_WORD,
            word.span,
            "not known here",
            format!("`{}` says nothing about a field", word.value),
        )
        .help(help)
        .into());
    };
    // Two ways to say one thing.
    let said = if *clause == "years" { "year" } else { clause };
    once(field, said, clause, span)?;
    match *clause {
        "by" => {
            let side = cursor.choice("a side that fills it", &SIDES)?;
            let optional = cursor.eats('?');
            field.by = Some(At { value: By { optional, ..side.value }, span: cursor.since(span) });
        }
        "echo" => {
            field.echo = Echo::Always;
            if cursor.takes("in") {
                cursor.must(&["reply", "to", "notice"])?;
                field.echo = Echo::InReplyToNotice;
            }
        }
        "equal" => {
            cursor.must(&["ignoring"])?;
            let choices = [("zero-left", false), ("space-right", true)];
            loop {
                match cursor.choice("what does not matter", &choices)?.value {
                    true => field.equal.space_right = true,
                    false => field.equal.zero_left = true,
                }
                if !choices.iter().any(|(name, _)| cursor.is_word(name)) {
                    break;
                }
            }
        }
        "signed" => {
            cursor.must(&["by"])?;
            field.signed = Some(cursor.path("the field that holds the sign")?);
        }
        "right" | "pad" | "charset" | "wide" => text::clause(cursor, &At { value: clause, span }, &mut field.text)?,
        "blank" => field.blank = Some(cursor.choice("`null` or `zero`: what spaces are", &BLANKS)?.value),
        "lenient" => {
            let modes = MODES.map(|mode| (mode, mode));
            while field.lenient.is_empty() || MODES.iter().any(|mode| cursor.is_word(mode)) {
                let mode = cursor.choice("something that is let pass", &modes)?;
                field.lenient.push(At { value: mode.value.to_owned(), span: mode.span });
            }
        }
        "years" => {
            let (first, last) = cursor.years()?.value;
            field.year = Some(At { value: Year::Within { first, last }, span: cursor.since(span) });
        }
        "year" => {
            cursor.must(&["nearest"])?;
            field.year = Some(At { value: Year::Nearest, span: cursor.since(span) });
        }
        "led" => field.led = Some(lead::clause(cursor, span)?),
        "at" => cursor.must(&["send"])?,
        "unset" => field.unset = Some(cursor.choice("`zero` or `space`", &UNSETS)?.value),
        _ => field.constant = Some(constant(cursor)?),
    }
    Ok(())
}

/// Notes that something is said of a field, which may be done once.
fn once(field: &mut Field, clause: &str, written: &str, span: crate::Span) -> Read<()> {
    if let Some(first) = field.seen.find(clause) {
        return Err(error(mistake::TWICE_SAID, span, "said again", format!("The {clause} of a field is said twice"))
            .help(format!("keep `{written}` or what was said before"))
            .related(first, "said here first")
            .into());
    }
    field.seen.said.push(At { value: String::from(clause), span });
    Ok(())
}

/// A value: a text, or digits as they are.
fn constant(cursor: &mut Cursor<'_>) -> Read<Name> {
    if let Some(Token::Text(_)) = cursor.peek() {
        return cursor.text("a value");
    }
    let word = cursor.word("a value: digits, or a text between quotes")?;
    if word.value.bytes().all(|byte| byte.is_ascii_digit() || b".-".contains(&byte)) {
        return Ok(word);
    }
    Err(error(mistake::BAD_VALUE, word.span, "expected a value", format!("`{}` is not a value", word.value))
        .help("digits stand alone; anything else goes between quotes")
        .into())
}

//! `exchange`: what we ask, and what is done if nothing is known of it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::diagnostic::{Diagnostic, Span};
use crate::mistake::{self, error};
use crate::parse::cursor::{Cursor, Read, clauses};
use crate::parse::line::{self, Token};
use crate::rules::{Effect, Wins};
use crate::verdict::Verdict;
use crate::written::{
    Also, At, Comparison, Condition, Exchange, Name, Pair, Reference, Right, Seen, Settles, Type, Unknown,
};

pub(crate) const CLAUSES: [&str; 8] =
    ["request", "answer", "given", "verdict", "effect", "timeout", "unknown", "settles"];

const EFFECTS: [(&str, Effect); 3] = [("none", Effect::None), ("money", Effect::Money), ("state", Effect::State)];

pub(crate) fn read(name: Name, cursor: &mut Cursor<'_>, out: &mut Vec<Diagnostic>) -> Exchange {
    let mut exchange = Exchange {
        name,
        effective: None,
        seen: Seen::default(),
        request: None,
        answer: None,
        effect: None,
        timeout: None,
        unknown: None,
        given: Vec::new(),
        also: None,
        settles: None,
    };
    let _ = cursor.label();
    let head = (|| {
        exchange.effective = super::effective(cursor)?;
        cursor.body()
    })();
    let body = match head {
        Ok(body) => body,
        Err(stop) => {
            out.extend(stop.0.map(|diagnostic| *diagnostic));
            let Some(body) = cursor.any_body() else {
                exchange.seen.meant.extend(CLAUSES.map(String::from));
                return exchange;
            };
            body
        }
    };
    let seen = clauses(body, &CLAUSES, &[], out, |word, cursor, out| clause(word, cursor, &mut exchange, out));
    exchange.seen = seen;
    exchange
}

fn clause(word: &str, cursor: &mut Cursor<'_>, exchange: &mut Exchange, out: &mut Vec<Diagnostic>) -> Read<()> {
    match word {
        "request" => exchange.request = Some(kind(cursor)?),
        "answer" => exchange.answer = Some(kind(cursor)?),
        "effect" => exchange.effect = Some(cursor.choice("an effect", &EFFECTS)?),
        "timeout" => exchange.timeout = Some(cursor.duration("how long the answer may take")?),
        "unknown" => exchange.unknown = Some(unknown(cursor)?),
        "given" => exchange.given = cursor.names("a header field", &CLAUSES)?,
        "verdict" => {
            cursor.must(&["also"])?;
            let field = cursor.path("the field that holds the second code")?;
            cursor.must(&["wins"])?;
            let wins = cursor.choice("which of the two codes wins", &Wins::ALL)?.value;
            exchange.also = Some(Also { field, wins });
        }
        _ => exchange.settles = Some(settles(cursor, out)?),
    }
    Ok(())
}

/// `"2000" "100"`, or `deposit "4000" "100"` where several rows of select know the type.
pub(crate) fn kind(cursor: &mut Cursor<'_>) -> Read<Type> {
    let start = cursor.here();
    let telegram = match cursor.peek() {
        Some(Token::Word(word)) if line::is_name(word) => Some(cursor.name("a telegram")?),
        _ => None,
    };
    let mut values = Vec::from([cursor.text("a value of `select by`, such as \"2000\"")?]);
    while let Some(value) = cursor.label() {
        values.push(value);
    }
    Ok(Type { telegram, values, span: cursor.since(start) })
}

fn unknown(cursor: &mut Cursor<'_>) -> Read<At<Unknown>> {
    let start = cursor.here();
    let choices = [("leave", 0), ("list", 1), ("inquire", 2)];
    let value = match cursor.choice("what is done with an UNKNOWN", &choices)?.value {
        0 => Unknown::Leave,
        1 => Unknown::List,
        _ => {
            let by = cursor.name("the exchange that asks")?;
            cursor.must(&["after"])?;
            let after = cursor.duration("how long until it is asked")?;
            cursor.must(&["every"])?;
            let every = cursor.duration("how long until it is asked again")?;
            cursor.must(&["until"])?;
            let until = cursor.time_of_day("the last time of day to ask")?.value;
            cursor.must(&["same"])?;
            let same = cursor.path("the field that holds the date")?;
            cursor.sign(',')?;
            cursor.must(&["then", "list"])?;
            Unknown::Inquire { by, after, every, until, same }
        }
    };
    Ok(At { value, span: cursor.since(start) })
}

pub(crate) const SETTLES: [&str; 5] = ["fill", "confirm", "success", "failure", "unknown"];

fn settles(cursor: &mut Cursor<'_>, out: &mut Vec<Diagnostic>) -> Read<Settles> {
    let original = cursor.name("the exchange that it settles")?;
    let body = cursor.body()?;
    let mut settles = Settles {
        original,
        seen: Seen::default(),
        fill: Vec::new(),
        confirm: Vec::new(),
        success: None,
        failure: None,
    };
    let seen = clauses(body, &SETTLES, &["fill", "confirm"], out, |word, cursor, _| {
        match word {
            "fill" => {
                let to = cursor.path("a field of the inquiry")?;
                cursor.sign('=')?;
                let from = reference(cursor)?;
                settles.fill.push((to, from));
            }
            "confirm" => settles.confirm.extend(pairs(cursor, &SETTLES)?),
            "success" => settles.success = Some(condition(cursor)?),
            "failure" => settles.failure = Some(condition(cursor)?),
            _ => cursor.sign('*')?,
        }
        Ok(())
    });
    settles.seen = seen;
    Ok(settles)
}

/// `debit_account credit_account req_amt = debit_amt`, up to the end of the line or one of these words.
pub(crate) fn pairs(cursor: &mut Cursor<'_>, stops: &[&str]) -> Read<Vec<Pair>> {
    let mut all = Vec::new();
    while all.is_empty() || !(cursor.is_done() || stops.iter().any(|stop| cursor.is_word(stop))) {
        let answer = cursor.path("a field of the answer")?;
        let original = if cursor.eats('=') { cursor.path("a field of the original")? } else { answer.clone() };
        all.push(Pair { answer, original });
    }
    Ok(all)
}

/// `field`, or `original.field`.
fn reference(cursor: &mut Cursor<'_>) -> Read<Reference> {
    let word = cursor.word("a field, or `original.` and a field")?;
    let (original, field) = match word.value.strip_prefix("original.") {
        Some(field) => (true, field.to_string()),
        None => (false, word.value.clone()),
    };
    if !line::is_name(&field) {
        return Err(error(
            mistake::BAD_NAME,
            word.span,
            "expected a field",
            alloc::format!("`{}` is not the name of a field", word.value),
        )
        .help("a field of the answer is named alone, one of the request that it is about with `original.` before it")
        .into());
    }
    let start = word.span.end - u32::try_from(field.len()).unwrap_or(0);
    Ok(Reference { original, field: At { value: field, span: Span { start, ..word.span } } })
}

/// `response_code "0000" and ok_amt = req_amt and proc_result class refused`, or `*`.
fn condition(cursor: &mut Cursor<'_>) -> Read<Condition> {
    let start = cursor.here();
    if cursor.eats('*') {
        return Ok(Condition { span: start, all: Vec::new() });
    }
    let mut all = Vec::from([comparison(cursor)?]);
    while cursor.takes("and") {
        all.push(comparison(cursor)?);
    }
    Ok(Condition { span: cursor.since(start), all })
}

fn comparison(cursor: &mut Cursor<'_>) -> Read<Comparison> {
    let left = reference(cursor)?;
    let right = if matches!(cursor.peek(), Some(Token::Text(_))) {
        Right::Literal(cursor.text("a value")?)
    } else if cursor.eats('=') {
        match cursor.peek() {
            Some(Token::Text(_)) => Right::Literal(cursor.text("a value")?),
            _ => Right::Field(reference(cursor)?),
        }
    } else if cursor.takes("class") {
        Right::Class(cursor.choice("a class of response codes", &Verdict::ALL)?.value)
    } else {
        return Err(cursor.expected("a value between quotes, `=` and a field, or `class` and a class"));
    };
    Ok(Comparison { left, right })
}

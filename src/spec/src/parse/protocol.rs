//! `protocol`: framing, header fields with a meaning, poll, opening, select, verdict.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_telegram::{Charset, Unset};

use crate::diagnostic::Diagnostic;
use crate::mistake::{self, error};
use crate::parse::cursor::{Cursor, Read, clauses};
use crate::parse::field::UNSETS;
use crate::parse::line::Token;
use crate::parse::tree::{Body, Item};
use crate::parse::{exchange, frame, hours};
use crate::rules::Opener;
use crate::verdict::Verdict;
use crate::written::{Members, Name, Number, Opening, Poll, Protocol, Row, Seen, Select, Sign, Type, VerdictFrom};

pub(crate) const CLAUSES: [&str; 19] = [
    "zone",
    "day",
    "charset",
    "frame",
    "unset",
    "party",
    "participant",
    "compartment",
    "stamp",
    "number",
    "key",
    "trace",
    "poll",
    "sign",
    "opening",
    "hours",
    "select",
    "verdict",
    "set",
];

pub(crate) const POLL: [&str; 3] = ["request", "answer", "timeout"];

pub(crate) const SIGN: [&str; 4] = ["request", "answer", "success", "timeout"];

pub(crate) const OPENING: [&str; 3] = ["exchange", "retry", "lost"];

pub(crate) fn read(name: Name, cursor: &mut Cursor<'_>, out: &mut Vec<Diagnostic>) -> Protocol {
    let mut protocol = Protocol {
        name,
        seen: Seen::default(),
        zone: None,
        day: None,
        encode: None,
        decode: None,
        frame: None,
        unset_number: None,
        unset_text: None,
        party: Vec::new(),
        participant: None,
        compartment: None,
        stamp: Vec::new(),
        number: None,
        key: Vec::new(),
        key_none: None,
        trace: Vec::new(),
        trace_none: None,
        poll: None,
        sign_on: None,
        sign_off: None,
        opening: None,
        hours: Vec::new(),
        select: None,
        verdict: None,
        members: Members::default(),
    };
    let _ = cursor.label();
    let body = match cursor.body() {
        Ok(body) => body,
        Err(stop) => {
            out.extend(stop.0.map(|diagnostic| *diagnostic));
            let Some(body) = cursor.any_body() else {
                protocol.seen.meant.extend(CLAUSES.map(String::from));
                return protocol;
            };
            body
        }
    };
    let seen =
        clauses(body, &CLAUSES, &["set", "sign"], out, |word, cursor, out| clause(word, cursor, &mut protocol, out));
    protocol.seen = seen;
    protocol
}

fn clause(word: &str, cursor: &mut Cursor<'_>, protocol: &mut Protocol, out: &mut Vec<Diagnostic>) -> Read<()> {
    match word {
        "zone" => protocol.zone = Some(cursor.zone()?.value),
        "day" => {
            cursor.must(&["changes"])?;
            protocol.day = Some(cursor.time_of_day("a time of day")?.value);
        }
        "charset" => charset(cursor, &mut protocol.encode, &mut protocol.decode)?,
        "frame" => protocol.frame = Some(frame::read(cursor)?),
        "unset" => unset(cursor, &mut protocol.unset_number, &mut protocol.unset_text)?,
        "party" => protocol.party = cursor.names("a header field", &CLAUSES)?,
        "participant" => protocol.participant = Some(cursor.path("a header field")?),
        "compartment" => protocol.compartment = Some(cursor.path("a header field")?),
        "stamp" => {
            protocol.stamp = cursor.names("a header field, or `at queue`", &["at"])?;
            cursor.must(&["at", "queue"])?;
        }
        "number" => protocol.number = Some(number(cursor)?),
        "key" | "trace" => {
            let here = cursor.here();
            let none = cursor.takes("none").then_some(here);
            let places = if none.is_none() { cursor.places("a header field, or `none`", &[])? } else { Vec::new() };
            if word == "key" {
                (protocol.key, protocol.key_none) = (places, none);
            } else {
                (protocol.trace, protocol.trace_none) = (places, none);
            }
        }
        "poll" => protocol.poll = Some(poll(cursor, out)?),
        "sign" => sign(cursor, protocol, out)?,
        "opening" => protocol.opening = Some(opening(cursor, out)?),
        "hours" => protocol.hours = hours::read(cursor, out)?,
        "select" => protocol.select = Some(select(cursor, out)?),
        "verdict" => {
            let field = cursor.path("the field that holds the response code")?;
            cursor.must(&["from"])?;
            let table = cursor.word("the name of a file, such as codes.csv")?;
            let by = if cursor.takes("by") { Some(cursor.path("a header field")?) } else { None };
            protocol.verdict = Some(VerdictFrom { field, table, by });
        }
        _ => {
            let name = cursor.name("the name of the set")?;
            super::set(name, cursor, &mut protocol.members)?;
        }
    }
    Ok(())
}

/// `charset cp949`, or `charset encode euc-kr decode cp949`.
pub(crate) fn charset(cursor: &mut Cursor<'_>, encode: &mut Option<Charset>, decode: &mut Option<Charset>) -> Read<()> {
    let (written, read) = super::text::charsets(cursor)?;
    (*encode, *decode) = (Some(written), Some(read));
    Ok(())
}

/// `unset 9 zero X space`.
pub(crate) fn unset(
    cursor: &mut Cursor<'_>,
    unset_number: &mut Option<Unset>,
    unset_text: &mut Option<Unset>,
) -> Read<()> {
    while cursor.is_word("9") || cursor.is_word("X") {
        let number = cursor.takes("9") || !cursor.takes("X");
        let fill = cursor.choice("`zero` or `space`", &UNSETS)?.value;
        *(if number { &mut *unset_number } else { &mut *unset_text }) = Some(fill);
    }
    if unset_number.is_some() && unset_text.is_some() {
        return Ok(());
    }
    Err(cursor.expected(if unset_number.is_none() { "`9` and what fills it" } else { "`X` and what fills it" }))
}

fn number(cursor: &mut Cursor<'_>) -> Read<Number> {
    let field = cursor.path("the field that holds the number")?;
    cursor.must(&["per"])?;
    let mut scope = Vec::from([cursor.place("a header field")?]);
    while !matches!(cursor.peek(), Some(Token::Word(word)) if word.starts_with(|c: char| c.is_ascii_digit())) {
        scope.push(cursor.place("a header field, or a range of numbers")?);
    }
    let range = cursor.numbers()?;
    let warn = if cursor.takes("warn") { Some(cursor.large("a number")?) } else { None };
    Ok(Number { field, scope, range, warn })
}

fn poll(cursor: &mut Cursor<'_>, out: &mut Vec<Diagnostic>) -> Read<Poll> {
    cursor.must(&["after"])?;
    let after = cursor.duration("how long nothing was sent")?;
    cursor.must(&["nothing", "sent"])?;
    let mut poll = Poll { after: Some(after), ..Poll::default() };
    let seen = clauses(cursor.body()?, &POLL, &[], out, |word, cursor, _| {
        match word {
            "request" => poll.request = Some(cursor.name("a telegram")?),
            "answer" => poll.answer = Some(cursor.name("a telegram")?),
            _ => poll.timeout = Some(cursor.duration("how long the answer may take")?),
        }
        Ok(())
    });
    poll.seen = seen;
    Ok(poll)
}

/// `sign on by initiator { request link  answer link_ok  success result "00"  timeout 10s }`, or `sign off` without `by`.
fn sign(cursor: &mut Cursor<'_>, protocol: &mut Protocol, out: &mut Vec<Diagnostic>) -> Read<()> {
    let start = cursor.here();
    let is_on = cursor.choice("`on` or `off`", &[("on", true), ("off", false)])?.value;
    let mut sign = Sign {
        span: cursor.since(start),
        seen: Seen::default(),
        by: None,
        request: None,
        answer: None,
        success: None,
        timeout: None,
    };
    if is_on && cursor.takes("by") {
        sign.by = Some(cursor.choice("who asks", &Opener::ALL)?.value);
    }
    let body = cursor.body()?;
    sign.seen = clauses(body, &SIGN, &[], out, |word, cursor, _| {
        match word {
            "request" => sign.request = Some(sign_type(cursor)?),
            "answer" => sign.answer = Some(sign_type(cursor)?),
            "success" => {
                let field = cursor.path("a field of the answer")?;
                sign.success = Some((field, cursor.alternatives("what a good answer has there")?));
            }
            _ => sign.timeout = Some(cursor.duration("how long the answer may take")?),
        }
        Ok(())
    });
    let (place, words) = if is_on { (&mut protocol.sign_on, "sign on") } else { (&mut protocol.sign_off, "sign off") };
    if let Some(first) = place {
        out.push(
            error(mistake::TWICE_SAID, sign.span, "said again", format!("`{words}` is said twice"))
                .help("keep one of them")
                .related(first.span, "said here first"),
        );
        return Ok(());
    }
    *place = Some(sign);
    Ok(())
}

/// A telegram of its own, `link`, or one that has the header, by its type: `"0800" "001"`, or `link "0800" "001"`.
fn sign_type(cursor: &mut Cursor<'_>) -> Read<Type> {
    if matches!(cursor.peek(), Some(Token::Text(_))) {
        return exchange::kind(cursor);
    }
    let start = cursor.here();
    let telegram = Some(cursor.name("a telegram")?);
    let mut values = Vec::new();
    while let Some(value) = cursor.label() {
        values.push(value);
    }
    Ok(Type { telegram, values, span: cursor.since(start) })
}

fn opening(cursor: &mut Cursor<'_>, out: &mut Vec<Diagnostic>) -> Read<Opening> {
    cursor.must(&["per"])?;
    let mut opening = Opening { per: cursor.names("a header field", &["from"])?, ..Opening::default() };
    if cursor.takes("from") {
        opening.from = Some(cursor.time_of_day("the time of day of the first try")?.value);
    }
    let seen = clauses(cursor.body()?, &OPENING, &[], out, |word, cursor, _| {
        match word {
            "exchange" => opening.exchange = Some(cursor.name("the exchange that opens")?),
            "retry" => opening.retry = Some(cursor.duration("how long until the next try")?),
            _ => {
                cursor.must(&["class"])?;
                opening.lost = Some(cursor.choice("a class of response codes", &Verdict::ALL)?);
            }
        }
        Ok(())
    });
    opening.seen = seen;
    Ok(opening)
}

fn select(cursor: &mut Cursor<'_>, out: &mut Vec<Diagnostic>) -> Read<Select> {
    let mut select = Select::default();
    if cursor.takes("by") {
        select.by = cursor.names("a header field", &[])?;
    }
    let body: &Body = cursor.body()?;
    for item in &body.items {
        match row(item, out) {
            Ok(row) => select.rows.push(row),
            Err(stop) => out.extend(stop.0.map(|diagnostic| *diagnostic)),
        }
    }
    Ok(select)
}

/// `name "4000"|"4100" "100" length 300 bytes 0..3 "HDR" bank_code "088"`.
fn row(item: &Item, out: &mut Vec<Diagnostic>) -> Read<Row> {
    let mut cursor = Cursor::new(item);
    let telegram = cursor.name("the name of a telegram")?;
    let mut row = Row { telegram, by: Vec::new(), length: None, bytes: Vec::new(), fields: Vec::new(), broken: false };
    let read = (|| {
        while matches!(cursor.peek(), Some(Token::Text(_))) {
            row.by.push(cursor.alternatives("a value")?);
        }
        while !cursor.is_done() {
            if cursor.takes("length") {
                row.length = Some(cursor.count("a length in bytes")?);
            } else if cursor.takes("bytes") {
                let range = cursor.bytes()?;
                row.bytes.push((range, cursor.alternatives("what these bytes are")?));
            } else {
                let field = cursor.path("`length`, `bytes` or a header field")?;
                row.fields.push((field, cursor.alternatives("what this field holds")?));
            }
        }
        cursor.finish()
    })();
    if let Err(stop) = read {
        row.broken = true;
        out.extend(stop.0.map(|diagnostic| *diagnostic));
    }
    Ok(row)
}

//! `notice`: what they tell us.

use alloc::string::String;
use alloc::vec::Vec;

use crate::diagnostic::Diagnostic;
use crate::parse::cursor::{Cursor, Read, Stop, clauses};
use crate::parse::exchange::{kind, pairs};
use crate::written::{Answered, Gap, Joins, Name, Notice, Numbered, Seen};

pub(crate) const CLAUSES: [&str; 6] = ["request", "answer", "answered", "numbered", "gap", "joins"];

pub(crate) fn read(name: Name, cursor: &mut Cursor<'_>, out: &mut Vec<Diagnostic>) -> Notice {
    let mut notice = Notice {
        name,
        effective: None,
        seen: Seen::default(),
        request: None,
        answer: None,
        answered: None,
        numbered: None,
        gap: None,
        joins: None,
    };
    let _ = cursor.label();
    let head = (|| {
        notice.effective = super::effective(cursor)?;
        cursor.body()
    })();
    let body = match head {
        Ok(body) => body,
        Err(stop) => {
            out.extend(stop.0.map(|diagnostic| *diagnostic));
            let Some(body) = cursor.any_body() else {
                notice.seen.meant.extend(CLAUSES.map(String::from));
                return notice;
            };
            body
        }
    };
    let seen = clauses(body, &CLAUSES, &[], out, |word, cursor, _| clause(word, cursor, &mut notice));
    notice.seen = seen;
    notice
}

fn clause(word: &str, cursor: &mut Cursor<'_>, notice: &mut Notice) -> Read<()> {
    match word {
        "request" => notice.request = Some(kind(cursor)?),
        "answer" => notice.answer = Some(kind(cursor)?),
        "answered" => notice.answered = Some(answered(cursor)?),
        "numbered" => {
            cursor.must(&["per"])?;
            let stops = ["from"].into_iter().chain(CLAUSES).collect::<Vec<_>>();
            let scope = cursor.places("a header field", &stops)?;
            let first = if cursor.takes("from") { Some(cursor.large("their first number")?) } else { None };
            notice.numbered = Some(Numbered { scope, first });
        }
        "gap" => {
            let exchange = cursor.name("the exchange that asks for what is missing")?;
            cursor.must(&["after"])?;
            let after = cursor.duration("how long after it was seen")?;
            let fill = if cursor.takes("fill") { fill(cursor)? } else { Vec::new() };
            notice.gap = Some(Gap { exchange, after, fill });
        }
        _ => {
            let exchange = cursor.name("the exchange that it is about")?;
            cursor.must(&["by"])?;
            let by = cursor.place("the field that holds the number of the original")?;
            cursor.must(&["confirm"])?;
            notice.joins = Some(Joins { exchange, by, confirm: pairs(cursor, &CLAUSES)? });
        }
    }
    Ok(())
}

/// `tx_date = send_date`, up to the end of the line or another clause.
fn fill(cursor: &mut Cursor<'_>) -> Read<Vec<(Name, Name)>> {
    let mut all = Vec::new();
    while all.is_empty() || !(cursor.is_done() || CLAUSES.iter().any(|stop| cursor.is_word(stop))) {
        let to = cursor.path("a field of the gap request")?;
        cursor.sign('=')?;
        all.push((to, cursor.path("a field of the notice")?));
    }
    Ok(all)
}

/// `by gateway when durable with response_code "0000"`, or `by service within 5s else response_code "9999"`.
fn answered(cursor: &mut Cursor<'_>) -> Read<Answered> {
    cursor.must(&["by"])?;
    let by_service = cursor.choice("who answers", &[("gateway", false), ("service", true)])?.value;
    let within = if by_service {
        cursor.must(&["within"])?;
        let within = cursor.duration("how long it may take")?;
        cursor.must(&["else"])?;
        Some(within)
    } else {
        cursor.must(&["when", "durable"])?;
        cursor.must(&["with"]).map_err(|stop| {
            let help = "a reply says a code: `with response_code \"0000\"`";
            Stop(stop.0.map(|diagnostic| diagnostic.help(help).boxed()))
        })?;
        None
    };
    let field = cursor.path("the field that holds the response code")?;
    let code = cursor.text("a response code between quotes")?;
    Ok(Answered { within, field, code })
}

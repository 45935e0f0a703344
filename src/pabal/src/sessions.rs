use clap::Args;
use pabal_front::Span;
use pabal_front::proto::{InstitutionStatus, SessionStatus};
use serde_json::json;

use crate::institutions::Institutions;
use crate::lines::stopped_json;
use crate::print;
use crate::table::{Align, Table};

/// Show each session that a line may have: its state and address, what is in flight on it, when bytes last came and went, why the last connection ended,
/// and what comes next: when the next is tried and for what it waits, or when a closing slot is free, as the institution may count its connection until then.
///
/// Example: pabal sessions hecto
///
/// Exit codes: 0 shown, 2 usage, 5 not learnt.
///
/// With --json: a list of institution, line, slot, state, state_text, drains_for_ms and stopped (of a drain by hand: actor, reason, at, at_us; null of others), epoch (of its connection, or of the last; 0 if there was none), in_flight, window, unsent_bytes, received_ago_ms and wrote_ago_ms
/// (null if nothing came or went), closed_reason, closed_text and closed_detail (why the last connection ended, null if none has, and what was said or answered, null if nothing), waits_for (room: limits.sessions_max; turn: limits.connects_per_second; null if for nothing), next_try_in_ms (null if none is planned), address (of its connection, or of the last), free_in_ms (of a slot that closes, null of others).
#[derive(Debug, Args)]
pub(crate) struct Sessions {
    #[command(flatten)]
    institutions: Institutions,
}

impl Sessions {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        self.institutions.show("no line is configured", table, to_json)
    }
}

fn table(institutions: &[InstitutionStatus]) -> Table {
    let mut table = Table::new(&[
        ("institution", Align::Left),
        ("session", Align::Left),
        ("state", Align::Left),
        ("address", Align::Left),
        ("epoch", Align::Right),
        ("in flight", Align::Right),
        ("unsent", Align::Right),
        ("last in", Align::Right),
        ("last out", Align::Right),
        ("last closed", Align::Left),
        ("next", Align::Left),
    ]);
    for status in institutions {
        for session in &status.sessions {
            let in_flight = match session.window {
                0 => session.in_flight.to_string(),
                window => format!("{}/{window}", session.in_flight),
            };
            table.row(vec![
                status.institution.clone(),
                format!("{}/{}", session.line, session.slot),
                state(session),
                session.address.clone(),
                session.epoch.to_string(),
                in_flight,
                session.unsent_bytes.to_string(),
                ago(session.received_ago.as_ref()),
                ago(session.wrote_ago.as_ref()),
                closed(session),
                next(session),
            ]);
        }
    }
    table
}

/// With who drains it by hand, and why.
fn state(session: &SessionStatus) -> String {
    let left =
        session.drains_for.as_ref().map(|left| format!(" for {}", print::span(left.seconds))).unwrap_or_default();
    let by = session.stopped.as_ref().map(|by| format!(" by {}: {}", by.actor, by.reason)).unwrap_or_default();
    format!("{}{left}{by}", session.state)
}

fn closed(session: &SessionStatus) -> String {
    match (session.closed_reason.as_str(), session.closed_detail.as_str()) {
        ("", _) => "-".into(),
        (reason, "") => reason.into(),
        (reason, detail) => format!("{reason}: {detail}"),
    }
}

fn next(session: &SessionStatus) -> String {
    let waits = match session.waits_for.as_str() {
        "" => String::new(),
        waits => format!(", waits for {waits}"),
    };
    match (&session.free_in, &session.next_try_in) {
        (Some(left), _) => format!("free in {}", print::span(left.seconds)),
        (None, Some(left)) => format!("try in {}{waits}", print::span(left.seconds)),
        (None, None) => "-".into(),
    }
}

fn ago(span: Option<&Span>) -> String {
    span.map_or_else(|| "-".into(), |span| format!("{} ago", print::span(span.seconds)))
}

fn to_json(institutions: &[InstitutionStatus]) -> serde_json::Value {
    let text = |text: &str| if text.is_empty() { serde_json::Value::Null } else { json!(text) };
    let sessions = institutions.iter().flat_map(|status| {
        status.sessions.iter().map(move |session| {
            json!({
                "institution": status.institution,
                "line": session.line,
                "slot": session.slot,
                "state": session.state,
                "state_text": session.state_text,
                "drains_for_ms": session.drains_for.as_ref().map(print::millis),
                "stopped": stopped_json(session.stopped.as_ref(), status.zone_minutes),
                "epoch": session.epoch,
                "in_flight": session.in_flight,
                "window": session.window,
                "unsent_bytes": session.unsent_bytes,
                "received_ago_ms": session.received_ago.as_ref().map(print::millis),
                "wrote_ago_ms": session.wrote_ago.as_ref().map(print::millis),
                "closed_reason": text(&session.closed_reason),
                "closed_text": text(&session.closed_text),
                "closed_detail": text(&session.closed_detail),
                "waits_for": text(&session.waits_for),
                "address": session.address,
                "free_in_ms": session.free_in.as_ref().map(print::millis),
                "next_try_in_ms": session.next_try_in.as_ref().map(print::millis),
            })
        })
    });
    sessions.collect()
}

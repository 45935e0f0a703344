use clap::Args;
use pabal_front::proto::{InstitutionStatus, LineStatus, Stopped, WaitingCompartment};
use serde_json::json;

use crate::control::list;
use crate::institutions::Institutions;
use crate::print;
use crate::table::{Align, Table};

/// Show each line: who connects where and when, how many sessions are up, how many the institution may count of those it allows, how much is in flight,
/// who stopped it, if somebody did, and why it has fewer sessions than it may: how the last try ended, or what it waits for. Of several addresses the one in use is shown; a backup stands by, or stands in for its line.
///
/// Beside its first line stands whether the institution can be called, which it cannot where a control blocks everything now. Controls that block a part
/// now and rates that were set are counted; `pabal control list` shows them.
///
/// Example: pabal lines hecto
///
/// Exit codes: 0 shown, 2 usage, 5 not learnt.
///
/// With --json: institutions (institution, serving, not_serving_because, journal_works, draining, drains_for_ms (null if it does not), blocked_by (the controls that block everything now, as in `pabal control list`; serving does not look at them), controls (how many block a part now), rates (how many were set), waiting, in_flight, unknown, notices_unreplied, spec) and lines (institution, line, protocol, side,
/// direction, connects (kept or per_exchange, null if they connect), addresses, address (the one in use), backup_of (null if it is none), on_duty (of a backup: it stands in), sessions_up, sessions_counted (those that the institution may count), sessions_max, in_flight, window (0 carries no requests), wanted: up, draining or stopped, not_up_because (why it has fewer sessions than it may, null if nothing is missing),
/// drains_for_ms, stopped: actor, reason, at, at_us; null if nobody did, as in institutions) and stopped_compartments (institution, compartment, stopped, in_flight, drains_for_ms (null if nothing of it is awaited)) and waiting_compartments (institution, compartment, waiting, in_flight, places (of all sessions that may send), reason (session, window, share or rate), reason_text).
#[derive(Debug, Args)]
pub(crate) struct Lines {
    #[command(flatten)]
    institutions: Institutions,
}

impl Lines {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        self.institutions.show("no line is configured", table, to_json)
    }
}

/// The lines, with what their institution can do beside the first.
fn table(institutions: &[InstitutionStatus]) -> Table {
    let mut table = Table::new(&[
        ("institution", Align::Left),
        ("line", Align::Left),
        ("protocol", Align::Left),
        ("side", Align::Left),
        ("direction", Align::Left),
        ("connects", Align::Left),
        ("address", Align::Left),
        ("up", Align::Right),
        ("slots", Align::Right),
        ("in flight", Align::Right),
        ("wanted", Align::Left),
        ("not up because", Align::Left),
        ("institution can be called", Align::Left),
    ]);
    for status in institutions {
        for (at, line) in status.lines.iter().enumerate() {
            let in_flight = if line.window == 0 {
                line.in_flight.to_string()
            } else {
                format!("{}/{}", line.in_flight, line.window)
            };
            table.row(vec![
                status.institution.clone(),
                line.line.clone(),
                line.protocol.clone(),
                line.side.clone(),
                line.direction.clone(),
                connects(line),
                address(line),
                line.sessions_up.to_string(),
                format!("{}/{}", line.sessions_counted, line.sessions_max),
                in_flight,
                wanted(line),
                if line.not_up_because.is_empty() { "-".into() } else { line.not_up_because.clone() },
                if at == 0 { serving(status) } else { String::new() },
            ]);
        }
    }
    table
}

/// What an operator wants of a line, and who that is if it is not up.
fn wanted(line: &LineStatus) -> String {
    let left = line.drains_for.as_ref().map(|left| format!(" for {}", print::span(left.seconds))).unwrap_or_default();
    let by = line.stopped.as_ref().map(|by| format!(" by {}: {}", by.actor, by.reason)).unwrap_or_default();
    let duty = match (line.backup_of.as_str(), line.on_duty) {
        ("", _) => String::new(),
        (main, true) => format!(", stands in for {main}"),
        (main, false) => format!(", stands by for {main}"),
    };
    format!("{}{left}{by}{duty}", line.wanted)
}

/// When it connects; one that does so for each exchange has no session while there is none.
fn connects(line: &LineStatus) -> String {
    match line.connects.as_str() {
        "" => "-".into(),
        "per_exchange" if line.sessions_counted == 0 => "per exchange (idle)".into(),
        word => word.replace('_', " "),
    }
}

/// Where it connects now, or listens.
fn address(line: &LineStatus) -> String {
    let at = line.addresses.iter().position(|address| *address == line.address);
    match (at, line.addresses.len()) {
        (Some(at), count) if count > 1 => format!("{} ({} of {count})", line.address, at + 1),
        _ => line.addresses.join(", "),
    }
}

/// Its keys are documented where the command is.
pub(crate) fn stopped_json(stopped: Option<&Stopped>, zone_minutes: i32) -> serde_json::Value {
    stopped.map_or(serde_json::Value::Null, |stopped| {
        json!({
            "actor": stopped.actor,
            "reason": stopped.reason,
            "at": stopped.at.as_ref().map(|at| print::rfc_3339(at, zone_minutes)),
            "at_us": stopped.at.as_ref().map(print::micros),
        })
    })
}

fn serving(status: &InstitutionStatus) -> String {
    let blocked = status
        .blocked_by
        .iter()
        .map(|one| format!("everything blocked by control {}, {}", one.control, list::held(one, status.zone_minutes)));
    let reason = (!status.serving).then(|| status.not_serving_because.clone());
    let whys: Vec<String> = reason.into_iter().chain(blocked).collect();
    let mut text = if whys.is_empty() { "yes".into() } else { format!("no: {}", whys.join("; ")) };
    let several = |count: u32, one: &'static str, more: &'static str| if count == 1 { one } else { more };
    let notices = several(status.notices_unreplied, "notice without a reply", "notices without a reply");
    let (controls, rates) =
        (several(status.controls, "control", "controls"), several(status.rates, "rate set", "rates set"));
    for (count, word) in [
        (status.in_flight, "in flight"),
        (status.waiting, "waiting"),
        (status.unknown, "UNKNOWN"),
        (status.notices_unreplied, notices),
        (status.controls, controls),
        (status.rates, rates),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
        if count > 0 && word == "waiting" {
            text.push_str(&waiting(&status.waiting_compartments));
        }
    }
    if let (Some(left), None) = (&status.drains_for, &status.stopped) {
        text.push_str(&format!(", at most {} left", print::span(left.seconds)));
    }
    for one in &status.stopped_compartments {
        let by = one.stopped.as_ref().map(|by| format!(" by {}: {}", by.actor, by.reason)).unwrap_or_default();
        let how = match &one.drains_for {
            Some(left) => format!("drains for {}, {} in flight, stopped", print::span(left.seconds), one.in_flight),
            None => "stopped".into(),
        };
        text.push_str(&format!(", compartment {} {how}{by}", one.compartment));
    }
    if !status.journal_works {
        text.push_str(", the journal has failed");
    }
    text
}

/// Whose requests wait, and why: the first few, and how many more there are.
fn waiting(compartments: &[WaitingCompartment]) -> String {
    const TOLD: usize = 3;
    let told = compartments.iter().take(TOLD).map(|one| {
        let name =
            if one.compartment.is_empty() { String::new() } else { format!("compartment {}: ", one.compartment) };
        let why = match one.reason.as_str() {
            "share" => format!("it has its share of the window, {} of {}", one.in_flight, one.places),
            "window" => format!("the window is full, {} of {} are its own", one.in_flight, one.places),
            "rate" => "its rate lets no more leave now".into(),
            "session" => "no session has a place for it".into(),
            _ => one.reason_text.clone(),
        };
        format!("{name}{} as {why}", one.waiting)
    });
    let told: Vec<String> = told.collect();
    let more = match compartments.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!("; and {more} more compartments"),
    };
    if told.is_empty() { String::new() } else { format!(" ({}{more})", told.join("; ")) }
}

fn to_json(institutions: &[InstitutionStatus]) -> serde_json::Value {
    let whole = institutions.iter().map(|status| {
        let blocked_by = status.blocked_by.iter().map(|one| list::control_json(one, status.zone_minutes));
        json!({
            "institution": status.institution,
            "serving": status.serving,
            "not_serving_because": status.not_serving_because,
            "journal_works": status.journal_works,
            "draining": status.draining,
            "drains_for_ms": status.drains_for.as_ref().map(print::millis),
            "stopped": stopped_json(status.stopped.as_ref(), status.zone_minutes),
            "blocked_by": blocked_by.collect::<Vec<_>>(),
            "controls": status.controls,
            "rates": status.rates,
            "waiting": status.waiting,
            "in_flight": status.in_flight,
            "unknown": status.unknown,
            "notices_unreplied": status.notices_unreplied,
            "spec": status.spec_digest,
        })
    });
    let lines = institutions.iter().flat_map(|status| {
        status.lines.iter().map(|line| {
            json!({
                "institution": status.institution,
                "line": line.line,
                "protocol": line.protocol,
                "side": line.side,
                "direction": line.direction,
                "connects": (!line.connects.is_empty()).then_some(&line.connects),
                "addresses": line.addresses,
                "address": line.address,
                "backup_of": (!line.backup_of.is_empty()).then_some(&line.backup_of),
                "on_duty": line.on_duty,
                "sessions_up": line.sessions_up,
                "sessions_counted": line.sessions_counted,
                "sessions_max": line.sessions_max,
                "in_flight": line.in_flight,
                "window": line.window,
                "wanted": line.wanted,
                "not_up_because": (!line.not_up_because.is_empty()).then_some(&line.not_up_because),
                "drains_for_ms": line.drains_for.as_ref().map(print::millis),
                "stopped": stopped_json(line.stopped.as_ref(), status.zone_minutes),
            })
        })
    });
    let compartments = institutions.iter().flat_map(|status| {
        status.stopped_compartments.iter().map(|one| {
            json!({
                "institution": status.institution,
                "compartment": one.compartment,
                "stopped": stopped_json(one.stopped.as_ref(), status.zone_minutes),
                "in_flight": one.in_flight,
                "drains_for_ms": one.drains_for.as_ref().map(print::millis),
            })
        })
    });
    let waiting = institutions.iter().flat_map(|status| {
        status.waiting_compartments.iter().map(|one| {
            json!({
                "institution": status.institution,
                "compartment": one.compartment,
                "waiting": one.waiting,
                "in_flight": one.in_flight,
                "places": one.places,
                "reason": one.reason,
                "reason_text": one.reason_text,
            })
        })
    });
    json!({
        "institutions": whole.collect::<Vec<_>>(),
        "lines": lines.collect::<Vec<_>>(),
        "stopped_compartments": compartments.collect::<Vec<_>>(),
        "waiting_compartments": waiting.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use pabal_front::proto::ControlLine;

    use super::*;

    #[test]
    fn what_is_awaited_is_told_also_where_its_session_has_gone() {
        let status =
            InstitutionStatus { serving: true, journal_works: true, in_flight: 6, unknown: 4, ..Default::default() };
        assert_eq!(serving(&status), "yes, 6 in flight, 4 UNKNOWN");
    }

    #[test]
    fn what_controls_block_now_is_told() {
        let by = Stopped { actor: "kim".into(), reason: "t8".into(), at: None };
        let allx = ControlLine { control: "allx".into(), by: Some(by), ..Default::default() };
        let lunch = ControlLine { control: "lunch".into(), hours: vec!["12:00 to 13:00".into()], ..Default::default() };
        let mut status =
            InstitutionStatus { serving: true, journal_works: true, controls: 1, rates: 1, ..Default::default() };
        assert_eq!(serving(&status), "yes, 1 control, 1 rate set");
        (status.controls, status.rates) = (2, 0);
        assert_eq!(serving(&status), "yes, 2 controls");
        (status.controls, status.unknown) = (0, 4);
        status.blocked_by.push(allx);
        let allx = "everything blocked by control allx, until it is lifted (kim: t8)";
        assert_eq!(serving(&status), format!("no: {allx}, 4 UNKNOWN"));
        (status.serving, status.not_serving_because) = (false, "send half down".into());
        status.blocked_by.push(lunch);
        let lunch = "everything blocked by control lunch, 12:00 to 13:00 (the configuration)";
        assert_eq!(serving(&status), format!("no: send half down; {allx}; {lunch}, 4 UNKNOWN"));
    }

    #[test]
    fn one_notice_without_a_reply_is_one() {
        let told = |notices_unreplied| {
            serving(&InstitutionStatus { serving: true, journal_works: true, notices_unreplied, ..Default::default() })
        };
        assert_eq!(told(0), "yes");
        assert_eq!(told(1), "yes, 1 notice without a reply");
        assert_eq!(told(2), "yes, 2 notices without a reply");
    }
}

use clap::Args;
use pabal_front::proto::InstitutionStatus;
use serde_json::json;

use crate::institutions::Institutions;
use crate::table::{Align, Table};

/// Show each line: who connects where, how many sessions are up, and how much is in flight.
///
/// Example: pabal lines hecto
///
/// Exit codes: 0 shown, 2 usage, 5 not learnt.
///
/// With --json: institutions (institution, serving, not_serving_reason, journal_works, draining, waiting, in_flight, unknown, spec) and lines (institution, line, protocol, side,
/// direction, addresses, sessions_up, sessions_max, in_flight, window; a window of 0 carries no requests).
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
        ("address", Align::Left),
        ("sessions", Align::Right),
        ("in flight", Align::Right),
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
                line.addresses.join(", "),
                format!("{}/{}", line.sessions_up, line.sessions_max),
                in_flight,
                if at == 0 { serving(status) } else { String::new() },
            ]);
        }
    }
    table
}

fn serving(status: &InstitutionStatus) -> String {
    let mut text = if status.serving { "yes".to_string() } else { format!("no: {}", status.not_serving_reason) };
    for (count, word) in [(status.waiting, "waiting"), (status.unknown, "UNKNOWN")] {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    if status.draining {
        text.push_str(", draining");
    }
    if !status.journal_works {
        text.push_str(", the journal has failed");
    }
    text
}

fn to_json(institutions: &[InstitutionStatus]) -> serde_json::Value {
    let whole = institutions.iter().map(|status| {
        json!({
            "institution": status.institution,
            "serving": status.serving,
            "not_serving_reason": status.not_serving_reason,
            "journal_works": status.journal_works,
            "draining": status.draining,
            "waiting": status.waiting,
            "in_flight": status.in_flight,
            "unknown": status.unknown,
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
                "addresses": line.addresses,
                "sessions_up": line.sessions_up,
                "sessions_max": line.sessions_max,
                "in_flight": line.in_flight,
                "window": line.window,
            })
        })
    });
    json!({ "institutions": whole.collect::<Vec<_>>(), "lines": lines.collect::<Vec<_>>() })
}

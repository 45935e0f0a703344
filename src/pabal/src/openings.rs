use clap::Args;
use pabal_front::proto::InstitutionStatus;
use serde_json::json;

use crate::institutions::Institutions;
use crate::lines::stopped_json;
use crate::print;
use crate::table::{Align, Table};

/// Show each opening of business of this business date, and when it is tried again.
///
/// Example: pabal openings hecto
///
/// Exit codes: 0 shown, 2 usage, 5 not learnt.
///
/// With --json: a list of institution, party, values (of the fields that the spec opens business by), business_date, state, state_text, reason (the last answer's, null if it
/// was "open"), next_try_in_ms (null if none is planned), by_hand: actor, reason, at, at_us of who opened it while nobody could be asked, null if nobody did.
#[derive(Debug, Args)]
pub(crate) struct Openings {
    #[command(flatten)]
    institutions: Institutions,
}

impl Openings {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        self.institutions.show("no business is opened", table, to_json)
    }
}

fn table(institutions: &[InstitutionStatus]) -> Table {
    let mut table = Table::new(&[
        ("institution", Align::Left),
        ("party", Align::Left),
        ("opened by", Align::Left),
        ("business date", Align::Left),
        ("state", Align::Left),
        ("last answer", Align::Left),
        ("next try", Align::Left),
    ]);
    for status in institutions {
        for opening in &status.openings {
            let next = opening.next_try_in.as_ref();
            table.row(vec![
                status.institution.clone(),
                opening.party.clone(),
                opening.values.join(" "),
                print::date(opening.business_date),
                opening.state.clone(),
                if opening.reason.is_empty() { "-".into() } else { opening.reason.clone() },
                match (&opening.by_hand, next) {
                    (Some(by), None) => format!("with the next session, for {}: {}", by.actor, by.reason),
                    (Some(by), Some(span)) => {
                        format!("in {}, for {}: {}", print::span(span.seconds), by.actor, by.reason)
                    }
                    (None, Some(span)) => format!("in {}", print::span(span.seconds)),
                    (None, None) => "-".into(),
                },
            ]);
        }
    }
    table
}

fn to_json(institutions: &[InstitutionStatus]) -> serde_json::Value {
    let openings = institutions.iter().flat_map(|status| {
        status.openings.iter().map(move |opening| {
            json!({
                "institution": status.institution,
                "party": opening.party,
                "values": opening.values,
                "business_date": print::date(opening.business_date),
                "state": opening.state,
                "state_text": opening.state_text,
                "reason": if opening.reason.is_empty() { None } else { Some(&opening.reason) },
                "next_try_in_ms": opening.next_try_in.as_ref().map(print::millis),
                "by_hand": stopped_json(opening.by_hand.as_ref(), status.zone_minutes),
            })
        })
    });
    openings.collect()
}

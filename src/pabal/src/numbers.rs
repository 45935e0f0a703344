use clap::Args;
use pabal_front::proto::{InstitutionStatus, NumberStatus};
use serde_json::json;

use crate::institutions::Institutions;
use crate::print;
use crate::table::{Align, Table};

/// Show where our telegram numbers are: the last that was given in each scope, and how many are left today.
///
/// Example: pabal numbers hecto
///
/// Exit codes: 0 shown, 2 usage, 5 not learnt.
///
/// With --json: a list of institution, protocol, scope (field: value), business_date, last (0 if none was given), left, warned.
#[derive(Debug, Args)]
pub(crate) struct Numbers {
    #[command(flatten)]
    institutions: Institutions,
}

impl Numbers {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        self.institutions.show("no number was given on this business date", table, to_json)
    }
}

fn table(institutions: &[InstitutionStatus]) -> Table {
    let mut table = Table::new(&[
        ("institution", Align::Left),
        ("protocol", Align::Left),
        ("scope", Align::Left),
        ("business date", Align::Left),
        ("last", Align::Right),
        ("left", Align::Right),
        ("", Align::Left),
    ]);
    for status in institutions {
        for number in &status.numbers {
            table.row(vec![
                status.institution.clone(),
                number.protocol.clone(),
                scope(number),
                print::date(number.business_date),
                number.last.to_string(),
                number.left.to_string(),
                if number.warned { "running out".into() } else { String::new() },
            ]);
        }
    }
    table
}

fn scope(number: &NumberStatus) -> String {
    number.scope.iter().map(|one| format!("{}={}", one.field, one.value)).collect::<Vec<_>>().join(" ")
}

fn to_json(institutions: &[InstitutionStatus]) -> serde_json::Value {
    let numbers = institutions.iter().flat_map(|status| {
        status.numbers.iter().map(move |number| {
            let scope: serde_json::Map<_, _> =
                number.scope.iter().map(|one| (one.field.clone(), json!(one.value))).collect();
            json!({
                "institution": status.institution,
                "protocol": number.protocol,
                "scope": scope,
                "business_date": print::date(number.business_date),
                "last": number.last,
                "left": number.left,
                "warned": number.warned,
            })
        })
    });
    numbers.collect()
}

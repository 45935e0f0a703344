use clap::Args;
use pabal_front::client;
use pabal_front::proto::search_request::By;
use pabal_front::proto::{SearchRequest, TxSummary, Unresolved};
use serde_json::json;

use super::{or_dash, to_json};
use crate::call::Target;
use crate::print::Form;
use crate::table::{Align, Table};
use crate::{exit, print};

/// List what is not resolved: each UNKNOWN with its next step, when that is, and who has to take it.
///
/// Example: pabal tx list hecto
///
/// Exit codes: 0 nothing is unresolved, 2 usage, 3 something is, 5 not learnt.
///
/// With --json: unresolved (a list; keys as those of `tx find`), more (true if there may be more).
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this institution
    institution: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    max: u32,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl List {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let message = SearchRequest {
            institution: self.institution.clone().unwrap_or_default(),
            by: Some(By::Unresolved(Unresolved {})),
            max: self.max,
        };
        self.target.with(None, Form::of(self.json), async |mut client, caller| {
            let response = match client.control.search(client::request(message, Some(&caller), None, None)?).await {
                Ok(response) => response.into_inner(),
                Err(status) => return Ok(print::unanswered(&status, Form::of(self.json))),
            };
            if self.json {
                let list: Vec<_> = response.found.iter().map(to_json).collect();
                print::json(&json!({ "unresolved": list, "more": response.more }))?;
            } else {
                if response.found.is_empty() {
                    out!("nothing is unresolved");
                } else {
                    for line in table(&response.found).lines() {
                        out!("{line}");
                    }
                }
                if let Some(more) = super::more(&response, self.max) {
                    out!("{more}: of what is older, only what the gateway has in memory is told");
                }
            }
            Ok(if response.found.is_empty() { exit::DONE } else { exit::UNKNOWN })
        })
    }
}

fn table(unresolved: &[TxSummary]) -> Table {
    let mut table = Table::new(&[
        ("accepted", Align::Left),
        ("institution", Align::Left),
        ("name", Align::Left),
        ("number", Align::Left),
        ("participant", Align::Left),
        ("cause", Align::Left),
        ("state", Align::Left),
        ("owner", Align::Left),
        ("next step", Align::Left),
        ("when", Align::Left),
        ("id", Align::Left),
    ]);
    for tx in unresolved {
        table.row(vec![
            print::moment(tx.accepted_at.as_ref(), tx.zone_minutes),
            tx.institution.clone(),
            tx.name.clone(),
            or_dash(&tx.number),
            or_dash(&tx.participant),
            print::reason(tx.cause),
            tx.state.clone(),
            or_dash(&tx.owner),
            or_dash(&tx.next_step),
            or_dash(&print::moment(tx.next_at.as_ref(), tx.zone_minutes)),
            tx.id.clone(),
        ]);
    }
    table
}

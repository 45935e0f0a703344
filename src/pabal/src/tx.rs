//! Transactions, as operators call them: exchanges and notices.

mod find;
mod list;
mod show;

use clap::Subcommand;
use pabal_front::proto::{Outcome, SearchResponse, TxSummary};
use serde_json::json;

use crate::print;
use crate::table::{Align, Table};

/// Look for exchanges and notices, and at one of them.
#[derive(Debug, Subcommand)]
pub(crate) enum Tx {
    Find(find::Find),
    Show(show::Show),
    List(list::List),
}

impl Tx {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Find(command) => command.run(),
            Self::Show(command) => command.run(),
            Self::List(command) => command.run(),
        }
    }
}

/// What became of it in a word: an outcome and its cause, or how far it is.
fn state(tx: &TxSummary) -> String {
    match tx.outcome() {
        Outcome::Unspecified => tx.state.clone(),
        _ => format!("{} ({})", print::outcome(tx.outcome), print::with_refusal(tx.cause, tx.refusal)),
    }
}

/// A line for each.
fn table(found: &[TxSummary]) -> Table {
    let mut table = Table::new(&[
        ("accepted", Align::Left),
        ("institution", Align::Left),
        ("name", Align::Left),
        ("number", Align::Left),
        ("participant", Align::Left),
        ("outcome", Align::Left),
        ("id", Align::Left),
    ]);
    for tx in found {
        table.row(vec![
            print::moment(tx.accepted_at.as_ref(), tx.zone_minutes),
            tx.institution.clone(),
            tx.name.clone(),
            or_dash(&tx.number),
            or_dash(&tx.participant),
            state(tx),
            tx.id.clone(),
        ]);
    }
    table
}

/// Why there may be more than was found, if there may be.
fn more(response: &SearchResponse, max: u32) -> Option<String> {
    let is_full = response.found.len() >= usize::try_from(max).unwrap_or(usize::MAX);
    response.more.then(|| match is_full {
        true => format!("there may be more than --max {max} tells"),
        false => "the journal goes further back than a search looks".into(),
    })
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".into() } else { text.into() }
}

/// Its keys are documented where the commands are.
fn to_json(tx: &TxSummary) -> serde_json::Value {
    let text = |text: &str| if text.is_empty() { serde_json::Value::Null } else { json!(text) };
    json!({
        "institution": tx.institution,
        "id": tx.id,
        "kind": tx.kind,
        "name": tx.name,
        "origin": text(&tx.origin),
        "caller": text(&tx.caller),
        "idempotency_key": text(&tx.idempotency_key),
        "party": text(&tx.party),
        "participant": text(&tx.participant),
        "state": tx.state,
        "outcome": print::outcome_json(tx.outcome),
        "cause": print::reason_json(tx.cause),
        "refusal": print::reason_json(tx.refusal),
        "number": text(&tx.number),
        "institution_key": text(&tx.institution_key),
        "trace_id": text(&tx.trace_id),
        "parent_id": text(&tx.parent_id),
        "accepted_at": tx.accepted_at.as_ref().map(|at| print::rfc_3339(at, tx.zone_minutes)),
        "accepted_at_us": tx.accepted_at.as_ref().map(print::micros),
        "next_step": text(&tx.next_step),
        "next_at": tx.next_at.as_ref().map(|at| print::rfc_3339(at, tx.zone_minutes)),
        "next_at_us": tx.next_at.as_ref().map(print::micros),
        "owner": text(&tx.owner),
    })
}

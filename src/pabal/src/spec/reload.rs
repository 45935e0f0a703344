use clap::Args;
use pabal_front::client;
use pabal_front::proto::{ReloadSpecRequest, ReloadSpecResponse};
use pabal_switch::Refusal;
use serde_json::json;
use tonic::Status;

use crate::call::Target;
use crate::control::list;
use crate::print::Form;
use crate::table::{Align, Table};
use crate::{exit, print};

const NOTHING_CHANGED: &str = "The version in force stays.";

/// Have a running gateway read its spec files anew. No session closes; what has begun goes on by the version that it began with.
///
/// Example: pabal spec reload hecto --reason "codes of bank 088"
///
/// Exit codes: 0 in force, 1 the spec has mistakes or needs a reconnect, and the version in force stays, 2 usage, 4 no gateway was reached, or it
/// refused the question itself (no such institution), 5 no proof.
///
/// With --json: a list of institution, old, new (versions; the same if nothing has changed), hindered (a list of those that begin by a date and that a control would
/// hold then: spec, begins, begins_us, because). If it is refused, instead of the list: outcome (null), refusal,
/// faults (field: file, line and column; text), detail.
#[derive(Debug, Args)]
pub(crate) struct Reload {
    /// Only this institution
    institution: Option<String>,
    /// Why; it is kept in the journal
    #[arg(long)]
    reason: String,
    /// Who acts
    #[arg(long, env = "USER", default_value = "operator")]
    actor: String,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl Reload {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let message = ReloadSpecRequest {
            institution: self.institution.clone().unwrap_or_default(),
            actor: self.actor.clone(),
            reason: self.reason.clone(),
        };
        self.target.with(Some(NOTHING_CHANGED), Form::of(self.json), async |mut client, caller| {
            match client.control.reload_spec(client::request(message, Some(&caller), None, None)?).await {
                Ok(response) => {
                    let response = response.into_inner();
                    if self.json {
                        print::json(&to_json(&response))?;
                    } else {
                        for line in table(&response).lines() {
                            out!("{line}");
                        }
                        for one in response.reloaded.iter().filter(|one| !one.hindered.is_empty()) {
                            out!();
                            list::print_hindered(&one.hindered, one.zone_minutes);
                        }
                    }
                    Ok(exit::DONE)
                }
                Err(status) => {
                    Form::of(self.json).error(&print::refused_json(&status, client::reason(&status)));
                    Ok(refused(&status, &self.target))
                }
            }
        })
    }
}

/// Prints an error and says what it proves.
fn refused(status: &Status, target: &Target) -> u8 {
    let Some(reason) = client::reason(status) else {
        err!("error     {}", target.on_the_way(status));
        let ask = target.command(&["lines", "--json"], &[]);
        err!("The gateway did not make this error: ask `{ask}` which version is in force.");
        return exit::NO_PROOF;
    };
    err!("refused   {reason} ({:?})", status.code());
    err!("          {}", status.message());
    // No file was looked at.
    let is_not_taken = [Refusal::UnknownInstitution, Refusal::InvalidFields].iter().any(|one| one.word() == reason);
    if is_not_taken { exit::NOT_SENT } else { exit::FAILURE }
}

fn table(response: &ReloadSpecResponse) -> Table {
    let mut table = Table::new(&[
        ("institution", Align::Left),
        ("was", Align::Left),
        ("is in force", Align::Left),
        ("", Align::Left),
    ]);
    for one in &response.reloaded {
        let same = one.old_digest == one.new_digest;
        table.row(vec![
            one.institution.clone(),
            one.old_digest.clone(),
            one.new_digest.clone(),
            if same { "unchanged".into() } else { String::new() },
        ]);
    }
    table
}

fn to_json(response: &ReloadSpecResponse) -> serde_json::Value {
    let one = |one: &pabal_front::proto::ReloadedSpec| {
        json!({
            "institution": one.institution,
            "old": one.old_digest,
            "new": one.new_digest,
            "hindered": list::hindered_json(&one.hindered, one.zone_minutes),
        })
    };
    response.reloaded.iter().map(one).collect()
}

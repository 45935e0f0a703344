use clap::Args;
use pabal_front::client;
use pabal_front::proto::{CommandLine, CommandsRequest};
use serde_json::json;

use crate::call::Target;
use crate::control::list;
use crate::print::Form;
use crate::table::{Align, Table};
use crate::{exit, print};

/// Show what was commanded, by whom and why, newest first: stops, starts, drains, openings by hand, controls and rates, specs that were reloaded.
///
/// Example: pabal control log hecto --max 20
///
/// Exit codes: 0 shown, 2 usage, 5 not learnt.
///
/// With --json: a list of institution, at, at_us (microseconds since 1970), command, target (null if it is the institution), within_ms (null if it is no drain), control (as of `control list`: what
/// it blocked; null if it blocked nothing), rate (as of `control list`: what it set; null if it set none), actor, reason.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Only this institution
    institution: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    max: u32,
    /// Show what confidential fields hold too; never do this where others can read
    #[arg(long)]
    unmasked: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl Log {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let institution = self.institution.unwrap_or_default();
        let message = CommandsRequest { institution, max: self.max, unmasked: self.unmasked };
        self.target.with(None, Form::of(self.json), async |mut client, caller| {
            let commands = match client.control.commands(client::request(message, Some(&caller), None, None)?).await {
                Ok(response) => response.into_inner().commands,
                Err(status) => return Ok(print::unanswered(&status, &self.target, Form::of(self.json))),
            };
            if self.json {
                print::json(&commands.iter().map(to_json).collect())?;
            } else if commands.is_empty() {
                out!("nothing was commanded");
            } else {
                for line in table(&commands).lines() {
                    out!("{line}");
                }
            }
            Ok(exit::DONE)
        })
    }
}

fn table(commands: &[CommandLine]) -> Table {
    let mut table = Table::new(&[
        ("at", Align::Left),
        ("institution", Align::Left),
        ("command", Align::Left),
        ("target", Align::Left),
        ("what", Align::Left),
        ("within", Align::Right),
        ("by", Align::Left),
        ("reason", Align::Left),
    ]);
    for one in commands {
        table.row(vec![
            print::moment(one.at.as_ref(), one.zone_minutes),
            one.institution.clone(),
            one.command.clone(),
            if one.target.is_empty() { "-".into() } else { one.target.clone() },
            what(one),
            one.within.as_ref().map_or_else(|| "-".into(), |within| print::span(within.seconds)),
            one.actor.clone(),
            one.reason.clone(),
        ]);
    }
    table
}

/// What a command blocked, or which rate it set.
fn what(one: &CommandLine) -> String {
    match (&one.control, &one.rate) {
        (Some(control), _) => list::scope_told(control, one.zone_minutes),
        (None, Some(rate)) => list::rate_told(rate),
        (None, None) => "-".into(),
    }
}

fn to_json(one: &CommandLine) -> serde_json::Value {
    json!({
        "institution": one.institution,
        "at": one.at.as_ref().map(|at| print::rfc_3339(at, one.zone_minutes)),
        "at_us": one.at.as_ref().map(print::micros),
        "command": one.command,
        "target": if one.target.is_empty() { None } else { Some(&one.target) },
        "within_ms": one.within.as_ref().map(print::millis),
        "control": one.control.as_ref().map(|control| list::control_json(control, one.zone_minutes)),
        "rate": one.rate.as_ref().map(list::rate_json),
        "actor": one.actor,
        "reason": one.reason,
    })
}

use clap::Args;
use pabal_front::client;
use pabal_front::proto::{ControlLine, ControlsRequest, ControlsResponse, HinderedSpec, RateLine, Stopped};
use serde_json::json;

use crate::call::Target;
use crate::print::Form;
use crate::table::{Align, Table};
use crate::{exit, print};

/// Show what is blocked, by whom and until when, and which rates were set by command.
///
/// Example: pabal control list hecto
///
/// Exit codes: 0 shown, 2 usage, 5 not learnt.
///
/// With --json: controls (control, blocks, hours, from, from_us, until, until_us, message, actor and reason, null if it stands in the configuration;
/// unjudged, why the spec cannot judge it, so that it blocks all that it may mean, null if it can) and rates (compartment, null if it is each; per_second and
/// in_flight, null if there is no such bound; over; actor and reason), held_spec and held_because: the version of the spec whose date has come and that a control
/// holds which it cannot judge, and why; null if there is none; hindered: a list of those whose date is to come and that a control would hold then: spec, begins,
/// begins_us, because.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The institution, as configured
    institution: String,
    /// Show what confidential fields hold too; never do this where others can read
    #[arg(long)]
    unmasked: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl List {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let message = ControlsRequest { institution: self.institution, unmasked: self.unmasked };
        self.target.with(None, Form::of(self.json), async |mut client, caller| {
            let found = match client.control.controls(client::request(message, Some(&caller), None, None)?).await {
                Ok(response) => response.into_inner(),
                Err(status) => return Ok(print::unanswered(&status, &self.target, Form::of(self.json))),
            };
            if self.json {
                print::json(&to_json(&found))?;
                return Ok(exit::DONE);
            }
            if found.controls.is_empty() {
                out!("nothing is blocked");
            } else {
                for line in controls(&found).lines() {
                    out!("{line}");
                }
                for one in found.controls.iter().filter(|one| !one.unjudged.is_empty()) {
                    let (name, why) = (&one.control, &one.unjudged);
                    out!();
                    out!("the spec in force cannot judge `{name}`: {why}. It blocks all that it may mean, until you lift it");
                    out!("(`pabal control unblock`) or write it by the names of the spec (`pabal control block`).");
                }
            }
            if !found.held_spec.is_empty() {
                out!();
                out!("version {} of the spec, whose date has come, is not in force:", found.held_spec);
                out!("{}", found.held_because);
            }
            if !found.hindered.is_empty() {
                out!();
                print_hindered(&found.hindered, found.zone_minutes);
            }
            if !found.rates.is_empty() {
                out!();
                for line in rates(&found.rates).lines() {
                    out!("{line}");
                }
            }
            Ok(exit::DONE)
        })
    }
}

/// Says of each version of the spec that begins by a date whether a control will hold it.
pub(crate) fn print_hindered(hindered: &[HinderedSpec], zone_minutes: i32) {
    for one in hindered {
        let begins = print::moment(one.begins.as_ref(), zone_minutes);
        out!("version {} of the spec, which begins at {begins}, will not be in force then:", one.digest);
        out!("{}", one.because);
    }
}

/// Its keys are documented where the commands are.
pub(crate) fn hindered_json(hindered: &[HinderedSpec], zone_minutes: i32) -> serde_json::Value {
    let one = |one: &HinderedSpec| {
        json!({
            "spec": one.digest,
            "begins": one.begins.as_ref().map(|at| print::rfc_3339(at, zone_minutes)),
            "begins_us": one.begins.as_ref().map(print::micros),
            "because": one.because,
        })
    };
    hindered.iter().map(one).collect()
}

fn controls(found: &ControlsResponse) -> Table {
    let mut table = Table::new(&[
        ("control", Align::Left),
        ("blocks", Align::Left),
        ("when", Align::Left),
        ("message", Align::Left),
        ("by", Align::Left),
    ]);
    for one in &found.controls {
        table.row(vec![
            one.control.clone(),
            one.blocks.clone(),
            when(one, found.zone_minutes),
            one.message.clone(),
            control_by(one),
        ]);
    }
    table
}

/// What a control blocks, when, and who put it there.
pub(crate) fn told(one: &ControlLine, zone_minutes: i32) -> String {
    format!("{}, {}", one.blocks, held(one, zone_minutes))
}

/// When a control holds, and who put it there.
pub(crate) fn held(one: &ControlLine, zone_minutes: i32) -> String {
    format!("{} ({})", when(one, zone_minutes), control_by(one))
}

/// What a control blocks, and when.
pub(crate) fn scope_told(one: &ControlLine, zone_minutes: i32) -> String {
    format!("{}, {}", one.blocks, when(one, zone_minutes))
}

/// A rate in a line: `5 a second, 2 in flight, over it: wait`.
pub(crate) fn rate_told(one: &RateLine) -> String {
    let mut parts = Vec::new();
    parts.extend((one.per_second > 0).then(|| format!("{} a second", one.per_second)));
    parts.extend((one.in_flight > 0).then(|| format!("{} in flight", one.in_flight)));
    parts.push(format!("over it: {}", one.over));
    parts.join(", ")
}

fn control_by(one: &ControlLine) -> String {
    one.by.as_ref().map_or_else(|| "the configuration".into(), told_by)
}

fn told_by(by: &Stopped) -> String {
    format!("{}: {}", by.actor, by.reason)
}

fn when(one: &ControlLine, zone_minutes: i32) -> String {
    let moment = |word: &str, at: &pabal_front::Timestamp| format!("{word} {}", print::moment(Some(at), zone_minutes));
    let mut parts = Vec::new();
    parts.extend((!one.hours.is_empty()).then(|| one.hours.join(", ")));
    parts.extend(one.from.as_ref().map(|at| moment("from", at)));
    parts.extend(one.until.as_ref().map(|at| moment("until", at)));
    if parts.is_empty() { "until it is lifted".into() } else { parts.join(" ") }
}

fn rates(rates: &[RateLine]) -> Table {
    let mut table = Table::new(&[
        ("compartment", Align::Left),
        ("per second", Align::Right),
        ("in flight", Align::Right),
        ("more", Align::Left),
        ("by", Align::Left),
    ]);
    let number = |number: u32| if number == 0 { "-".into() } else { number.to_string() };
    for one in rates {
        let compartment = if one.compartment.is_empty() { "each" } else { one.compartment.as_str() };
        let by = one.by.as_ref().map_or_else(|| "-".into(), told_by);
        table.row(vec![compartment.into(), number(one.per_second), number(one.in_flight), one.over.clone(), by]);
    }
    table
}

/// Its keys are documented where the command is.
pub(crate) fn control_json(one: &ControlLine, zone: i32) -> serde_json::Value {
    json!({
        "control": one.control,
        "blocks": one.blocks,
        "hours": one.hours,
        "from": one.from.as_ref().map(|at| print::rfc_3339(at, zone)),
        "from_us": one.from.as_ref().map(print::micros),
        "until": one.until.as_ref().map(|at| print::rfc_3339(at, zone)),
        "until_us": one.until.as_ref().map(print::micros),
        "message": one.message,
        "actor": one.by.as_ref().map(|by| &by.actor),
        "reason": one.by.as_ref().map(|by| &by.reason),
        "unjudged": (!one.unjudged.is_empty()).then_some(&one.unjudged),
    })
}

/// Its keys are documented where the command is.
pub(crate) fn rate_json(one: &RateLine) -> serde_json::Value {
    let number = |number: u32| (number > 0).then_some(number);
    json!({
        "compartment": (!one.compartment.is_empty()).then_some(&one.compartment),
        "per_second": number(one.per_second),
        "in_flight": number(one.in_flight),
        "over": one.over,
        "actor": one.by.as_ref().map(|by| &by.actor),
        "reason": one.by.as_ref().map(|by| &by.reason),
    })
}

fn to_json(found: &ControlsResponse) -> serde_json::Value {
    json!({
        "controls": found.controls.iter().map(|one| control_json(one, found.zone_minutes)).collect::<Vec<_>>(),
        "rates": found.rates.iter().map(rate_json).collect::<Vec<_>>(),
        "held_spec": (!found.held_spec.is_empty()).then_some(&found.held_spec),
        "hindered": hindered_json(&found.hindered, found.zone_minutes),
        "held_because": (!found.held_because.is_empty()).then_some(&found.held_because),
    })
}

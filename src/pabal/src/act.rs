//! Acts of operators, for the commands that stop and start something.

use std::time::Duration;

use clap::Args;
use pabal_front::proto::{CommandRequest, CommandResponse, command_request};
use pabal_front::{Span, client};
use serde_json::json;

use crate::call::{self, Target};
use crate::control::list;
use crate::print::Form;
use crate::{exit, print};

const NOTHING_CHANGED: &str = "Nothing was changed.";

/// Why, who, and how it is told.
#[derive(Debug, Args)]
pub(crate) struct Act {
    /// Why; it is kept in the journal
    #[arg(long)]
    reason: String,
    /// Who acts, as far as you say; over a Unix socket the gateway knows, and does not ask
    #[arg(long, env = "USER", default_value = "operator")]
    actor: String,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// How long a drain may take.
#[derive(Debug, Args)]
pub(crate) struct Within {
    /// The longest that is waited for answers, such as 30s
    #[arg(long, value_parser = call::duration, default_value = "30s")]
    within: Duration,
}

impl Within {
    /// As the request has it.
    pub(crate) fn span(&self) -> Option<Span> {
        // The gateway refuses what is too long.
        Span::try_from(self.within).ok()
    }
}

impl Act {
    /// A question to the same gateway, to run as it is printed.
    pub(crate) fn ask(&self, question: &str) -> String {
        self.target.command(&[question], &[])
    }

    /// Asks the gateway, and prints what is so from now on.
    pub(crate) fn run(self, institution: &str, command: command_request::Command, done: &str) -> anyhow::Result<u8> {
        let is_block = matches!(command, command_request::Command::Block(_));
        let message = CommandRequest {
            institution: institution.to_owned(),
            reason: self.reason.clone(),
            actor: self.actor.clone(),
            command: Some(command),
        };
        self.target.with(Some(NOTHING_CHANGED), Form::of(self.json), async |mut client, caller| {
            match client.control.command(client::request(message, Some(&caller), None, None)?).await {
                Ok(response) => {
                    let CommandResponse { actor, held_by, replaced, zone_minutes, hindered } = response.into_inner();
                    if self.json {
                        let mut told = json!({
                            "institution": institution,
                            "done": done,
                            "actor": actor,
                            "reason": self.reason,
                            "held_by": (!held_by.is_empty()).then_some(held_by),
                        });
                        if is_block {
                            told["hindered"] = list::hindered_json(&hindered, zone_minutes);
                            told["replaced"] =
                                json!(replaced.as_ref().map(|one| list::control_json(one, zone_minutes)));
                        }
                        print::json(&told)?;
                    } else {
                        out!("{done}");
                        out!("by        {actor}: {}", self.reason);
                        if !held_by.is_empty() {
                            out!("but       {held_by}");
                        }
                        if let Some(one) = replaced {
                            let (name, what) = (&one.control, list::told(&one, zone_minutes));
                            out!("but       it takes the place of another `{name}`, which blocked {what}");
                        }
                        list::print_hindered(&hindered, zone_minutes);
                    }
                    Ok(exit::DONE)
                }
                Err(status) => {
                    let reason = client::reason(&status);
                    Form::of(self.json).error(&print::refused_json(&status, reason.clone()));
                    let Some(reason) = reason else {
                        call::unproven(&status, &self.target, "the command");
                        err!("Ask what was done: {}", self.target.command(&["control", "log", institution], &[]));
                        return Ok(exit::NO_PROOF);
                    };
                    err!("refused   {reason} ({:?})", status.code());
                    err!("          {}", status.message());
                    err!("{NOTHING_CHANGED}");
                    Ok(exit::NOT_SENT)
                }
            }
        })
    }
}

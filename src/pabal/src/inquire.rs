use std::time::Duration;

use clap::Args;
use pabal_front::client;
use pabal_front::proto::{InquireRequest, find_response};

use crate::call::{self, Target};
use crate::print::Form;
use crate::{exit, print};

const NOTHING_LEFT: &str = "No inquiry was sent.";
/// Why an answer may leave the original as it was.
const NOT_SETTLED: &str =
    "the answer fits neither `success` nor `failure` of the spec, or does not confirm the request";

/// Ask the institution what became of an UNKNOWN exchange.
///
/// Exit codes are those of the original exchange: 0 SUCCESS, 1 FAILURE, 3 still UNKNOWN, 4 no inquiry left, which says nothing about the original,
/// 5 no proof even of that.
#[derive(Debug, Args)]
pub(crate) struct Inquire {
    /// The institution, as configured
    institution: String,
    /// The exchange's id
    #[arg(value_parser = call::id)]
    exchange: String,
    /// Why; it is kept in the journal
    #[arg(long)]
    reason: String,
    /// Who asks
    #[arg(long, env = "USER", default_value = "operator")]
    actor: String,
    /// How long to wait
    #[arg(long, value_parser = call::duration)]
    timeout: Option<Duration>,
    #[command(flatten)]
    target: Target,
}

impl Inquire {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let message = InquireRequest {
            institution: self.institution.clone(),
            exchange_id: self.exchange.clone(),
            actor: self.actor.clone(),
            reason: self.reason.clone(),
        };
        self.target.with(Some(NOTHING_LEFT), Form::Text, async |mut client, caller| {
            match client.control.inquire(client::request(message, Some(&caller), self.timeout, None)?).await {
                Ok(response) => {
                    let response = response.into_inner();
                    if let Some(inquiry) = &response.inquiry {
                        for line in print::inquiry(inquiry) {
                            out!("{line}");
                        }
                        out!();
                    }
                    let Some(original) = response.original else { return Ok(exit::NO_PROOF) };
                    for line in print::find(&original, None) {
                        out!("{line}");
                    }
                    let Some(find_response::Result::Found(found)) = &original.result else { return Ok(exit::NO_PROOF) };
                    let code = print::exit_code(found.outcome);
                    if code == exit::UNKNOWN {
                        let is_answered = response.inquiry.as_ref().is_some_and(|inquiry| !inquiry.raw.is_empty());
                        out!(
                            "\nsettled nothing: {}",
                            if is_answered { NOT_SETTLED } else { "the inquiry has no answer" }
                        );
                    }
                    Ok(code)
                }
                Err(status) => {
                    let code = match client::reason(&status) {
                        Some(reason) => {
                            err!("refused   {reason} ({:?})", status.code());
                            err!("          {}", status.message());
                            err!("{NOTHING_LEFT}");
                            exit::NOT_SENT
                        }
                        None => {
                            call::unproven(&status, &self.target, "an inquiry");
                            exit::NO_PROOF
                        }
                    };
                    let ask = self.target.command(&["find", &self.institution, &self.exchange], &[]);
                    err!("This says nothing about the exchange itself: {ask}");
                    Ok(code)
                }
            }
        })
    }
}

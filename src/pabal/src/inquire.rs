use std::time::Duration;

use clap::Args;
use pabal_front::client;
use pabal_front::proto::{InquireRequest, find_response};

use crate::call::{self, Target};
use crate::{exit, print};

/// Ask the institution what became of an UNKNOWN exchange.
///
/// Exit codes are those of the original exchange: 0 SUCCESS, 1 FAILURE, 3 still UNKNOWN, 4 the inquiry was refused and nothing left.
#[derive(Debug, Args)]
pub(crate) struct Inquire {
    /// The institution, as configured
    institution: String,
    /// The exchange's id
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
        self.target.with(exit::NOT_SENT, async |mut client, caller| {
            match client.control.inquire(client::request(message, Some(&caller), self.timeout, None)?).await {
                Ok(response) => {
                    let response = response.into_inner();
                    if let Some(inquiry) = &response.inquiry {
                        println!("inquiry   {} ({})\n", print::outcome(inquiry.outcome), print::reason(inquiry.cause));
                    }
                    let Some(original) = response.original else { return Ok(exit::NO_PROOF) };
                    for line in print::find(&original) {
                        println!("{line}");
                    }
                    Ok(match &original.result {
                        Some(find_response::Result::Found(found)) => print::exit_code(found.outcome),
                        _ => exit::NO_PROOF,
                    })
                }
                Err(status) => {
                    let ask = format!("Ask: pabal find {} {}", self.institution, self.exchange);
                    Ok(call::refused(&status, &ask))
                }
            }
        })
    }
}

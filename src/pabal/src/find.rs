use clap::Args;
use pabal_front::client;
use pabal_front::proto::{FindRequest, find_request, find_response};

use crate::call::{self, Target};
use crate::print::Form;
use crate::{exit, print};

/// Ask a gateway what became of an exchange.
///
/// Exit codes are those of the outcome: 0 SUCCESS, 1 FAILURE (also: not found, and the key is bound now), 3 UNKNOWN or none yet, 5 not found and no proof.
///
/// With --json: found (if false, only fenced beside it), exchange_id, exchange, outcome (null while there is none), cause, refusal, state,
/// telegram_number, trace_id, journal (at: RFC 3339, at_us: microseconds since 1970, kind, text).
#[derive(Debug, Args)]
pub(crate) struct Find {
    /// The institution, as configured
    institution: String,
    /// The exchange's id
    #[arg(value_parser = call::id)]
    exchange: Option<String>,
    /// Or the idempotency key that the same caller used
    #[arg(long, conflicts_with = "exchange", required_unless_present = "exchange")]
    key: Option<String>,
    /// Bind an unused key, so that "not found" is a proof
    #[arg(long, conflicts_with = "exchange")]
    fence: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl Find {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let key = match (&self.exchange, &self.key) {
            (Some(id), _) => find_request::Key::ExchangeId(id.clone()),
            (None, Some(key)) => find_request::Key::IdempotencyKey(key.clone()),
            (None, None) => anyhow::bail!("say which exchange: its id, or --key"),
        };
        let message = FindRequest { institution: self.institution.clone(), key: Some(key), fence: self.fence };
        self.target.with(None, Form::of(self.json), async |mut client, caller| {
            match client.gateway.find(client::request(message, Some(&caller), None, None)?).await {
                Ok(response) => {
                    let response = response.into_inner();
                    if self.json {
                        out!("{}", serde_json::to_string_pretty(&print::find_json(&response))?);
                    } else {
                        let asked = self.key.as_deref().map(|key| (caller.as_str(), key));
                        for line in print::find(&response, asked) {
                            out!("{line}");
                        }
                    }
                    Ok(match &response.result {
                        Some(find_response::Result::Found(found)) => print::exit_code(found.outcome),
                        Some(find_response::Result::NotFound(not_found)) if not_found.fenced => exit::FAILURE,
                        Some(find_response::Result::NotFound(_)) | None => exit::NO_PROOF,
                    })
                }
                Err(status) => {
                    let code = print::unanswered(&status, &self.target, Form::of(self.json));
                    err!("This says nothing about the exchange that is asked about.");
                    Ok(code)
                }
            }
        })
    }
}

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use pabal_front::Proof;
use pabal_front::client::{self, Client, ConnectError};
use pabal_front::proto::{ExchangeRequest, Fields, Value, exchange_request, value};
use pabal_switch::Refusal;
use tonic::{Code, Status};

use crate::print::Form;
use crate::{encode, exit, print};

/// Where a gateway listens unless it is told otherwise.
pub(crate) const ADDRESS: &str = "http://127.0.0.1:7400";

/// Which gateway, and who asks.
#[derive(Clone, Debug, Args)]
pub(crate) struct Target {
    /// The gateway: `http://127.0.0.1:PORT` or `unix:/path`
    #[arg(long, env = "PABAL_ADDRESS", default_value = ADDRESS)]
    pub(crate) address: String,
    /// Who calls; scopes idempotency keys
    #[arg(long, default_value = "pabal-cli")]
    pub(crate) caller: String,
}

impl Target {
    /// Connects and runs `work`. If nobody answers it ends with 4 and prints `nothing_left` for what would have sent something, which
    /// is proven not to have left; with 5 for what only asks. In `form` that error is printed too.
    pub(crate) fn with<F>(
        &self,
        nothing_left: Option<&str>,
        form: Form,
        work: impl FnOnce(Client, String) -> F,
    ) -> anyhow::Result<u8>
    where
        F: Future<Output = anyhow::Result<u8>>,
    {
        let is_ascii = self.caller.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        anyhow::ensure!(is_ascii, "--caller holds what is not printable ASCII; use letters, digits and signs");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            match client::connect(&self.address).await {
                Ok(client) => work(client, self.caller.clone()).await,
                Err(error @ ConnectError::NotAddress(_)) => Err(error.into()),
                Err(error) => {
                    err!("pabal: {error}");
                    form.error(&print::untold_json(&error.to_string()));
                    if let Some(nothing_left) = nothing_left {
                        err!("{nothing_left}");
                    }
                    Ok(if nothing_left.is_some() { exit::NOT_SENT } else { exit::NO_PROOF })
                }
            }
        })
    }
}

/// Prints an error that the gateway did not make. `what` may have been sent.
pub(crate) fn unproven(status: &Status, what: &str) {
    err!("error     {:?}: {}", status.code(), status.message());
    err!("The gateway did not make this error, so it proves nothing: {what} may have left.");
    if status.code() == Code::Unimplemented {
        err!("Is this address a gateway's?");
    }
}

/// A duration as text: `300ms`, `5s`, `2m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    pabal_gateway::parse_duration(text).ok_or_else(|| format!("{text:?} is not a duration such as 300ms, 5s or 2m"))
}

/// Send a request through a gateway and print its outcome.
///
/// Exit codes: 0 SUCCESS, 1 FAILURE, 2 usage, 3 UNKNOWN, 4 refused and nothing left, 5 no proof.
///
/// With --json: outcome, cause, refusal, exchange_id, state, telegram_number, response_code, response_text, trace_id, fields (name: text; those that
/// are set), faults (field, offset, rule, text). Confidential fields are masked unless --unmasked is given. Without an answer: outcome (null),
/// refusal (null if no gateway refused it), faults (field, text), detail; the exit code tells whether anything may have left.
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The institution, as configured
    institution: String,
    /// The exchange, as the spec names it
    exchange: String,
    /// A field and its value; `@FILE` reads it from a file, `@-` from standard input
    #[arg(short, long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// A whole telegram in hexadecimal digits instead of fields
    #[arg(long, conflicts_with = "fields")]
    raw: Option<String>,
    /// Your own name for the request: asking again under it sends nothing twice
    #[arg(long)]
    key: Option<String>,
    /// Which configured party asks
    #[arg(long)]
    party: Option<String>,
    /// How long to wait, such as 300ms or 10s
    #[arg(long, value_parser = duration)]
    timeout: Option<Duration>,
    /// Take an UNKNOWN before the institution's time for an answer is over; without it, too short a timeout is refused
    #[arg(long)]
    accept_early_unknown: bool,
    /// The trace to go on with (W3C)
    #[arg(long)]
    traceparent: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    /// Show confidential fields of the answer too
    #[arg(long)]
    unmasked: bool,
    #[command(flatten)]
    target: Target,
}

impl Call {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let body = match &self.raw {
            Some(digits) => exchange_request::Body::Raw(unhex(digits)?),
            None => exchange_request::Body::Fields(Fields { values: self.values()? }),
        };
        let message = ExchangeRequest {
            institution: self.institution.clone(),
            exchange: self.exchange.clone(),
            body: Some(body),
            party: self.party.clone().unwrap_or_default(),
            idempotency_key: self.key.clone().unwrap_or_default(),
            accept_early_unknown: self.accept_early_unknown,
        };
        self.target.with(Some("No byte of the request left."), Form::of(self.json), async |mut client, caller| {
            let request = client::request(message, Some(&caller), self.timeout, self.traceparent.as_deref())?;
            match client.gateway.exchange(request).await {
                Ok(response) => {
                    let response = response.into_inner();
                    if self.json {
                        out!("{}", serde_json::to_string_pretty(&print::exchange_json(&response, self.unmasked))?);
                    } else {
                        for line in print::exchange(&response, self.unmasked) {
                            out!("{line}");
                        }
                    }
                    Ok(print::exit_code(response.outcome))
                }
                Err(status) => {
                    Form::of(self.json).error(&print::refused_json(&status, client::refusal(&status)));
                    Ok(self.refused(&status))
                }
            }
        })
    }

    /// Prints an error and says what it proves.
    fn refused(&self, status: &Status) -> u8 {
        let Some(proof) = Proof::of(status) else {
            unproven(status, "the request");
            err!("{}", self.ask());
            return exit::NO_PROOF;
        };
        err!("refused   {} ({:?})", proof.reason, status.code());
        err!("          {}", status.message());
        match &self.key {
            Some(key) if proof.reason == Refusal::KeyReused.word() => {
                let (institution, caller) = (&self.institution, &self.target.caller);
                err!("No byte of this request left; what became of the first:");
                err!("pabal find {institution} --key {key} --caller {caller}");
            }
            Some(_) if !proof.exchange_id.is_empty() => {
                err!(
                    "It had waited as exchange {}, which has its key for good: to try again, take a new key.",
                    proof.exchange_id
                );
                err!("No byte of the request left.");
            }
            _ => err!("No byte of the request left."),
        }
        exit::NOT_SENT
    }

    /// What to do when it is not known whether the request left.
    fn ask(&self) -> String {
        match &self.key {
            Some(key) => {
                format!("Ask: pabal find {} --key {key} --fence --caller {}", self.institution, self.target.caller)
            }
            None => {
                "It had no --key, so that it cannot be asked about; look at the gateway's log for its trace.".into()
            }
        }
    }

    fn values(&self) -> anyhow::Result<BTreeMap<String, Value>> {
        let mut values = BTreeMap::new();
        for (name, given) in encode::fields(&self.fields)? {
            let value = Value { kind: Some(value::Kind::Text(given)) };
            if values.insert(name.clone(), value).is_some() {
                anyhow::bail!("the field {name:?} is given twice");
            }
        }
        Ok(values)
    }
}

fn unhex(digits: &str) -> anyhow::Result<Vec<u8>> {
    let digits: Vec<u8> = digits.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let text = std::str::from_utf8(&digits)?;
    anyhow::ensure!(
        digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit),
        "--raw takes pairs of hexadecimal digits"
    );
    (0..digits.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&text[at..at + 2], 16)?)).collect()
}

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use pabal_front::Proof;
use pabal_front::client::{self, Client, ConnectError};
use pabal_front::proto::{ExchangeRequest, Fields, Reason, Value, exchange_request, value};
use pabal_switch::{ExchangeId, Refusal};
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

    /// A command to run as it is printed, wherever that is: it names this gateway, and a shell reads each value as it is.
    pub(crate) fn command(&self, words: &[&str], options: &[(&str, &str)]) -> String {
        let mut parts: Vec<String> = ["pabal"].iter().chain(words).map(|word| quoted(word)).collect();
        for (name, value) in options.iter().copied().chain([("--address", self.address.as_str())]) {
            // Else it would be read as an option itself.
            let between = if value.starts_with('-') { "=" } else { " " };
            parts.push(format!("{name}{between}{}", quoted(value)));
        }
        parts.join(" ")
    }

    /// An error that the gateway did not make, where it came from, and what to look at.
    pub(crate) fn on_the_way(&self, status: &Status) -> String {
        let fix = match status.code() {
            Code::Unimplemented => "; is a gateway there, and is it as new as this command?",
            Code::Unknown | Code::Unavailable | Code::Internal => "; is a gateway there?",
            _ => "",
        };
        format!("{:?}: {}, from {}{fix}", status.code(), status.message(), self.address)
    }
}

/// As a shell reads it back.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Prints an error that the gateway did not make. `what` may have been sent.
pub(crate) fn unproven(status: &Status, target: &Target, what: &str) {
    err!("error     {}", target.on_the_way(status));
    err!("The gateway did not make this error, so it proves nothing: {what} may have left.");
}

/// A duration as text: `300ms`, `5s`, `2m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    pabal_gateway::parse_duration(text).ok_or_else(|| format!("{text:?} is not a duration such as 300ms, 5s or 2m"))
}

/// The id of an exchange or notice.
pub(crate) fn id(text: &str) -> Result<String, String> {
    let fix = "write 32 hexadecimal digits parted as 01a20092-1559-7000-bd64-9e6c46a0a6e4; `pabal tx find` finds it";
    ExchangeId::parse(text).map(|_| text.to_owned()).ok_or_else(|| format!("it is not an id: {fix}"))
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
                    if response.cause() == Reason::NotSent {
                        self.not_sent(&response.exchange_id);
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
            unproven(status, &self.target, "the request");
            err!("{}", self.ask());
            return exit::NO_PROOF;
        };
        err!("refused   {} ({:?})", proof.reason, status.code());
        err!("          {}", status.message());
        match &self.key {
            Some(key) if proof.reason == Refusal::KeyReused.word() => {
                let options = [("--key", key.as_str()), ("--caller", &self.target.caller)];
                err!("No byte of this request left; what became of the first:");
                err!("{}", self.target.command(&["find", &self.institution], &options));
            }
            _ => self.not_sent(&proof.exchange_id),
        }
        exit::NOT_SENT
    }

    /// Says that nothing left; of what had waited, that its key is of no more use.
    fn not_sent(&self, exchange: &str) {
        if self.key.is_some() && !exchange.is_empty() {
            err!("It had waited as exchange {exchange}, which has its key for good: to try again, take a new key.");
        }
        err!("No byte of the request left.");
    }

    /// What to do when it is not known whether the request left.
    fn ask(&self) -> String {
        match &self.key {
            Some(key) => {
                let options = [("--key", key.as_str()), ("--caller", &self.target.caller)];
                format!("Ask: {}", self.target.command(&["find", &self.institution, "--fence"], &options))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target { address: "http://127.0.0.1:7401".into(), caller: "pabal-cli".into() }
    }

    #[test]
    fn a_command_that_is_printed_names_its_gateway_and_is_read_back_by_a_shell() {
        let told = |key| target().command(&["find", "hecto", "--fence"], &[("--key", key), ("--caller", "pabal-cli")]);
        let rest = "--caller pabal-cli --address http://127.0.0.1:7401";
        assert_eq!(told("rent-11"), format!("pabal find hecto --fence --key rent-11 {rest}"));
        for key in ["my key;x", "it's $HOME", "-x", "월세", "", "a\nb", "~", "#1"] {
            let command = told(key);
            let script = format!("pabal() {{ printf '%s\\0' \"$@\"; }}\n{command}");
            let read = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell");
            let read = String::from_utf8(read.stdout).expect("UTF-8");
            let value = if key.starts_with('-') { format!("--key={key}") } else { format!("--key\0{key}") };
            let rest = rest.replace(' ', "\0");
            assert_eq!(read, format!("find\0hecto\0--fence\0{value}\0{rest}\0"), "{command}");
        }
    }

    #[test]
    fn an_error_on_the_way_says_from_where_and_what_to_look_at() {
        let told = |code| target().on_the_way(&Status::new(code, "transport error"));
        let from = "transport error, from http://127.0.0.1:7401";
        assert_eq!(told(Code::Unknown), format!("Unknown: {from}; is a gateway there?"));
        // It has answered, or there was no time to.
        assert_eq!(told(Code::DeadlineExceeded), format!("DeadlineExceeded: {from}"));
    }
}

use clap::Args;
use pabal_front::client;
use pabal_front::proto::search_request::By;
use pabal_front::proto::{KeyOfCaller, SearchRequest, SearchResponse};
use serde_json::json;

use super::{table, to_json};
use crate::call::Target;
use crate::print::Form;
use crate::{exit, print};

/// Find exchanges and notices by what is known of them, newest first.
///
/// Example: pabal tx find rent-12
///
/// TERM may be an id, a trace id or traceparent, a telegram number, an idempotency key of any caller, or the institution's key (the fields that join answer
/// and request, one behind another). What it is follows from its form: 36 or 32 hexadecimal digits, then only digits up to 20, then an idempotency key, and if
/// there is none the institution's key. An option says it plainly. Exit codes: 0 found, 1 nothing found, 2 usage, 5 not learnt.
///
/// With --json: found (a list), more (true if there may be more). Each has institution, id, kind (exchange or notice), name, origin, caller, idempotency_key, party,
/// participant, state, outcome, cause, refusal, number, institution_key, trace_id, parent_id, accepted_at (RFC 3339), accepted_at_us (microseconds since 1970), next_step, next_at, next_at_us,
/// owner; null where there is none.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Find {
    #[command(flatten)]
    by: Known,
    /// Only this institution
    #[arg(long)]
    institution: Option<String>,
    /// With --key: only this caller's
    #[arg(long, value_name = "CALLER", conflicts_with_all = ["term", "exchange", "institution_key", "number", "trace"])]
    of: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    max: u32,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// By what it is known: exactly one.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Known {
    /// Whatever is at hand
    term: Option<String>,
    /// The id of an exchange or notice
    #[arg(long, value_name = "ID")]
    exchange: Option<String>,
    /// An idempotency key
    #[arg(long)]
    key: Option<String>,
    /// The institution's key: the fields that join answer and request
    #[arg(long, value_name = "KEY")]
    institution_key: Option<String>,
    /// A telegram number, ours or theirs, with its zeros in front
    #[arg(long)]
    number: Option<String>,
    /// A trace id of 32 hexadecimal digits, or a traceparent
    #[arg(long)]
    trace: Option<String>,
}

/// Digits of a telegram number at most; a longer row of digits is a key.
const NUMBER_DIGITS_MAX: usize = 20;

impl Known {
    /// What to say if nothing is found under a telegram number: it may be short of zeros.
    fn zeros(&self) -> Option<String> {
        let number = self.number.as_ref().or(self.term.as_ref())?;
        let is_number = (1..=NUMBER_DIGITS_MAX).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| format!("a telegram number is looked for with its zeros in front: {number} is not 0{number}"))
    }

    /// What is asked, in this order until something is found.
    fn questions(self, of: Option<String>) -> Vec<By> {
        let keyed = |key| By::IdempotencyKey(KeyOfCaller { caller: of.clone().unwrap_or_default(), key });
        let plain = [
            self.exchange.map(By::Id),
            self.key.map(keyed),
            self.institution_key.map(By::InstitutionKey),
            self.number.map(By::Number),
            self.trace.map(By::TraceId),
        ];
        let term = self.term.map(|term| guess(&term)).unwrap_or_default();
        plain.into_iter().flatten().chain(term).collect()
    }
}

/// What a term can be, the likeliest first.
fn guess(term: &str) -> Vec<By> {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<&str> = term.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let text = || term.to_owned();
    let otherwise =
        [By::IdempotencyKey(KeyOfCaller { caller: String::new(), key: text() }), By::InstitutionKey(text())];
    let first = match lengths.as_slice() {
        [8, 4, 4, 4, 12] if parts.iter().all(|part| is_hex(part)) => Some(By::Id(text())),
        [2, 32, 16, 2] if parts.iter().all(|part| is_hex(part)) => Some(By::TraceId(text())),
        [32] if is_hex(term) => Some(By::TraceId(text())),
        [1..=NUMBER_DIGITS_MAX] if term.bytes().all(|byte| byte.is_ascii_digit()) => Some(By::Number(text())),
        _ => None,
    };
    first.into_iter().chain(otherwise).collect()
}

impl Find {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let (institution, max) = (self.institution.unwrap_or_default(), self.max);
        let zeros = self.by.zeros();
        let questions = self.by.questions(self.of);
        self.target.with(None, Form::of(self.json), async |mut client, caller| {
            let mut found = SearchResponse::default();
            for by in questions {
                let message = SearchRequest { institution: institution.clone(), by: Some(by), max };
                match client.control.search(client::request(message, Some(&caller), None, None)?).await {
                    Ok(response) => found = response.into_inner(),
                    Err(status) => return Ok(print::unanswered(&status, &self.target, Form::of(self.json))),
                }
                if !found.found.is_empty() {
                    break;
                }
            }
            if self.json {
                let list: Vec<_> = found.found.iter().map(to_json).collect();
                print::json(&json!({ "found": list, "more": found.more }))?;
            } else if found.found.is_empty() {
                if let Some(zeros) = zeros {
                    out!("{zeros}");
                }
                out!("nothing found; this is no proof that nothing was sent (`pabal find --fence` makes one)");
            } else {
                for line in table(&found.found).lines() {
                    out!("{line}");
                }
            }
            if let Some(more) = super::more(&found, max).filter(|_| !self.json) {
                out!("{more}");
            }
            Ok(if found.found.is_empty() { exit::FAILURE } else { exit::DONE })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_known_by_its_form() {
        let first = |term: &str| match guess(term).swap_remove(0) {
            By::Id(_) => "id",
            By::TraceId(_) => "trace",
            By::Number(_) => "number",
            By::IdempotencyKey(_) => "key",
            By::InstitutionKey(_) | By::Unresolved(_) => "other",
        };
        assert_eq!(first("01a20092-1559-7000-bd64-9e6c46a0a6e4"), "id");
        assert_eq!(first("1f07e7b4b0e2bb1f7b4fd5e0a0f5a6a1"), "trace");
        assert_eq!(first("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), "trace");
        assert_eq!(first("000017"), "number");
        assert_eq!(first("rent-12"), "key");
        assert_eq!(first("20261122088PABALCO1  000017"), "key", "and if there is none, the institution's");
        assert_eq!(guess("rent-12").len(), 2);
        assert_eq!(guess("000017").len(), 3, "a number may be somebody's key");
    }
}

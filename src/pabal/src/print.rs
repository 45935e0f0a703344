//! What a gateway's answers look like on a terminal.

use std::collections::BTreeMap;

use pabal_clock::{UtcOffset, Wall};
use pabal_front::proto::{
    ExchangeResponse, Fault, Field, FindResponse, FoundExchange, HistoryEntry, Outcome, Reason, Value, find_response,
    value,
};
use pabal_front::{Span, Timestamp, client};
use pabal_telegram::{Charset, Class, masked_by_class};
use serde_json::json;
use tonic::Status;

use crate::call::Target;
use crate::exit;
use crate::table::{Align, Table};

/// The word of a reason, as logs and the journal have it.
pub(crate) fn reason(reason: i32) -> String {
    let name = Reason::try_from(reason).unwrap_or(Reason::Unspecified).as_str_name();
    name.trim_start_matches("REASON_").to_string()
}

/// `SUCCESS`, `FAILURE` or `UNKNOWN`.
pub(crate) fn outcome(outcome: i32) -> &'static str {
    match Outcome::try_from(outcome).unwrap_or(Outcome::Unspecified) {
        Outcome::Success => "SUCCESS",
        Outcome::Failure => "FAILURE",
        Outcome::Unknown => "UNKNOWN",
        Outcome::Unspecified => "(no outcome yet)",
    }
}

/// The exit code of an outcome.
pub(crate) fn exit_code(outcome: i32) -> u8 {
    match Outcome::try_from(outcome).unwrap_or(Outcome::Unspecified) {
        Outcome::Success => exit::DONE,
        Outcome::Failure => exit::FAILURE,
        // An outcome that is not there is not a proof of anything.
        Outcome::Unknown | Outcome::Unspecified => exit::UNKNOWN,
    }
}

pub(crate) fn with_refusal(cause: i32, refusal: i32) -> String {
    if Reason::try_from(refusal).unwrap_or(Reason::Unspecified) == Reason::Unspecified {
        reason(cause)
    } else {
        format!("{}, {}", reason(cause), reason(refusal))
    }
}

/// The answer to `Exchange`. Confidential fields are masked unless `unmasked`.
pub(crate) fn exchange(response: &ExchangeResponse, unmasked: bool) -> Vec<String> {
    let mut lines = vec![
        format!("outcome   {} ({})", outcome(response.outcome), with_refusal(response.cause, response.refusal)),
        format!("exchange  {}", response.exchange_id),
    ];
    if !response.telegram_number.is_empty() {
        lines.push(format!("number    {}", response.telegram_number));
    }
    lines.extend(code(response));
    lines.push(format!("trace     {}", response.trace_id));
    lines.extend(fields(&response.fields, in_place(&response.raw, &response.faults), unmasked));
    for fault in &response.faults {
        lines.push(format!("fault     {}", fault.text));
    }
    lines
}

/// The inquiry of `Inquire`: its own number, code and fields tell why it settled nothing.
pub(crate) fn inquiry(response: &ExchangeResponse) -> Vec<String> {
    let why = with_refusal(response.cause, response.refusal);
    let mut lines = vec![format!("inquiry   {} ({why})", outcome(response.outcome))];
    if !response.telegram_number.is_empty() {
        lines.push(format!("number    {}", response.telegram_number));
    }
    lines.extend(code(response));
    lines.extend(fields(&response.fields, in_place(&response.raw, &response.faults), false));
    for fault in &response.faults {
        lines.push(format!("fault     {}", fault.text));
    }
    lines
}

/// The response code and what it says.
fn code(response: &ExchangeResponse) -> Option<String> {
    let text = match response.response_text.as_str() {
        "" => "(no table lists it)",
        text => text,
    };
    (!response.response_code.is_empty()).then(|| format!("code      {} {text}", response.response_code))
}

/// A table of the fields that hold something; `raw` is their telegram.
pub(crate) fn fields(fields: &BTreeMap<String, Field>, raw: &[u8], unmasked: bool) -> Vec<String> {
    let mut fields: Vec<(&String, &Field)> = fields.iter().collect();
    fields.sort_by_key(|(_, field)| field.offset);
    let mut table = Table::new(&[("  field", Align::Left), ("value", Align::Left)]);
    let mut any = false;
    for (name, field) in fields {
        let Some(text) = shown(field, raw, unmasked) else { continue };
        any = true;
        table.row(vec![format!("  {name}"), text]);
    }
    if any { table.lines() } else { Vec::new() }
}

/// A value as text; `None` for null and for what is only blank.
fn value_text(value: &Value) -> Option<String> {
    match value.kind.as_ref()? {
        value::Kind::Text(text) if text.trim().is_empty() => None,
        value::Kind::Text(text) => Some(text.clone()),
        value::Kind::Int64(number) => Some(number.to_string()),
        value::Kind::Decimal(number) => Some(number.clone()),
        value::Kind::Bytes(bytes) if bytes.iter().all(|b| *b == b' ' || *b == b'0') => None,
        value::Kind::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        value::Kind::Group(_) | value::Kind::List(_) | value::Kind::Null(_) => None,
    }
}

/// The answer to `Find`. `asked` is the caller and its key, if it was asked by key: a key is the caller's own.
pub(crate) fn find(response: &FindResponse, asked: Option<(&str, &str)>) -> Vec<String> {
    let others = "keys of other callers are not looked at";
    match &response.result {
        Some(find_response::Result::Found(found)) => self::found(found),
        Some(find_response::Result::NotFound(not_found)) if not_found.fenced => {
            let (caller, key) = asked.unwrap_or_default();
            vec![format!("not found: caller `{caller}` has sent nothing under key `{key}`, and never will; {others}")]
        }
        Some(find_response::Result::NotFound(_)) | None => vec![match asked {
            Some((caller, key)) => format!(
                "not found: nothing of caller `{caller}` under key `{key}`, which is no proof; --fence binds the key and makes it one; {others}"
            ),
            None => "not found; this is a proof of nothing".into(),
        }],
    }
}

fn found(found: &FoundExchange) -> Vec<String> {
    let mut lines = vec![format!("exchange  {} ({})", found.exchange_id, found.exchange)];
    let why = if Reason::try_from(found.cause).unwrap_or(Reason::Unspecified) == Reason::Unspecified {
        String::new()
    } else {
        format!(" ({})", with_refusal(found.cause, found.refusal))
    };
    lines.push(format!("outcome   {}{why}", outcome(found.outcome)));
    lines.push(format!("state     {}", found.state));
    if !found.telegram_number.is_empty() {
        lines.push(format!("number    {}", found.telegram_number));
    }
    lines.push(format!("trace     {}", found.trace_id));
    lines.extend(history(&found.history));
    lines
}

/// Every entry of the journal, by its time since the first.
pub(crate) fn history(history: &[HistoryEntry]) -> Vec<String> {
    let mut lines = vec!["journal".to_string()];
    let first = history.first().and_then(|entry| entry.at.as_ref()).map(micros);
    for entry in history {
        let after = match (first, entry.at.as_ref().map(micros)) {
            (Some(first), Some(at)) => seconds(at - first),
            _ => String::new(),
        };
        lines.push(format!("  {after:>9}  {:<14}  {}", entry.kind, entry.text).trim_end().to_string());
    }
    lines
}

/// The same as JSON, in a zone that is so many minutes east of UTC.
pub(crate) fn history_json(history: &[HistoryEntry], zone_minutes: i32) -> Vec<serde_json::Value> {
    let entry = |entry: &HistoryEntry| {
        json!({
            "at": entry.at.as_ref().map(|at| rfc_3339(at, zone_minutes)),
            "at_us": entry.at.as_ref().map(micros),
            "kind": entry.kind,
            "text": entry.text,
        })
    };
    history.iter().map(entry).collect()
}

/// Date and time of a zone that is so many minutes east of UTC, and that zone.
pub(crate) fn moment(at: Option<&Timestamp>, zone_minutes: i32) -> String {
    let Some(at) = at else { return String::new() };
    let civil = Wall::from_unix_seconds(at.seconds).civil(UtcOffset::from_minutes(zone_minutes));
    format!("{} {}{}", civil.date, civil.time, offset(zone_minutes))
}

/// The same for programs: RFC 3339 with microseconds.
pub(crate) fn rfc_3339(at: &Timestamp, zone_minutes: i32) -> String {
    let civil = Wall::from_unix_seconds(at.seconds).civil(UtcOffset::from_minutes(zone_minutes));
    format!("{}T{}.{:06}{}", civil.date, civil.time, at.nanos / 1_000, offset(zone_minutes))
}

/// `+09:00`.
fn offset(minutes: i32) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// A span in the largest units that tell it: `42 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn span(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// A span in milliseconds.
pub(crate) fn millis(span: &Span) -> i64 {
    span.seconds * 1_000 + i64::from(span.nanos) / 1_000_000
}

/// `2026-11-22` of the number 20261122.
pub(crate) fn date(yyyymmdd: u32) -> String {
    format!("{:04}-{:02}-{:02}", yyyymmdd / 10_000, yyyymmdd / 100 % 100, yyyymmdd % 100)
}

/// What a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text for people.
    Text,
    /// One JSON value.
    Json,
    /// A JSON value in each line.
    JsonLines,
}

impl Form {
    /// Of a command that prints one value.
    pub(crate) const fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }

    /// Prints an error as JSON, if that is what is printed. What people read about it stands on standard error in either case.
    pub(crate) fn error(self, value: &serde_json::Value) {
        match self {
            Self::Text => {}
            Self::Json => out!("{value:#}"),
            Self::JsonLines => out!("{value}"),
        }
    }
}

/// Prints the error of a question. Nothing is learnt by it, and nothing was done.
pub(crate) fn unanswered(status: &Status, target: &Target, form: Form) -> u8 {
    let reason = client::reason(status);
    form.error(&refused_json(status, reason.clone()));
    match reason {
        Some(reason) => {
            err!("refused   {reason} ({:?})", status.code());
            err!("          {}", status.message());
        }
        None => err!("error     {}", target.on_the_way(status)),
    }
    exit::NO_PROOF
}

/// Prints one JSON value.
pub(crate) fn json(value: &serde_json::Value) -> anyhow::Result<()> {
    out!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

pub(crate) fn micros(at: &Timestamp) -> i64 {
    at.seconds * 1_000_000 + i64::from(at.nanos) / 1_000
}

/// `+1.951 s`.
pub(crate) fn seconds(micros: i64) -> String {
    format!("+{}.{:03} s", micros / 1_000_000, micros % 1_000_000 / 1_000)
}

/// The bytes of which a part may show. None if anything is wrong with them: the bytes of one field may then lie in another, and the
/// last digits of an account be those of a secret.
pub(crate) fn in_place<'r>(raw: &'r [u8], faults: &[Fault]) -> &'r [u8] {
    if faults.is_empty() { raw } else { b"" }
}

/// A field's value, if it holds one: of a confidential field what its class lets through of its bytes in `raw`, unless `unmasked`.
pub(crate) fn shown(field: &Field, raw: &[u8], unmasked: bool) -> Option<String> {
    let text = field.value.as_ref().and_then(value_text)?;
    if field.class == "public" || unmasked {
        return Some(text);
    }
    let size = |bytes: u32| usize::try_from(bytes).unwrap_or(usize::MAX);
    let (start, len) = (size(field.offset), size(field.length));
    let bytes = raw.get(start..start.saturating_add(len));
    // Without the bytes, or of a class that only a newer gateway knows, nothing shows.
    let Some((class, bytes)) = Class::of_word(&field.class).zip(bytes) else { return Some("*".repeat(len.min(64))) };
    Some(masked_by_class(class, Charset::Cp949, bytes).1)
}

/// The answer to `Exchange` as JSON; confidential as [`exchange`].
pub(crate) fn exchange_json(response: &ExchangeResponse, unmasked: bool) -> serde_json::Value {
    let fields: BTreeMap<&String, String> = response
        .fields
        .iter()
        .filter_map(|(name, field)| Some((name, shown(field, in_place(&response.raw, &response.faults), unmasked)?)))
        .collect();
    json!({
        "outcome": outcome_json(response.outcome),
        "cause": reason_json(response.cause),
        "refusal": reason_json(response.refusal),
        "exchange_id": response.exchange_id,
        "state": response.state,
        "telegram_number": response.telegram_number,
        "response_code": response.response_code,
        "response_text": response.response_text,
        "trace_id": response.trace_id,
        "fields": fields,
        "faults": response
            .faults
            .iter()
            .map(|f| json!({ "field": f.field, "offset": f.offset, "rule": f.rule, "text": f.text }))
            .collect::<Vec<_>>(),
    })
}

/// An error as JSON: why the gateway refused (null if it did not, or if that proves nothing), each thing that is wrong, and the whole text.
pub(crate) fn refused_json(status: &Status, refusal: Option<String>) -> serde_json::Value {
    let faults = client::violations(status).into_iter().map(|(field, text)| json!({ "field": field, "text": text }));
    json!({
        "outcome": null,
        "refusal": refusal,
        "faults": faults.collect::<Vec<_>>(),
        "detail": status.message(),
    })
}

/// An error that no gateway told, as [`refused_json`].
pub(crate) fn untold_json(detail: &str) -> serde_json::Value {
    json!({ "outcome": null, "refusal": null, "faults": [], "detail": detail })
}

/// The answer to `Find` as JSON.
pub(crate) fn find_json(response: &FindResponse) -> serde_json::Value {
    let found = match &response.result {
        Some(find_response::Result::Found(found)) => found,
        Some(find_response::Result::NotFound(not_found)) => {
            return json!({ "found": false, "fenced": not_found.fenced });
        }
        None => return json!({ "found": false, "fenced": false }),
    };
    let journal = history_json(&found.history, found.zone_minutes);
    json!({
        "found": true,
        "exchange_id": found.exchange_id,
        "exchange": found.exchange,
        "outcome": outcome_json(found.outcome),
        "cause": reason_json(found.cause),
        "refusal": reason_json(found.refusal),
        "state": found.state,
        "telegram_number": found.telegram_number,
        "trace_id": found.trace_id,
        "journal": journal,
    })
}

/// Null while there is none.
pub(crate) fn outcome_json(number: i32) -> serde_json::Value {
    match Outcome::try_from(number).unwrap_or(Outcome::Unspecified) {
        Outcome::Unspecified => serde_json::Value::Null,
        _ => json!(outcome(number)),
    }
}

/// Null if there is none.
pub(crate) fn reason_json(number: i32) -> serde_json::Value {
    match Reason::try_from(number).unwrap_or(Reason::Unspecified) {
        Reason::Unspecified => serde_json::Value::Null,
        _ => json!(reason(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inquiry_shows_why_it_settled_nothing() {
        let field = |text: &str, class: &str, offset| Field {
            value: Some(Value { kind: Some(value::Kind::Text(text.into())) }),
            class: class.into(),
            offset,
            length: 4,
        };
        let fields = [
            ("credit_account", field("3010", "account", 118)),
            ("proc_result", field("NREC", "public", 187)),
            ("reserved", field("    ", "public", 193)),
        ];
        let mut raw = vec![b' '; 200];
        raw[118..122].copy_from_slice(b"3010");
        let response = ExchangeResponse {
            raw,
            outcome: Outcome::Unknown.into(),
            cause: Reason::UnlistedCode.into(),
            telegram_number: "000004".into(),
            response_code: "QX77".into(),
            fields: fields.clone().map(|(name, field)| (name.to_string(), field)).into(),
            ..ExchangeResponse::default()
        };
        let wanted = [
            "inquiry   UNKNOWN (UNLISTED_CODE)",
            "number    000004",
            "code      QX77 (no table lists it)",
            "  field           value",
            "  credit_account  **10",
            "  proc_result     NREC",
        ];
        assert_eq!(inquiry(&response), wanted);
        // Where something is wrong, the field may hold the bytes of another one.
        let doubtful = ExchangeResponse { faults: vec![Fault::default()], ..response.clone() };
        assert_eq!(inquiry(&doubtful)[4], "  credit_account  ****");
        let [account, ..] = &fields;
        let account = &account.1;
        // Nothing of it shows where it cannot be masked by its class.
        assert_eq!(shown(account, b"", false).as_deref(), Some("****"));
        let newer = Field { class: "card".into(), ..account.clone() };
        assert_eq!(shown(&newer, &response.raw, false).as_deref(), Some("****"));
        assert_eq!(shown(account, b"", true).as_deref(), Some("3010"));
    }

    #[test]
    fn a_moment_says_its_zone() {
        // 2026-11-22 00:30:00.000001 UTC.
        let at = Timestamp { seconds: 1_795_307_400, nanos: 1_000 };
        assert_eq!(moment(Some(&at), 540), "2026-11-22 09:30:00+09:00");
        assert_eq!(rfc_3339(&at, -210), "2026-11-21T21:00:00.000001-03:30");
        assert_eq!(rfc_3339(&at, 0), "2026-11-22T00:30:00.000001+00:00");
        assert_eq!(moment(None, 540), "");
    }
}

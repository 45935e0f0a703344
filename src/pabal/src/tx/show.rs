use clap::Args;
use pabal_front::client;
use pabal_front::proto::search_request::By;
use pabal_front::proto::{Outcome, SearchRequest, ShowRequest, ShowResponse, ShownField, Telegram, TxSummary};
use serde_json::json;

use super::{state, table, to_json};
use crate::byte_table::shortened;
use crate::call::{self, Target};
use crate::print::Form;
use crate::table::{Align, Table};
use crate::{exit, print};

/// Show all that is known of one exchange or notice: its timeline, its telegrams field by field, its inquiries and notices.
///
/// Example: pabal tx show 01a20092-1559-7000-bd64-9e6c46a0a6e4
///
/// Confidential fields are masked unless --unmasked is given; what is secret is not stored, and so never shown. Exit codes: 0 shown, 1 nothing is known,
/// 2 usage, 5 not learnt.
///
/// With --json: summary (keys as those of `tx find`), request and answer (null if there is none; telegram, label, length, response_code, response_text, spec,
/// fields, faults), journal (at, at_us, kind, text), inquiries and notices (as summary). A field has field (null for bytes that no field covers), offset, length, class, raw,
/// value, verdict.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its id
    #[arg(value_parser = call::id)]
    id: String,
    /// The institution; without it all are searched
    #[arg(long)]
    institution: Option<String>,
    /// Show confidential fields too; never do this where others can read
    #[arg(long)]
    unmasked: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl Show {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        self.target.with(None, Form::of(self.json), async |mut client, caller| {
            let institution = match &self.institution {
                Some(name) => name.clone(),
                None => {
                    let by = Some(By::Id(self.id.clone()));
                    let message = SearchRequest { institution: String::new(), by, max: 1 };
                    match client.control.search(client::request(message, Some(&caller), None, None)?).await {
                        Ok(found) => match found.into_inner().found.pop() {
                            Some(tx) => tx.institution,
                            None => return Ok(self.unknown()),
                        },
                        Err(status) => return Ok(print::unanswered(&status, &self.target, Form::of(self.json))),
                    }
                }
            };
            let message = ShowRequest { institution, id: self.id.clone(), unmasked: self.unmasked };
            let response = match client.control.show(client::request(message, Some(&caller), None, None)?).await {
                Ok(response) => response.into_inner(),
                Err(status) => return Ok(print::unanswered(&status, &self.target, Form::of(self.json))),
            };
            let Some(summary) = &response.summary else { return Ok(self.unknown()) };
            if self.json {
                print::json(&whole_json(summary, &response))?;
            } else {
                for line in whole(summary, &response) {
                    out!("{line}");
                }
            }
            Ok(exit::DONE)
        })
    }

    fn unknown(&self) -> u8 {
        let detail = format!("nothing is known of {}", self.id);
        Form::of(self.json).error(&print::untold_json(&detail));
        err!("{detail}");
        exit::FAILURE
    }
}

fn whole(tx: &TxSummary, response: &ShowResponse) -> Vec<String> {
    let mut lines = head(tx);
    lines.extend(print::history(&response.history));
    for (caption, telegram) in [("request", &response.request), ("answer", &response.answer)] {
        if let Some(telegram) = telegram {
            lines.push(String::new());
            lines.extend(telegram_lines(caption, telegram));
        }
    }
    for (caption, list) in [("inquiries", &response.inquiries), ("notices", &response.notices)] {
        if !list.is_empty() {
            lines.push(String::new());
            lines.push(caption.into());
            lines.extend(table(list).lines().into_iter().map(|line| format!("  {line}")));
        }
    }
    lines
}

fn head(tx: &TxSummary) -> Vec<String> {
    let when = print::moment(tx.accepted_at.as_ref(), tx.zone_minutes);
    let (word, accepted) = if tx.kind == "notice" { ("notice", "received") } else { ("exchange", "accepted") };
    let mut lines = vec![
        format!("{word:<13}{} ({} {})", tx.id, tx.institution, tx.name),
        format!("{:<13}{}", "state", tx.state),
        format!("{accepted:<13}{when}"),
    ];
    if tx.outcome() != Outcome::Unspecified {
        lines.insert(1, format!("{:<13}{}", "outcome", state(tx)));
    }
    let key = match (&*tx.caller, &*tx.idempotency_key) {
        ("", _) => String::new(),
        (caller, "") => caller.into(),
        (caller, key) => format!("{caller}, key {key}"),
    };
    for (name, text) in [
        ("origin", &tx.origin),
        ("caller", &key),
        ("party", &tx.party),
        ("participant", &tx.participant),
        ("number", &tx.number),
        ("key", &tx.institution_key),
        ("trace", &tx.trace_id),
        ("about", &tx.parent_id),
    ] {
        if !text.is_empty() {
            lines.push(format!("{name:<13}{text}"));
        }
    }
    if !tx.next_step.is_empty() {
        let when = match print::moment(tx.next_at.as_ref(), tx.zone_minutes) {
            when if when.is_empty() => String::new(),
            when => format!(" at {when}"),
        };
        lines.push(format!("{:<13}{}{when}, by the {}", "next", tx.next_step, tx.owner));
    }
    lines
}

fn telegram_lines(caption: &str, telegram: &Telegram) -> Vec<String> {
    if telegram.telegram.is_empty() {
        return vec![format!(
            "{caption:<13}{} bytes; the version of the spec that reads them is not kept any more",
            telegram.length
        )];
    }
    let mut lines = vec![format!("{caption:<13}{} {:?}, {} bytes", telegram.telegram, telegram.label, telegram.length)];
    if !telegram.response_code.is_empty() {
        let text = if telegram.response_text.is_empty() { "(no table lists it)" } else { &telegram.response_text };
        lines.push(format!("{:<13}{} {text}", "code", telegram.response_code));
    }
    let mut table = Table::new(&[
        ("off", Align::Right),
        ("len", Align::Right),
        ("field", Align::Left),
        ("raw", Align::Left),
        ("value", Align::Left),
        ("verdict", Align::Left),
    ]);
    for row in &telegram.fields {
        table.row(vec![
            row.offset.to_string(),
            row.length.to_string(),
            super::or_dash(&row.field),
            shortened(&row.raw),
            row.value.clone(),
            row.verdict.clone(),
        ]);
    }
    lines.extend(table.lines().into_iter().map(|line| format!("  {line}")));
    lines.extend(telegram.faults.iter().map(|fault| format!("{:<13}{}", "fault", fault.text)));
    lines
}

fn whole_json(tx: &TxSummary, response: &ShowResponse) -> serde_json::Value {
    let list = |list: &[TxSummary]| list.iter().map(to_json).collect::<Vec<_>>();
    json!({
        "summary": to_json(tx),
        "request": response.request.as_ref().map(telegram_json),
        "answer": response.answer.as_ref().map(telegram_json),
        "journal": print::history_json(&response.history, tx.zone_minutes),
        "inquiries": list(&response.inquiries),
        "notices": list(&response.notices),
    })
}

fn telegram_json(telegram: &Telegram) -> serde_json::Value {
    let field = |row: &ShownField| {
        json!({
            "field": if row.field.is_empty() { None } else { Some(&row.field) },
            "offset": row.offset,
            "length": row.length,
            "class": row.class,
            "raw": row.raw,
            "value": row.value,
            "verdict": row.verdict,
        })
    };
    let faults = telegram.faults.iter();
    json!({
        "telegram": telegram.telegram,
        "label": telegram.label,
        "length": telegram.length,
        "response_code": telegram.response_code,
        "response_text": telegram.response_text,
        "spec": telegram.spec_digest,
        "fields": telegram.fields.iter().map(field).collect::<Vec<_>>(),
        "faults": faults
            .map(|f| json!({ "field": f.field, "offset": f.offset, "rule": f.rule, "text": f.text }))
            .collect::<Vec<_>>(),
    })
}

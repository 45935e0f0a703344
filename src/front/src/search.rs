//! Exchanges and notices that operators look for, and look at.

use pabal_gateway::{
    Handle, HistoryLine, SEARCH_MAX, Search, SearchBy, Searched, Stored, TxDetail, TxSummary, UnclaimedTelegram,
};
use pabal_spec::{Exposure, ShownRow};
use pabal_switch::OpenNotice;
use pabal_telegram::Telegram;
use prost::Message;

use crate::answer::{self, ENTRY_BYTES};
use crate::exchange::{IDEMPOTENCY_KEY_BYTES_MAX, exchange_id};
use crate::proto::search_request::By;
use crate::proto::{
    self, Fault, HistoryEntry, SearchRequest, SearchResponse, ShowResponse, ShownField, UnclaimedResponse,
};
use crate::refused::Refused;
use crate::trace::id_of;

/// How many are told if the question does not say.
const FOUND_DEFAULT: usize = 100;

/// Bytes of what is looked for.
const TERM_BYTES_MAX: usize = 256;

/// What the gateway is asked.
pub(crate) fn search(request: SearchRequest) -> Result<Search, Refused> {
    let institution = request.institution;
    let wrong = |field: &str, fix: String| Refused::invalid(&institution, field, fix);
    let term = |field: &str, text: String| {
        if text.is_empty() || text.len() > TERM_BYTES_MAX {
            return Err(wrong(field, format!("{} bytes; give 1 to {TERM_BYTES_MAX}", text.len())));
        }
        Ok(text)
    };
    let by = match request.by {
        None => return Err(wrong("by", "none; give one of them".to_owned())),
        Some(By::Id(id)) => SearchBy::Exchange(exchange_id(&institution, &id)?),
        Some(By::IdempotencyKey(key)) if key.key.is_empty() || key.key.len() > IDEMPOTENCY_KEY_BYTES_MAX => {
            let fix = format!("{} bytes; give 1 to {IDEMPOTENCY_KEY_BYTES_MAX}", key.key.len());
            return Err(wrong("idempotency_key", fix));
        }
        Some(By::IdempotencyKey(key)) => {
            SearchBy::IdempotencyKey { caller: (!key.caller.is_empty()).then_some(key.caller), key: key.key }
        }
        Some(By::InstitutionKey(key)) => SearchBy::InstitutionKey(term("institution_key", key)?),
        Some(By::Number(number)) => SearchBy::Number(term("number", number)?),
        Some(By::TraceId(id)) => SearchBy::Trace(
            trace(&id).ok_or_else(|| wrong("trace_id", "not a trace id; give 32 hexadecimal digits".to_owned()))?,
        ),
        Some(By::Unresolved(_)) => SearchBy::Unresolved,
    };
    let max = match usize::try_from(request.max).unwrap_or(usize::MAX) {
        0 => FOUND_DEFAULT,
        max => max.min(SEARCH_MAX),
    };
    Ok(Search { institution: (!institution.is_empty()).then_some(institution), by, max })
}

/// A trace id as the journal writes it, or a `traceparent`, of which the id is taken.
fn trace(text: &str) -> Option<String> {
    const DIGITS: usize = 32;
    let id = id_of(text).to_ascii_lowercase();
    (id.len() == DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

pub(crate) fn response(handle: &Handle, found: Searched) -> SearchResponse {
    SearchResponse { more: found.more, found: found.found.into_iter().map(|tx| summary(handle, tx)).collect() }
}

pub(crate) fn unclaimed(handle: &Handle, found: Vec<UnclaimedTelegram>) -> UnclaimedResponse {
    let one = |one: UnclaimedTelegram| proto::UnclaimedTelegram {
        zone_minutes: handle.zone(&one.institution).seconds() / 60,
        institution: one.institution,
        at: Some(answer::timestamp(one.at.as_unix_micros())),
        line: one.line,
        slot: one.slot.into(),
        epoch: one.epoch,
        reason: one.reason,
        length: u64::try_from(one.length).unwrap_or(u64::MAX),
        near_id: one.near.map(|near| near.to_string()).unwrap_or_default(),
    };
    UnclaimedResponse { unclaimed: found.into_iter().map(one).collect() }
}

pub(crate) fn open_notices(
    handle: &Handle,
    notices: Vec<(String, OpenNotice)>,
    more: bool,
) -> proto::OpenNoticesResponse {
    let now = handle.now();
    let one = |(institution, one): (String, OpenNotice)| proto::OpenNotice {
        zone_minutes: handle.zone(&institution).seconds() / 60,
        institution,
        notice_id: one.notice.to_string(),
        name: one.rule.into(),
        number: one.number,
        participant: one.participant.readable(),
        line: one.line.map(String::from).unwrap_or_default(),
        received_at: Some(answer::timestamp(one.received_at.as_unix_micros())),
        delivered: one.is_delivered,
        reply: one.state.word().to_owned(),
        reply_text: one.state.sentence().to_owned(),
        reply_left: one.reply_until.map(|at| answer::duration(at.since(now.mono))),
    };
    proto::OpenNoticesResponse { notices: notices.into_iter().map(one).collect(), more }
}

/// What began as a notice.
const NOTICE: &str = "notice";

fn summary(handle: &Handle, tx: TxSummary) -> proto::TxSummary {
    let (outcome, cause, refusal) = tx.outcome.map_or_else(Default::default, answer::outcome);
    let (next_step, next_at, owner) = match tx.next {
        None => (String::new(), None, ""),
        Some(next) => {
            let owner = if next.by_hand { "operator" } else { "gateway" };
            (next.text, next.at.map(|at| answer::timestamp(at.as_unix_micros())), owner)
        }
    };
    let zone_minutes = handle.zone(&tx.institution).seconds() / 60;
    proto::TxSummary {
        zone_minutes,
        institution: tx.institution,
        id: tx.exchange.to_string(),
        kind: if tx.origin == NOTICE { NOTICE } else { "exchange" }.to_owned(),
        name: tx.rule,
        origin: tx.origin,
        caller: tx.caller,
        idempotency_key: tx.idempotency_key.unwrap_or_default(),
        party: tx.party.unwrap_or_default(),
        participant: tx.participant.unwrap_or_default(),
        state: tx.state,
        outcome: outcome.into(),
        cause: cause.into(),
        refusal: refusal.into(),
        number: tx.number.unwrap_or_default(),
        institution_key: tx.key.unwrap_or_default(),
        trace_id: tx.trace.as_deref().map(id_of).unwrap_or_default().to_owned(),
        accepted_at: Some(answer::timestamp(tx.accepted_at.as_unix_micros())),
        next_step,
        next_at,
        owner: owner.to_owned(),
        parent_id: tx.parent.map(|parent| parent.to_string()).unwrap_or_default(),
    }
}

/// Everything about one of them. Confidential fields are masked unless `unmasked`.
pub(crate) fn detail(handle: &Handle, detail: TxDetail, unmasked: bool) -> ShowResponse {
    ShowResponse {
        request: detail.request.map(|stored| telegram(&stored, &detail.summary.rule, unmasked)),
        answer: detail.answer.map(|stored| telegram(&stored, &detail.summary.rule, unmasked)),
        summary: Some(summary(handle, detail.summary)),
        history: detail.history.into_iter().map(entry).collect(),
        inquiries: detail.inquiries.into_iter().map(|tx| summary(handle, tx)).collect(),
        notices: detail.notices.into_iter().map(|tx| summary(handle, tx)).collect(),
    }
}

fn entry(line: HistoryLine) -> HistoryEntry {
    HistoryEntry { at: Some(answer::timestamp(line.at.as_unix_micros())), kind: line.kind, text: line.text }
}

fn telegram(stored: &Stored, exchange: &str, unmasked: bool) -> proto::Telegram {
    let bytes = &stored.telegram;
    let mut shown = proto::Telegram {
        length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        raw: if unmasked { bytes.clone() } else { Vec::new() },
        ..proto::Telegram::default()
    };
    let Some((protocol, id)) = &stored.reading else { return shown };
    let layout = protocol.catalog.layout(*id);
    let telegram = Telegram::new(layout, bytes, protocol.side(*id, bytes));
    let exposure = Exposure::new(telegram, protocol, unmasked).stored();
    shown.telegram = layout.name().to_owned();
    shown.label = layout.label().to_owned();
    shown.fields = fields(exposure.rows(telegram));
    let faults = exposure.faults(telegram);
    let faults = faults.iter().map(|fault| Fault { text: exposure.fault(fault), ..answer::fault(fault) });
    shown.faults = answer::faults(&telegram, faults);
    shown.spec_digest = protocol.digest.to_string();
    let rules = &protocol.rules;
    if let Some(code) = rules.response_code.of(bytes) {
        let participant = rules.participant.as_ref().and_then(|(_, at)| at.of(bytes)).unwrap_or_default();
        shown.response_code = answer::code_text(rules, layout, code);
        shown.response_text = rules.verdicts.text(participant, exchange, code).unwrap_or_default().to_owned();
    }
    shown
}

/// Bytes that the fields of one telegram may have where two are shown: see [`answer::fields`].
const SHOWN_BYTES_MAX: usize = 1_024 * 1_024;

/// As many as may be shown, and how many are not.
fn fields(rows: Vec<ShownRow<'_>>) -> Vec<ShownField> {
    let mut left = SHOWN_BYTES_MAX;
    let mut shown = Vec::new();
    let all = rows.len();
    for row in rows {
        let field = field(row);
        match left.checked_sub(field.encoded_len() + ENTRY_BYTES) {
            Some(rest) => left = rest,
            None => {
                let verdict = format!("{} more fields are too long to be shown", all - shown.len());
                shown.push(ShownField { offset: field.offset, verdict, ..ShownField::default() });
                break;
            }
        }
        shown.push(field);
    }
    shown
}

fn field(row: ShownRow<'_>) -> ShownField {
    ShownField {
        field: row.cell.map(|cell| cell.path().to_string()).unwrap_or_default(),
        offset: row.offset,
        length: row.len,
        class: row.cell.map(|cell| cell.field.class.word().to_owned()).unwrap_or_default(),
        raw: row.raw,
        value: row.value.trim_end().to_owned(),
        verdict: row.verdict,
    }
}

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use pabal_gateway::{Answer, Found};
use pabal_spec::Rules;
use pabal_switch::{Cause, Outcome, Plan};
use pabal_telegram::{Fault, Field, Layout, Side, Slice, Slots, Telegram, ValueRef};
use prost::Message;

use crate::proto;
use crate::trace::{Trace, id_of};
use crate::value;

/// What the caller hears. The answer's bytes are read here, on the caller's own task: a fault in a field hides neither the outcome nor
/// the other fields.
pub(crate) fn response(answer: &Answer, trace: &Trace) -> proto::ExchangeResponse {
    let (outcome, cause, refusal) = outcome(answer.outcome);
    let mut response = proto::ExchangeResponse {
        exchange_id: answer.exchange.to_string(),
        outcome: outcome.into(),
        cause: cause.into(),
        refusal: refusal.into(),
        raw: answer.telegram.as_deref().unwrap_or_default().to_vec(),
        telegram_number: answer.number.clone().unwrap_or_default(),
        trace_id: answer.trace.as_deref().map_or_else(|| trace.id().to_string(), |parent| id_of(parent).to_owned()),
        state: answer.state.clone(),
        ..proto::ExchangeResponse::default()
    };
    if let (Some(bytes), Some(plan)) = (&answer.telegram, &answer.plan) {
        read_answer(bytes, plan, &mut response);
    }
    response
}

/// What the caller hears if the gateway's own work on its call broke down: a byte may have left, and nobody can say more.
pub(crate) fn broken(trace: &Trace) -> proto::ExchangeResponse {
    let (outcome, cause, _) = outcome(Outcome::Unknown { cause: Cause::Restarted });
    proto::ExchangeResponse {
        outcome: outcome.into(),
        cause: cause.into(),
        trace_id: trace.id().to_string(),
        state: pabal_switch::ExchangeState::Unknown.word().to_owned(),
        ..proto::ExchangeResponse::default()
    }
}

/// A response code as text, in the charset of its field.
pub(crate) fn code_text(rules: &Rules, layout: &Layout, code: &[u8]) -> String {
    let field = layout.head().iter().find(|field| field.at == rules.response_code);
    let text = field.and_then(|field| field.charset.decode.decode(code).ok());
    text.unwrap_or_else(|| String::from_utf8_lossy(code)).trim_end().to_owned()
}

fn read_answer(bytes: &[u8], plan: &Plan, response: &mut proto::ExchangeResponse) {
    let rules = &plan.protocol.rules;
    response.spec_digest = plan.protocol.digest.to_string();
    (response.fields, response.faults) = fields(&Telegram::new(plan.answer_layout(), bytes, Side::Answerer));
    if let Some(code) = rules.response_code.of(bytes) {
        let participant = rules.participant.as_ref().and_then(|(_, at)| at.of(bytes)).unwrap_or_default();
        response.response_code = code_text(rules, plan.answer_layout(), code);
        response.response_text =
            rules.verdicts.text(participant, &plan.exchange().name, code).unwrap_or_default().to_owned();
    }
}

thread_local! {
    /// As large as the largest telegram that the thread has read.
    static SLOTS: Cell<Slots> = Cell::default();
}

/// Faults of one telegram that are told: what breaks in each of thousands of occurrences breaks in these.
const FAULTS_MAX: usize = 256;

/// Bytes that those may have in an answer.
const FAULTS_BYTES_MAX: usize = 512 * 1_024;

/// Bytes that a telegram and its fields may have in an answer. With its faults it stays below the 4 MiB that clients take unless they are told
/// otherwise: they would see an error where there is an outcome.
const FIELDS_BYTES_MAX: usize = 3 * 1_024 * 1_024;

/// The rule of the fault that says what was left out.
const LEFT_OUT: &str = "MORE";

/// The fields that can be read, unmasked, by path; and what is wrong with the others, masked. What would be too long is left out, and counted in
/// the last fault.
pub(crate) fn fields(telegram: &Telegram<'_, '_>) -> (BTreeMap<String, proto::Field>, Vec<proto::Fault>) {
    let left = FIELDS_BYTES_MAX.saturating_sub(telegram.bytes().len());
    let mut read = Read { left, fields: BTreeMap::new(), left_out: 0 };
    let mut told;
    if telegram.layout().is_fixed() {
        let mut slots = SLOTS.take();
        let reading = telegram.read_text_into(&mut slots);
        for (_, field, value) in reading.fields() {
            read.add(field.path.to_string(), read_field(&value, field, field.at));
        }
        told = faults(telegram, reading.faults().iter().map(fault));
        SLOTS.set(slots);
    } else {
        for (cell, value) in telegram.cells() {
            let Ok(value) = value else { continue };
            read.add(cell.path().to_string(), read_field(&value, cell.field, cell.at));
        }
        told = faults(telegram, telegram.faults().iter().map(fault));
    }
    if read.left_out > 0 {
        let text = format!("{} more fields make the answer too long; `raw` has all bytes", read.left_out);
        told.push(more(telegram, text));
    }
    (read.fields, told)
}

/// Fields up to the first that makes the answer too long.
struct Read {
    /// Bytes that more of them may have.
    left: usize,
    fields: BTreeMap<String, proto::Field>,
    left_out: usize,
}

impl Read {
    fn add(&mut self, path: String, field: proto::Field) {
        match self.left.checked_sub(field.encoded_len() + path.len() + ENTRY_BYTES) {
            Some(left) if self.left_out == 0 => {
                self.left = left;
                self.fields.insert(path, field);
            }
            _ => self.left_out += 1,
        }
    }
}

fn read_field(value: &ValueRef<'_>, field: &Field, at: Slice) -> proto::Field {
    proto::Field {
        value: Some(value::to_proto(value)),
        class: field.class.word().to_owned(),
        offset: at.offset,
        length: at.len,
    }
}

/// Bytes around an entry of a list or map, at most: tags and lengths.
pub(crate) const ENTRY_BYTES: usize = 16;

/// As many as may be told, and how many are not.
pub(crate) fn faults(telegram: &Telegram<'_, '_>, all: impl Iterator<Item = proto::Fault>) -> Vec<proto::Fault> {
    let mut left = FAULTS_BYTES_MAX;
    let mut told = Vec::new();
    let mut left_out = 0_usize;
    for fault in all {
        match left.checked_sub(fault.encoded_len() + ENTRY_BYTES) {
            Some(rest) if left_out == 0 && told.len() < FAULTS_MAX => {
                left = rest;
                told.push(fault);
            }
            _ => left_out += 1,
        }
    }
    if left_out > 0 {
        told.push(more(
            telegram,
            format!("{left_out} more faults are not told; what is wrong with the first is wrong with most"),
        ));
    }
    told
}

fn more(telegram: &Telegram<'_, '_>, text: String) -> proto::Fault {
    let (field, length) = (telegram.layout().name().to_owned(), telegram.layout().len());
    proto::Fault { field, offset: 0, length, rule: LEFT_OUT.to_owned(), text: format!("{LEFT_OUT} {text}") }
}

pub(crate) fn fault(fault: &Fault) -> proto::Fault {
    proto::Fault {
        field: fault.field.to_string(),
        offset: fault.offset,
        length: fault.len,
        rule: fault.code().to_owned(),
        text: fault.to_string(),
    }
}

pub(crate) fn outcome(outcome: Outcome) -> (proto::Outcome, proto::Reason, proto::Reason) {
    let (word, refusal) = match outcome {
        Outcome::Success { .. } => (proto::Outcome::Success, None),
        Outcome::Failure { refusal, .. } => (proto::Outcome::Failure, refusal),
        Outcome::Unknown { .. } => (proto::Outcome::Unknown, None),
    };
    (word, outcome.cause().into(), refusal.map_or(proto::Reason::Unspecified, Into::into))
}

/// What `Find` says, of an institution whose zone is so many minutes east of UTC.
pub(crate) fn found(found: Found, zone_minutes: i32) -> proto::FindResponse {
    let result = match found {
        Found::NotFound { fenced } => proto::find_response::Result::NotFound(proto::NotFound { fenced }),
        Found::Exchange { exchange, state, outcome: became, rule, telegram, number, trace, history } => {
            let (became, cause, refusal) = became.map_or_else(Default::default, outcome);
            proto::find_response::Result::Found(proto::FoundExchange {
                exchange_id: exchange.to_string(),
                exchange: rule,
                state,
                outcome: became.into(),
                cause: cause.into(),
                refusal: refusal.into(),
                raw: telegram.unwrap_or_default(),
                telegram_number: number.unwrap_or_default(),
                trace_id: trace.as_deref().map(id_of).unwrap_or_default().to_owned(),
                history: history.into_iter().map(entry).collect(),
                zone_minutes,
            })
        }
    };
    proto::FindResponse { result: Some(result) }
}

fn entry((unix_micros, kind, text): (i64, String, String)) -> proto::HistoryEntry {
    proto::HistoryEntry { at: Some(timestamp(unix_micros)), kind, text }
}

/// An instant in microseconds since 1970.
pub(crate) fn timestamp(unix_micros: i64) -> prost_types::Timestamp {
    const MICROS: i64 = 1_000_000;
    let nanos = i32::try_from(unix_micros.rem_euclid(MICROS) * 1_000).unwrap_or_default();
    prost_types::Timestamp { seconds: unix_micros.div_euclid(MICROS), nanos }
}

/// A span; one that protobuf cannot tell is told as the longest that it can.
pub(crate) fn duration(span: Duration) -> prost_types::Duration {
    // 10,000 years, as protobuf's own comment says.
    const SECONDS_MAX: i64 = 315_576_000_000;
    let seconds = i64::try_from(span.as_secs()).unwrap_or(SECONDS_MAX).min(SECONDS_MAX);
    prost_types::Duration { seconds, nanos: i32::try_from(span.subsec_nanos()).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pabal_switch::{ExchangeId, Refusal};
    use tonic::metadata::MetadataMap;

    use super::*;

    fn answer(outcome: Outcome) -> Answer {
        Answer {
            exchange: ExchangeId(1),
            outcome,
            telegram: None,
            plan: None,
            number: None,
            trace: None,
            state: "finished".into(),
        }
    }

    #[test]
    fn every_outcome_has_its_cause() {
        let trace = Trace::of(&MetadataMap::new());
        let check = |became: Outcome, refusal: proto::Reason| {
            let response = response(&answer(became), &trace);
            assert_eq!(response.outcome().as_str_name(), format!("OUTCOME_{}", became.word()));
            assert_eq!(response.cause().word(), became.cause().word());
            assert_eq!(response.refusal(), refusal);
            assert_eq!(response.trace_id, trace.id().to_string());
        };
        check(Outcome::Success { cause: Cause::Answered }, proto::Reason::Unspecified);
        check(Outcome::Failure { cause: Cause::Refused, refusal: None }, proto::Reason::Unspecified);
        check(Outcome::Failure { cause: Cause::NotSent, refusal: Some(Refusal::Abandoned) }, proto::Reason::Abandoned);
        check(Outcome::Unknown { cause: Cause::NoAnswer }, proto::Reason::Unspecified);
    }

    /// The exchange of the shipped spec, and a sample of its answer: a 300-byte telegram behind its length prefix of 4 digits.
    fn transfer() -> (Arc<Plan>, Vec<u8>) {
        let hecto = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto");
        let text = |name: &str| std::fs::read_to_string(hecto.join(name)).expect("shipped");
        let sources = ["firmbanking.spec", "codes.csv"]
            .map(|name| pabal_spec::Source { name: name.to_owned(), text: text(name) });
        let institution = pabal_spec::load(&sources).expect("it is right").institution;
        let protocol = institution.protocols[0].clone();
        let rule = protocol.rules.exchanges.iter().position(|rule| &*rule.name == "transfer").expect("it has one");
        let rule = pabal_spec::ExchangeRuleId(u16::try_from(rule).expect("few"));
        let sample = text("samples/transfer_answer_success.toml");
        let digits: String = sample.lines().filter_map(|line| line.strip_prefix("  \"")?.split('"').next()).collect();
        let wire = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex"));
        (Arc::new(Plan::new(protocol, rule)), wire.skip(4).collect())
    }

    fn answered(bytes: &[u8], plan: Arc<Plan>) -> proto::ExchangeResponse {
        let answer = Answer {
            telegram: Some(bytes.into()),
            plan: Some(plan),
            ..answer(Outcome::Success { cause: Cause::Answered })
        };
        response(&answer, &Trace::of(&MetadataMap::new()))
    }

    #[test]
    fn an_answer_is_read_by_its_layout() {
        use crate::proto::value::Kind;
        let (plan, bytes) = transfer();
        let digest = plan.protocol.digest.to_string();
        let response = answered(&bytes, plan);
        assert_eq!((&*response.response_code, &*response.response_text), ("0000", "정상처리"));
        assert_eq!((response.faults.len(), &response.raw, response.spec_digest), (0, &bytes, digest));
        let kind = |field: &str| response.fields[field].value.clone().and_then(|value| value.kind);
        // As the document has them: 은행코드 is a code and keeps its zero, 출금후잔액 a number of 13 digits, 통장비밀번호 is the asker's.
        assert_eq!(kind("bank_code"), Some(Kind::Text("088".into())));
        assert_eq!(kind("balance_after"), Some(Kind::Int64(1_250_300)));
        assert_eq!(kind("passbook_pin"), Some(Kind::Null(proto::Null {})));
        let balance = &response.fields["balance_after"];
        assert_eq!((&*balance.class, balance.offset, balance.length), ("public", 143, 13));
    }

    #[test]
    fn a_fault_hides_neither_the_outcome_nor_other_fields() {
        let (plan, mut bytes) = transfer();
        bytes[143..146].copy_from_slice(b"1,2");
        let response = answered(&bytes, plan.clone());
        assert_eq!((response.outcome(), &*response.response_code), (proto::Outcome::Success, "0000"));
        let faults: Vec<_> = response.faults.iter().map(|fault| (&*fault.field, fault.offset, &*fault.rule)).collect();
        assert_eq!(faults, [("balance_after", 143, "T02")]);
        assert!(!response.fields.contains_key("balance_after") && response.fields.contains_key("fee"));
        assert_eq!(response.raw, bytes);

        // Cut short behind the response code: what is there is read, and what is not is told.
        let response = answered(&bytes[..60], plan);
        assert_eq!((&*response.response_code, response.fields.contains_key("fee")), ("0000", false));
        assert!(response.faults.iter().any(|fault| fault.rule == "T01"), "{:?}", response.faults);
    }

    /// A telegram of one-byte fields in a repeat, and how many of them.
    fn many(times: usize, byte: u8) -> (Arc<pabal_spec::Layouts>, Vec<u8>) {
        let spec = "institution i \"가\"\nlayouts l {\n charset cp949\n unset 9 zero X space\n}\ntelegram t \"가\" 1..60001 {\n kind X(1) by \
                    both public\n repeat segments until end max 60000 {\n a_digit_of_the_segment code(1) by both public\n }\n}\n";
        let loaded = pabal_spec::load(&[pabal_spec::Source { name: "i.spec".into(), text: spec.into() }]);
        let layouts = loaded.unwrap_or_else(|found| panic!("{found:#?}")).institution.layouts[0].clone();
        (layouts, vec![byte; times + 1])
    }

    /// As long as tonic's clients, grpc-java's and grpc-go's take.
    const CLIENT_BYTES_MAX: usize = 4 * 1_024 * 1_024;

    #[test]
    fn an_answer_of_many_faults_is_no_longer_than_a_client_takes() {
        for (times, faults_told) in [(256, 256), (257, 257), (60_000, 257)] {
            let (layouts, bytes) = many(times, b'x');
            let telegram = Telegram::new(&layouts.catalog.layouts[0], &bytes, Side::Asker);
            let (fields, faults) = fields(&telegram);
            assert_eq!((fields.len(), faults.len()), (1, faults_told), "{times}");
            let last = faults.last().expect("some");
            assert_eq!(last.rule == "MORE", times > 256, "{times}: {}", last.text);
            if times == 60_000 {
                // 60,000 without the 256.
                assert!(last.text.starts_with("MORE 59744 more faults"), "{}", last.text);
            }
        }
    }

    #[test]
    fn an_answer_of_many_fields_is_no_longer_than_a_client_takes() {
        let (layouts, bytes) = many(60_000, b'7');
        let telegram = Telegram::new(&layouts.catalog.layouts[0], &bytes, Side::Asker);
        let (fields, faults) = fields(&telegram);
        let told = fields.len();
        let response = proto::ExchangeResponse { fields, faults, raw: bytes.clone(), ..Default::default() };
        let length = response.encoded_len();
        assert!((CLIENT_BYTES_MAX / 2..CLIENT_BYTES_MAX).contains(&length), "{length} bytes, {told} fields");
        let [left_out] = &*response.faults else { panic!("{:?}", response.faults) };
        // The first field is `kind`; those that are told are the first, and the fault counts the others.
        assert_eq!(
            left_out.text,
            format!("MORE {} more fields make the answer too long; `raw` has all bytes", 60_001 - told)
        );
        assert!(response.fields.contains_key(&format!("segments[{}].a_digit_of_the_segment", told - 2)));
        // Of one that is short enough all are told.
        let telegram = Telegram::new(&layouts.catalog.layouts[0], &bytes[..1_001], Side::Asker);
        let (fields, faults) = super::fields(&telegram);
        assert_eq!((fields.len(), faults.len()), (1_001, 0));
    }

    #[test]
    fn bytes_are_returned_even_if_the_version_that_reads_them_is_gone() {
        let bytes: Arc<[u8]> = (*b"\xff\x00").into();
        let answer = Answer { telegram: Some(bytes), ..answer(Outcome::Unknown { cause: Cause::Unreadable }) };
        let response = response(&answer, &Trace::of(&MetadataMap::new()));
        assert_eq!((&*response.raw, response.fields.len()), (&b"\xff\x00"[..], 0));
    }

    #[test]
    fn work_that_broke_down_is_unknown() {
        let response = broken(&Trace::of(&MetadataMap::new()));
        assert_eq!((response.outcome(), response.cause()), (proto::Outcome::Unknown, proto::Reason::Restarted));
    }

    #[test]
    fn an_exchange_without_an_outcome_says_so() {
        let known = Found::Exchange {
            exchange: ExchangeId(1),
            state: "sent".into(),
            outcome: None,
            rule: "transfer".into(),
            telegram: None,
            number: Some("17".into()),
            trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
            history: vec![(-1, "accepted".into(), "taken in".into())],
        };
        let Some(proto::find_response::Result::Found(known)) = found(known, 540).result else { panic!("it is known") };
        assert_eq!((known.outcome(), known.cause()), (proto::Outcome::Unspecified, proto::Reason::Unspecified));
        assert_eq!(known.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        // A microsecond before 1970.
        let at = known.history[0].at.expect("always set");
        assert_eq!((at.seconds, at.nanos), (-1, 999_999_000));
    }
}

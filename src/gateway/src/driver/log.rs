//! A line of the log for every entry that has become durable: told by a task of its own, so that a slow log slows nothing else.
//!
//! Each line has a stable `event` (family and kind of the entry), and the `trace_id` of what it is about, so that all lines of one request
//! are found by it: also those of an answer that came by another session, late, after a restart, or by an inquiry. No content of a
//! telegram is in it; at level DEBUG there is one more line with the fields of the telegram, masked by their classes.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use pabal_journal::{BorrowedColumns, Draft, Packed};
use pabal_spec::{Answered, Exposure, Protocol, Shown, TelegramId};
use pabal_switch::entry::{About, Frame, NoticeReplied, Origin};
use pabal_switch::{Cause, Entry, GapEnd, Outcome};
use pabal_telegram::{Side, Telegram, masked};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::acks::Acks;
use super::own::Own;
use crate::versions::Versions;

/// Batches whose lines may wait; of more, the lines are dropped and counted. They are in the journal all the same.
const BATCHES_MAX: usize = 10_000;

/// The event of an operator's command.
const COMMANDED: &str = "switch.commanded";
/// The event of what is replied to a notice.
const REPLIED: &str = "switch.notice_replied";

/// Takes what is appended, and writes it when it is durable.
pub(super) struct Log {
    versions: Arc<Versions>,
    lines: mpsc::Sender<Appended>,
    dropped: u64,
}

/// The lines of a batch, which is the `count`th.
struct Appended {
    count: u64,
    lines: Vec<Line>,
    dropped: u64,
}

struct Line {
    event: String,
    rule: Option<Box<str>>,
    columns: Packed,
    /// Why an operator did it.
    reason: Option<String>,
    /// What an operator's command is about.
    target: Option<String>,
    /// What a notice is replied with.
    code: Option<String>,
    /// How long a service has to reply to a notice, if that is the spec's code for when none does.
    unreplied_for: Option<Duration>,
    is_grave: bool,
    is_detail: bool,
    /// The telegram's fields, masked.
    content: Option<String>,
}

impl Log {
    pub(super) fn start(institution: String, versions: Arc<Versions>, acks: Arc<Acks>) -> (Self, JoinHandle<()>) {
        let (lines, received) = mpsc::channel(BATCHES_MAX);
        let written = tokio::spawn(write(institution, acks, received));
        (Self { versions, lines, dropped: 0 }, written)
    }

    /// The lines of drafts that are about to be appended; of the core's, with their entries.
    pub(super) fn lines(&self, entries: &[Entry], drafts: &[Draft<Packed>]) -> Lines {
        if !tracing::enabled!(tracing::Level::INFO) {
            return Lines(Vec::new());
        }
        let entries = entries.iter().map(Some).chain(std::iter::repeat(None));
        // Of a session the observer tells each change, once; only some of them are entries.
        let told = drafts.iter().zip(entries).filter(|(_, entry)| !matches!(entry, Some(Entry::Session(_))));
        Lines(told.map(|(draft, entry)| self.line(draft, entry)).collect())
    }

    fn line(&self, draft: &Draft<Packed>, entry: Option<&Entry>) -> Line {
        let about = entry.and_then(about);
        let rule = match entry {
            Some(Entry::NoticeReceived(received)) => Some(received.about.rule.clone()),
            Some(Entry::NoticeReplied(replied)) => replied.about.as_ref().map(|about| about.rule.clone()),
            Some(Entry::NoticeDelivered(delivered)) => delivered.about.as_ref().map(|about| about.rule.clone()),
            Some(Entry::NoticeJoined(joined)) => joined.about.as_ref().map(|about| about.rule.clone()),
            Some(Entry::NoticeNotJoined(other)) => other.about.as_ref().map(|about| about.rule.clone()),
            Some(Entry::GapClosed(closed)) => Some(closed.rule.clone()),
            _ => about.map(|about| Box::from(&*about.rule)),
        };
        let (code, unreplied_for) = match entry {
            Some(Entry::NoticeReplied(replied)) => self.replied(replied).unzip(),
            _ => (None, None),
        };
        let unreplied_for = unreplied_for.flatten();
        let is_content_told = tracing::enabled!(tracing::Level::DEBUG);
        Line {
            event: format!("{}.{}", draft.family, draft.kind),
            rule,
            columns: draft.columns.clone(),
            reason: match (entry, about.map(|about| &about.origin)) {
                (Some(Entry::Commanded(commanded)), _) => Some(commanded.by.reason.to_string()),
                (_, Some(Origin::Inquiry { reason, .. })) if draft.kind == "accepted" => Some(reason.to_string()),
                _ => Own::reason(draft),
            }
            .filter(|reason| !reason.is_empty()),
            target: match entry {
                Some(Entry::Commanded(commanded)) => Some(commanded.command.target()).filter(|it| !it.is_empty()),
                _ => None,
            },
            code,
            unreplied_for,
            is_grave: match entry {
                Some(Entry::NoticeReplied(_)) => unreplied_for.is_some(),
                Some(Entry::Outcome(concluded)) => matches!(concluded.outcome, Outcome::Unknown { .. }),
                Some(Entry::Unclaimed(_) | Entry::Contradiction(_) | Entry::Listed(_) | Entry::NoticeNotJoined(_)) => {
                    true
                }
                Some(Entry::GapClosed(closed)) => closed.reason != GapEnd::Absent,
                _ => false,
            },
            is_detail: matches!(entry, Some(Entry::Checkpoint(_) | Entry::NumberBlock(_))),
            content: entry.filter(|_| is_content_told).and_then(|entry| self.content(entry, about)),
        }
    }

    /// The fields of an entry's telegram, masked by their classes; only if the version that it is read by is loaded.
    fn content(&self, entry: &Entry, about: Option<&About>) -> Option<String> {
        let (frame, (protocol, telegram), side) = match entry {
            Entry::Sending(sending) => (&sending.telegram, self.reading(about?, Side::Asker)?, Side::Asker),
            Entry::Outcome(concluded) => {
                (concluded.answer.as_ref()?, self.reading(about?, Side::Answerer)?, Side::Answerer)
            }
            Entry::NoticeReceived(received) => {
                let about = &received.about;
                let version = self.versions.of(about.spec)?;
                let protocol = version.protocol(&about.protocol)?;
                let (_, rule) = protocol.rules.notice(&about.rule)?;
                // What was asked for has the layout of the answer.
                let gap = rule.gap.as_ref().filter(|_| about.recovered_by.is_some() && !received.repeated);
                let answer = gap.map(|gap| protocol.rules.exchanges[usize::from(gap.exchange.0)].answer.telegram);
                let telegram = answer.unwrap_or(rule.request.telegram);
                let side = if answer.is_some() { Side::Answerer } else { Side::Asker };
                (&received.telegram, (Arc::clone(protocol), telegram), side)
            }
            _ => return None,
        };
        Some(fields(&protocol, telegram, frame, side))
    }

    /// With which code a notice is replied to; and how long a service has, if that is the spec's code for when none replies. What is sent
    /// again does not tell whose reply it was.
    fn replied(&self, replied: &NoticeReplied) -> Option<(String, Option<Duration>)> {
        let about = replied.about.as_ref()?;
        let version = self.versions.of(about.spec)?;
        let rules = &version.protocol(&about.protocol)?.rules;
        let code = rules.response_code.of(&replied.telegram.bytes)?;
        let within = match &rules.notice(&about.rule)?.1.answered {
            Answered::ByService { within, otherwise } if replied.caller.is_empty() && **otherwise == *code => {
                Some(*within)
            }
            _ => None,
        };
        Some((String::from_utf8_lossy(code).into_owned(), within))
    }

    /// How the request of an exchange is read, or its answer.
    fn reading(&self, about: &About, side: Side) -> Option<(Arc<Protocol>, TelegramId)> {
        let version = self.versions.of(about.spec)?;
        let protocol = version.protocol(&about.protocol)?;
        let (_, rule) = protocol.rules.exchange(&about.rule)?;
        let telegram = if side == Side::Answerer { rule.answer.telegram } else { rule.request.telegram };
        Some((Arc::clone(protocol), telegram))
    }

    /// These were appended as the `count`th batch.
    pub(super) fn appended(&mut self, count: u64, lines: Lines) {
        if lines.0.is_empty() && self.dropped == 0 {
            return;
        }
        let appended = Appended { count, lines: lines.0, dropped: self.dropped };
        match self.lines.try_send(appended) {
            Ok(()) => self.dropped = 0,
            Err(mpsc::error::TrySendError::Full(appended)) => self.dropped += appended.lines.len() as u64,
            // Nothing becomes durable any more.
            Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
    }
}

/// The lines of a batch that is not appended yet.
#[derive(Default)]
pub(super) struct Lines(Vec<Line>);

impl Lines {
    /// Those of what is appended together.
    pub(super) fn join(&mut self, behind: Self) {
        self.0.extend(behind.0);
    }
}

async fn write(institution: String, acks: Arc<Acks>, mut received: mpsc::Receiver<Appended>) {
    while let Some(Appended { count, lines, dropped }) = received.recv().await {
        if dropped > 0 {
            tracing::warn!(
                event = "log.dropped",
                institution,
                count = dropped,
                "entries were not logged: too many at once"
            );
        }
        if acks.wait_for(|acknowledged| acknowledged >= count).await.is_err() {
            // What is not durable is not told.
            return;
        }
        for line in lines {
            line.write(&institution);
        }
    }
}

impl Line {
    fn write(&self, institution: &str) {
        let columns = &self.columns.unpack();
        macro_rules! tell {
            ($level:expr) => {{
                let is_notice = self.event.starts_with("switch.notice_") && self.event != "switch.notice_joined";
                let id = columns.exchange;
                tracing::event!(
                    $level,
                    event = self.event,
                    institution,
                    trace_id = columns.trace_context.and_then(trace_id),
                    exchange = id.filter(|_| !is_notice),
                    notice = id.filter(|_| is_notice),
                    parent = columns.parent,
                    rule = self.rule.as_deref(),
                    caller = columns.caller,
                    reason = self.reason.as_deref(),
                    target = self.target.as_deref(),
                    code = self.code.as_deref(),
                    idempotency_key = columns.idempotency_key,
                    protocol = columns.protocol,
                    party = columns.party,
                    participant = columns.participant,
                    date = columns.business_date,
                    number = columns.our_number,
                    their_number = columns.their_number,
                    key = columns.correlation_key,
                    session = columns.session,
                    epoch = columns.epoch,
                    offset = columns.stream_offset,
                    spec = columns.spec_digest,
                    outcome = columns.outcome,
                    cause = columns.cause,
                    "{}",
                    self.sentence(columns)
                );
            }};
        }
        match (self.is_grave, self.is_detail) {
            (true, _) => tell!(tracing::Level::WARN),
            (false, true) => tell!(tracing::Level::DEBUG),
            (false, false) => tell!(tracing::Level::INFO),
        }
        if let Some(content) = &self.content {
            tracing::debug!(
                event = "telegram",
                institution,
                of = self.event,
                trace_id = columns.trace_context.and_then(trace_id),
                exchange = columns.exchange,
                "{content}"
            );
        }
    }

    /// For people.
    fn sentence(&self, columns: &BorrowedColumns<'_>) -> String {
        let kind = self.event.rsplit('.').next().unwrap_or_default().replace('_', " ");
        if self.event == COMMANDED {
            let words = [columns.cause, self.target.as_deref()];
            return words.into_iter().flatten().fold(kind, |text, word| text + " " + word);
        }
        if let (REPLIED, Some(code)) = (&*self.event, &self.code) {
            let why = self
                .unreplied_for
                .map(|within| format!(", which the spec says if no service replies within {within:?}"));
            return format!("{kind}: code {code}{}", why.unwrap_or_default());
        }
        match (columns.outcome, columns.cause.and_then(cause_sentence)) {
            (Some(outcome), Some(cause)) => format!("{kind}: {outcome}: {cause}"),
            // Of what has no other outcome than what it is.
            (Some(outcome), None) if outcome.eq_ignore_ascii_case(&kind) => kind,
            (Some(outcome), None) => format!("{kind}: {outcome}"),
            (None, _) => kind,
        }
    }
}

/// What an outcome's cause means.
fn cause_sentence(word: &str) -> Option<&'static str> {
    Cause::ALL.iter().find(|cause| cause.word() == word).map(|cause| cause.sentence())
}

/// The trace id of a `traceparent`: 32 hexadecimal digits.
fn trace_id(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1).filter(|id| id.len() == 32)
}

/// What an entry is about, if it is about an exchange.
fn about(entry: &Entry) -> Option<&About> {
    match entry {
        Entry::Accepted(accepted) => Some(&accepted.about),
        Entry::Sending(sending) => sending.about.as_deref(),
        Entry::Outcome(concluded) => concluded.about.as_deref(),
        Entry::Repeated(repeated) => repeated.about.as_deref(),
        Entry::Contradiction(contradiction) => contradiction.about.as_deref(),
        Entry::Listed(listed) => listed.about.as_deref(),
        _ => None,
    }
}

/// A telegram's fields, each masked by its class; hidden as a whole if bytes may have moved, as everywhere that telegrams are shown.
fn fields(protocol: &Protocol, telegram: TelegramId, frame: &Frame, side: Side) -> String {
    let layout = protocol.catalog.layout(telegram);
    let exposure = Exposure::new(Telegram::new(layout, &frame.bytes, side), protocol, false);
    let mut text = layout.name().to_owned();
    for (cell, _) in Telegram::new(layout, &frame.bytes, side).cells() {
        if let Some(bytes) = cell.at.of(&frame.bytes) {
            let shown = match exposure.of(&cell) {
                Shown::Hidden => "*".repeat(bytes.len()),
                Shown::Whole | Shown::Masked => masked(cell.field, bytes).1,
            };
            // Writing to a String does not fail.
            let _ = write!(text, " {}={shown:?}", cell.path());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_is_the_second_part() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(trace_id(&format!("00-{id}-b7ad6b7169203331-01")), Some(id));
        assert_eq!(trace_id("00-short-b7ad6b7169203331-01"), None);
        assert_eq!(trace_id(""), None);
    }

    #[test]
    fn a_reply_of_the_spec_says_its_code_and_that_no_service_has_replied() {
        let line = |unreplied_for| Line { code: Some("9999".to_owned()), unreplied_for, ..line_of(REPLIED) };
        let told = |unreplied_for| line(unreplied_for).sentence(&BorrowedColumns::default());
        assert_eq!(told(None), "notice replied: code 9999");
        let why = "which the spec says if no service replies within 15s";
        assert_eq!(told(Some(Duration::from_secs(15))), format!("notice replied: code 9999, {why}"));
    }

    fn line_of(event: &str) -> Line {
        Line {
            event: event.to_owned(),
            rule: None,
            columns: Packed::default(),
            reason: None,
            target: None,
            code: None,
            unreplied_for: None,
            is_grave: false,
            is_detail: false,
            content: None,
        }
    }

    #[test]
    fn a_command_says_what_was_commanded() {
        let line = |target: &str| Line { target: Some(target.to_owned()), ..line_of(COMMANDED) };
        let columns = BorrowedColumns {
            outcome: Some(pabal_switch::Command::OUTCOME),
            cause: Some("drain_compartment"),
            ..BorrowedColumns::default()
        };
        assert_eq!(line("088").sentence(&columns), "commanded drain_compartment 088");
    }

    #[test]
    fn fields_are_masked_by_their_classes() {
        let sources = crate::spec_sources(&crate::tests::house::specs()).unwrap();
        let institution = pabal_spec::load(&sources).unwrap().institution;
        let protocol = &institution.protocols[0];
        let (_, rule) = protocol.rules.exchange("transfer").unwrap();
        let sample = include_str!("../../../../specs/hecto/samples/transfer_request.toml");
        let digits: String = sample.lines().filter_map(|line| line.strip_prefix("  \"")?.split('"').next()).collect();
        let wire = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
        // Behind the length prefix.
        let bytes: Vec<u8> = wire.skip(4).collect();
        let told = |bytes: &[u8]| fields(protocol, rule.request.telegram, &Frame::new(bytes, &[]), Side::Asker);
        let whole = told(&bytes);
        assert!(whole.starts_with("transfer ") && whole.contains(" bank_code=\"088\""), "{whole}");
        assert!(whole.contains(" debit_account=\"********6789\"") && !whole.contains("110123456789"), "{whole}");
        assert!(whole.contains(" debit_amt=\"150000\"") && whole.contains(" passbook_pin=\"********\""), "{whole}");
        // Four bytes are lost in front of the account, so that its digits lie in a filler.
        let moved = told(&[&bytes[..60], &bytes[64..], b"    "].concat());
        assert!(moved.contains(" bank_code=\"088\"") && !moved.contains("1101") && !moved.contains("6789"), "{moved}");
    }
}

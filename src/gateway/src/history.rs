//! What the journal knows of exchanges, read beside the writer.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pabal_journal::{Envelope, Position, Reader};
use pabal_switch::{Entry, ExchangeId, ExchangeState, ExchangeStatus, Outcome, Refusal};

use crate::call::{Answer, CallError, Found};
use crate::handle::refused;

/// Entries that are read at a time.
const PAGE_ENTRIES: usize = 256;
/// Entries of one exchange that are shown at most, beside those that say how far it is. It has a handful, and two for each inquiry's answer,
/// unless the institution repeats itself.
const LINES_MAX: usize = 1_000;
/// Entries that bind an idempotency key; the others under it say what came of that.
const BINDING: [&str; 2] = ["accepted", "fence"];
/// Entries that say how far an exchange is.
const STATES: [&str; 4] = ["accepted", "sending", "outcome", "listed"];
/// Readers that are kept open between questions.
const READERS_KEPT_MAX: usize = 4;

/// Asks the journal. Reading is blocking work, so each question runs beside the runtime's tasks.
#[derive(Debug)]
pub(crate) struct Histories(Arc<Readers>);

#[derive(Debug)]
struct Readers {
    data_dir: PathBuf,
    kept: Mutex<Vec<Reader>>,
}

/// What an idempotency key was used for.
pub(crate) enum Keyed {
    Unused,
    Fenced,
    Exchange(ExchangeId),
}

/// What the journal says of one exchange.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    rule: String,
    content: u64,
    outcome: Option<Outcome>,
    is_listed: bool,
    was_sending: bool,
    answer: Option<Vec<u8>>,
    number: Option<String>,
    trace: Option<String>,
    lines: Vec<(i64, String, String)>,
}

impl Histories {
    pub(crate) fn new(data_dir: PathBuf) -> Self {
        Self(Arc::new(Readers { data_dir, kept: Mutex::default() }))
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, pabal_journal::Error> + Send + 'static,
    ) -> Result<T, CallError> {
        let readers = Arc::clone(&self.0);
        let asked = tokio::task::spawn_blocking(move || readers.ask(question)).await;
        // What cannot be read is no proof of anything.
        let failed = |why: String| CallError {
            is_proof: false,
            ..refused(Refusal::JournalFailed, format!("the journal cannot be read: {why}"))
        };
        asked.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
    }

    /// What a key was used for at an institution.
    pub(crate) async fn keyed(&self, institution: String, caller: String, key: String) -> Result<Keyed, CallError> {
        self.ask(move |reader| {
            let page = |after| reader.by_idempotency(&caller, &key, after, PAGE_ENTRIES);
            let mut keyed = Keyed::Unused;
            all(page, |envelope| {
                let is_ours = envelope.institution == institution && envelope.family == Entry::FAMILY;
                if is_ours && BINDING.contains(&envelope.kind.as_str()) {
                    keyed = match envelope.columns.exchange.as_deref().and_then(parse_id) {
                        Some(exchange) => Keyed::Exchange(exchange),
                        None => Keyed::Fenced,
                    };
                }
                matches!(keyed, Keyed::Exchange(_))
            })?;
            Ok(keyed)
        })
        .await
    }

    /// What there is about an exchange; `None` if there is nothing.
    pub(crate) async fn exchange(
        &self,
        institution: String,
        exchange: ExchangeId,
    ) -> Result<Option<History>, CallError> {
        self.ask(move |reader| {
            let id = exchange.to_string();
            let mut history = None;
            all(
                |after| reader.by_exchange(&id, after, PAGE_ENTRIES),
                |envelope| {
                    if envelope.institution == institution {
                        history.get_or_insert_with(History::default).take(envelope);
                    }
                    false
                },
            )?;
            Ok(history)
        })
        .await
    }
}

/// Takes everything that a question finds, in order, a page at a time, until `take` has enough.
fn all(
    page: impl Fn(Position) -> Result<Vec<Envelope>, pabal_journal::Error>,
    mut take: impl FnMut(&Envelope) -> bool,
) -> Result<(), pabal_journal::Error> {
    let mut after = Position::START;
    loop {
        let envelopes = page(after)?;
        for envelope in &envelopes {
            if take(envelope) {
                return Ok(());
            }
            after = envelope.position;
        }
        if envelopes.len() < PAGE_ENTRIES {
            return Ok(());
        }
    }
}

impl Readers {
    fn ask<T>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, pabal_journal::Error>,
    ) -> Result<T, pabal_journal::Error> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match kept {
            Some(reader) => reader,
            None => Reader::open(&self.data_dir)?,
        };
        let answered = question(&reader)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < READERS_KEPT_MAX {
            kept.push(reader);
        }
        Ok(answered)
    }
}

impl History {
    fn take(&mut self, envelope: &Envelope) {
        if self.lines.len() < LINES_MAX || STATES.contains(&envelope.kind.as_str()) {
            self.lines.push((envelope.at, envelope.kind.clone(), line(envelope)));
        }
        if envelope.family != Entry::FAMILY {
            return;
        }
        let columns = &envelope.columns;
        self.number = columns.our_number.clone().or(self.number.take());
        self.trace = columns.trace_context.clone().or(self.trace.take());
        // An entry that a later release wrote still has its columns and its line.
        match Entry::decode(&envelope.kind, envelope.version, &envelope.body) {
            Ok(Entry::Accepted(accepted)) => {
                self.rule = accepted.about.rule.to_string();
                self.content = accepted.about.content;
            }
            Ok(Entry::Sending(_)) => self.was_sending = true,
            Ok(Entry::Outcome(concluded)) => {
                self.outcome = Some(concluded.outcome);
                self.answer = concluded.answer.map(|frame| frame.bytes).or(self.answer.take());
            }
            Ok(Entry::Listed(_)) => self.is_listed = true,
            Ok(_) | Err(_) => {}
        }
    }

    /// Whether a request with this content is the same.
    pub(crate) const fn is_for(&self, content: u64) -> bool {
        self.content == content
    }

    /// With what memory says of it now, which is newer.
    pub(crate) fn found(self, exchange: ExchangeId, status: Option<ExchangeStatus>) -> Found {
        // What is not durable is not told: then the journal says how far it is.
        let told = status.as_ref().filter(|status| !is_ahead(status));
        let state = told.map_or_else(|| self.state(), |status| status.state);
        let outcome = status.and_then(|status| status.outcome).or(self.outcome);
        Found::Exchange {
            exchange,
            state: state.word().to_owned(),
            outcome,
            rule: self.rule,
            telegram: self.answer,
            number: self.number,
            trace: self.trace,
            history: self.lines,
        }
    }

    /// The answer of a request that memory has let go, as stored: by an older version of the spec, perhaps, so without a plan.
    pub(crate) fn answer(self, exchange: ExchangeId) -> Answer {
        Answer {
            exchange,
            // Without an outcome it was cut short by a stop whose recovery has not said more.
            outcome: self.outcome.unwrap_or(Outcome::Unknown { cause: pabal_switch::Cause::Restarted }),
            state: self.state().word().to_owned(),
            telegram: self.answer.map(Into::into),
            plan: None,
            number: self.number,
            trace: self.trace,
        }
    }

    fn state(&self) -> ExchangeState {
        match self.outcome {
            Some(outcome) if outcome.is_final() => ExchangeState::Finished,
            _ if self.is_listed => ExchangeState::Listed,
            Some(_) => ExchangeState::Unknown,
            None if self.was_sending => ExchangeState::Sending,
            None => ExchangeState::Accepted,
        }
    }
}

/// Whether an exchange has come to a state by an outcome whose entry is not durable yet.
fn is_ahead(status: &ExchangeStatus) -> bool {
    match status.state {
        ExchangeState::Accepted | ExchangeState::Waiting | ExchangeState::Sending | ExchangeState::Sent => false,
        ExchangeState::Finished | ExchangeState::Settled => !status.outcome.is_some_and(|outcome| outcome.is_final()),
        _ => status.outcome.is_none(),
    }
}

/// An entry for people, from its columns alone: no content of a telegram is in it.
fn line(envelope: &Envelope) -> String {
    let columns = &envelope.columns;
    let mut parts = Vec::new();
    if let Some(outcome) = &columns.outcome {
        let cause = columns.cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
        parts.push(format!("{outcome}{cause}"));
    }
    if let Some(number) = &columns.our_number {
        parts.push(format!("number {number}"));
    }
    if let Some(session) = &columns.session {
        let epoch = columns.epoch.map(|epoch| format!(" epoch {epoch}")).unwrap_or_default();
        let offset = columns.stream_offset.map(|offset| format!(" at byte {offset}")).unwrap_or_default();
        parts.push(format!("session {session}{epoch}{offset}"));
    }
    if envelope.kind == "accepted" {
        parts.extend(
            columns.caller.as_ref().filter(|caller| !caller.is_empty()).map(|caller| format!("caller {caller}")),
        );
        parts.extend(columns.party.as_ref().map(|party| format!("party {party}")));
        parts.extend(columns.participant.as_ref().map(|participant| format!("participant {participant}")));
    }
    parts.extend(columns.parent.as_ref().map(|parent| format!("about {parent}")));
    parts.join(", ")
}

/// Reads what `ExchangeId` prints.
fn parse_id(text: &str) -> Option<ExchangeId> {
    let digits: String = text.split('-').collect();
    if digits.len() != 32 {
        return None;
    }
    u128::from_str_radix(&digits, 16).ok().map(ExchangeId)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use pabal_journal::{Columns, Draft, Journal, Options};

    use super::*;

    fn draft(kind: &str, exchange: Option<ExchangeId>) -> Draft {
        Draft {
            family: Entry::FAMILY.to_owned(),
            kind: kind.to_owned(),
            version: 1,
            columns: Columns {
                exchange: exchange.map(|exchange| exchange.to_string()),
                caller: Some("payroll".to_owned()),
                idempotency_key: Some("salary".to_owned()),
                ..Columns::default()
            },
            ..Draft::default()
        }
    }

    #[tokio::test]
    async fn a_key_is_not_hidden_by_what_others_do_under_it() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, _) = Journal::open(Options::new(directory.path(), 1, "test")).unwrap();
        let (acks, acked) = mpsc::channel();
        for institution in ["hecto", "twin", "third"] {
            let acks = acks.clone();
            writer.register(institution, Arc::new(move |ack| _ = acks.send(ack))).unwrap();
        }
        let append = |institution: &str, drafts: Vec<Draft>| {
            writer.append(institution, drafts, 1).unwrap();
            assert!(matches!(acked.recv().unwrap(), pabal_journal::Ack::Durable { .. }));
        };
        let (theirs, ours) = (ExchangeId(6), ExchangeId(7));
        append("twin", vec![draft("accepted", Some(theirs))]);
        append("twin", (0..1_500).map(|_| draft("repeated", Some(theirs))).collect());
        append("third", vec![draft("fence", None)]);
        append("hecto", vec![draft("accepted", Some(ours))]);
        append("hecto", (0..1_500).map(|_| draft("repeated", Some(ours))).collect());
        append("hecto", vec![draft("listed", Some(ours))]);

        let histories = Histories::new(directory.path().to_owned());
        let keyed = async |institution: &str| {
            histories.keyed(institution.to_owned(), "payroll".to_owned(), "salary".to_owned()).await.unwrap()
        };
        assert!(matches!(keyed("hecto").await, Keyed::Exchange(found) if found == ours));
        assert!(matches!(keyed("twin").await, Keyed::Exchange(found) if found == theirs));
        assert!(matches!(keyed("third").await, Keyed::Fenced));
        assert!(matches!(keyed("fourth").await, Keyed::Unused));
        let history = histories.exchange("hecto".to_owned(), ours).await.unwrap().unwrap();
        assert_eq!((history.lines.len(), history.lines.last().unwrap().1.as_str()), (LINES_MAX + 1, "listed"));
        assert!(histories.exchange("hecto".to_owned(), theirs).await.unwrap().is_none());
    }

    #[test]
    fn an_id_comes_back() {
        let id = ExchangeId(0x0192_f0c1_7a3b_7c4d_8e5f_0123_4567_89ab);
        assert_eq!(parse_id(&id.to_string()), Some(id));
        assert_eq!(parse_id("fence"), None);
        assert_eq!(parse_id(""), None);
    }
}

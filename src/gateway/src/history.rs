//! What the journal knows of exchanges, read beside the writer.

mod exchange;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pabal_journal::{Envelope, Key, Position, Reader};
use pabal_switch::entry::Unclaimed;
use pabal_switch::{Command, Entry, ExchangeId, Refusal};

use crate::call::CallError;
use crate::command::CommandLine;
use crate::handle::refused;
use crate::search::SearchBy;
use crate::unclaimed::UnclaimedTelegram;
pub(crate) use exchange::History;

/// Entries that are read at a time.
const PAGE_ENTRIES: usize = 256;
/// Entries that bind an idempotency key; the others under it say what came of that.
const BINDING: [&str; 2] = ["accepted", "fence"];
/// Envelopes that one search looks at, at most; what stands before these is not found by it.
const SEARCHED_MAX: usize = 20_000;
/// Exchanges and notices of which one search reads all entries, at most: each is a question of its own to the journal.
const READ_MAX: usize = 2_000;
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
                    keyed = match envelope.columns.exchange.as_deref().and_then(ExchangeId::parse) {
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

    /// What there is about an exchange, and who asked about it; `None` if there is nothing.
    pub(crate) async fn exchange(
        &self,
        institution: String,
        exchange: ExchangeId,
    ) -> Result<Option<History>, CallError> {
        self.ask(move |reader| {
            let Some(mut history) = of_exchange(reader, &institution, exchange)? else { return Ok(None) };
            newest(reader, Some(&institution), Key::Parent(&exchange.to_string()), |envelope| {
                history.take_about(envelope);
                Ok(false)
            })?;
            Ok(Some(history))
        })
        .await
    }
}

impl Histories {
    /// The newest exchanges and notices with a key, at most `max`, the newest first; and whether there may be more: than `max`, or than
    /// [`SEARCHED_MAX`] and [`READ_MAX`] let a search see.
    pub(crate) async fn search(
        &self,
        institution: Option<String>,
        by: SearchBy,
        max: usize,
    ) -> Result<(Vec<(ExchangeId, History)>, bool), CallError> {
        self.ask(move |reader| {
            let mut found = Vec::new();
            let mut seen = BTreeSet::new();
            let mut more = false;
            for key in keys(&by) {
                let key = key.as_key();
                // One more than is wanted, of each key: by it one knows that there are more.
                let enough = found.len() + max + 1;
                more |= newest(reader, institution.as_deref(), key, |envelope| {
                    let Some(id) = envelope.columns.exchange.as_deref().and_then(ExchangeId::parse) else {
                        return Ok(false);
                    };
                    if !seen.insert((envelope.institution.clone(), id)) {
                        return Ok(false);
                    }
                    if seen.len() > READ_MAX {
                        return Ok(true);
                    }
                    if let Some(history) = of_exchange(reader, &envelope.institution, id)?
                        && (by != SearchBy::Unresolved || history.is_unknown())
                    {
                        found.push((id, history));
                    }
                    Ok(found.len() >= enough)
                })?;
            }
            // Ids grow with time.
            found.sort_by(|(one, _), (other, _)| other.cmp(one));
            more |= found.len() > max;
            found.truncate(max);
            Ok((found, more))
        })
        .await
    }

    /// What is about an exchange: inquiries, and notices that speak of it, the newest first.
    pub(crate) async fn about(
        &self,
        institution: String,
        exchange: ExchangeId,
        max: usize,
    ) -> Result<Vec<(ExchangeId, History)>, CallError> {
        self.ask(move |reader| {
            let parent = exchange.to_string();
            let mut found = Vec::new();
            let mut seen = BTreeSet::from([exchange]);
            newest(reader, Some(&institution), Key::Parent(&parent), |envelope| {
                if let Some(id) = envelope.columns.exchange.as_deref().and_then(ExchangeId::parse)
                    && seen.insert(id)
                    && let Some(history) = of_exchange(reader, &institution, id)?
                {
                    found.push((id, history));
                }
                Ok(found.len() >= max)
            })?;
            Ok(found)
        })
        .await
    }
}

/// A key of the journal, with its texts.
enum Wanted {
    Exchange(String),
    Idempotency(Option<String>, String),
    Correlation(String),
    OurNumber(String),
    TheirNumber(String),
    Trace(String),
    Outcome(&'static str),
}

impl Wanted {
    fn as_key(&self) -> Key<'_> {
        match self {
            Self::Exchange(id) => Key::Exchange(id),
            Self::Idempotency(caller, key) => Key::Idempotency { caller: caller.as_deref(), key },
            Self::Correlation(key) => Key::Correlation(key),
            Self::OurNumber(number) => Key::OurNumber(number),
            Self::TheirNumber(number) => Key::TheirNumber(number),
            Self::Trace(trace) => Key::Trace(trace),
            Self::Outcome(word) => Key::Outcome(word),
        }
    }
}

/// Under which keys the journal has what is looked for.
fn keys(by: &SearchBy) -> Vec<Wanted> {
    match by {
        SearchBy::Exchange(exchange) => vec![Wanted::Exchange(exchange.to_string())],
        SearchBy::IdempotencyKey { caller, key } => vec![Wanted::Idempotency(caller.clone(), key.clone())],
        SearchBy::InstitutionKey(key) => vec![Wanted::Correlation(key.clone())],
        SearchBy::Number(number) => vec![Wanted::OurNumber(number.clone()), Wanted::TheirNumber(number.clone())],
        // Version 00 of W3C Trace Context, the only one there is.
        SearchBy::Trace(trace) => vec![Wanted::Trace(format!("00-{}", trace.to_ascii_lowercase()))],
        SearchBy::Unresolved => vec![Wanted::Outcome("UNKNOWN")],
    }
}

impl Histories {
    /// The commands of operators, the newest first, at most `max`; those of one institution if it is named.
    pub(crate) async fn commands(
        &self,
        institution: Option<String>,
        max: usize,
    ) -> Result<Vec<CommandLine>, CallError> {
        self.read(institution, Command::OUTCOME, max, CommandLine::read).await
    }

    /// Telegrams that nobody waited for, the newest first, at most `max`.
    pub(crate) async fn unclaimed(
        &self,
        institution: Option<String>,
        max: usize,
    ) -> Result<Vec<UnclaimedTelegram>, CallError> {
        self.read(institution, Unclaimed::OUTCOME, max, UnclaimedTelegram::read).await
    }

    /// What an outcome leads to and `read` can read, the newest first, at most `max`.
    async fn read<T: Send + 'static>(
        &self,
        institution: Option<String>,
        outcome: &'static str,
        max: usize,
        read: fn(&Envelope) -> Option<T>,
    ) -> Result<Vec<T>, CallError> {
        self.ask(move |reader| {
            let mut found = Vec::new();
            newest(reader, institution.as_deref(), Key::Outcome(outcome), |envelope| {
                if found.len() < max {
                    found.extend(read(envelope));
                }
                Ok(found.len() >= max)
            })?;
            Ok(found)
        })
        .await
    }
}

/// Takes what has a key, the newest first, a page at a time, until `take` has enough. Whether there may be more that was not looked at.
fn newest(
    reader: &Reader,
    institution: Option<&str>,
    key: Key<'_>,
    mut take: impl FnMut(&Envelope) -> Result<bool, pabal_journal::Error>,
) -> Result<bool, pabal_journal::Error> {
    let (mut before, mut looked_at) = (None, 0);
    while looked_at < SEARCHED_MAX {
        let envelopes = reader.newest(institution, key, before, PAGE_ENTRIES)?;
        for envelope in &envelopes {
            if take(envelope)? {
                return Ok(true);
            }
            before = Some(envelope.position);
        }
        looked_at += envelopes.len();
        if envelopes.len() < PAGE_ENTRIES {
            return Ok(false);
        }
    }
    Ok(true)
}

/// All there is about one exchange or notice.
fn of_exchange(
    reader: &Reader,
    institution: &str,
    exchange: ExchangeId,
) -> Result<Option<History>, pabal_journal::Error> {
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use pabal_journal::{Columns, Draft, Journal, Options};

    use super::*;

    fn draft(kind: &str, exchange: Option<ExchangeId>) -> Draft {
        Draft {
            family: Entry::FAMILY.into(),
            kind: kind.to_owned().into(),
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
        let lines = history.lines();
        assert_eq!((lines.len(), lines.last().unwrap().kind.as_str()), (exchange::LINES_MAX + 1, "listed"));
        assert!(histories.exchange("hecto".to_owned(), theirs).await.unwrap().is_none());

        let search = async |max| {
            let by = SearchBy::IdempotencyKey { caller: None, key: "salary".to_owned() };
            let (found, more) = histories.search(None, by, max).await.unwrap();
            (found.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), more)
        };
        assert_eq!((search(1).await, search(2).await), ((vec![ours], true), (vec![ours, theirs], false)));
        for _ in 0..SEARCHED_MAX / 1_000 {
            append("hecto", (0..1_000).map(|_| draft("repeated", Some(ours))).collect());
        }
        assert_eq!(search(2).await, (vec![ours], true), "the other lies further back than a search looks");
    }

    /// Everything that was ever UNKNOWN has an entry that says so, settled or not: reading it all would take as long as there are.
    #[tokio::test]
    async fn a_search_for_what_is_unresolved_reads_so_many_and_says_that_there_may_be_more() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, _) = Journal::open(Options::new(directory.path(), 1, "test")).unwrap();
        let (acks, acked) = mpsc::channel();
        writer.register("hecto", Arc::new(move |ack| _ = acks.send(ack))).unwrap();
        let append = |ids: std::ops::Range<u128>| {
            let told = |id| {
                let draft = draft("outcome", Some(ExchangeId(id)));
                let columns = Columns { outcome: Some("UNKNOWN".to_owned()), idempotency_key: None, ..draft.columns };
                Draft { columns, ..draft }
            };
            writer.append("hecto", ids.map(told).collect(), 1).unwrap();
            assert!(matches!(acked.recv().unwrap(), pabal_journal::Ack::Durable { .. }));
        };
        let histories = Histories::new(directory.path().to_owned());
        let search = async || {
            let (found, more) = histories.search(None, SearchBy::Unresolved, 10).await.unwrap();
            assert!(found.is_empty(), "none of them has an outcome that can be read");
            more
        };
        append(1..1_001);
        append(1_001..2_001);
        assert!(!search().await, "as many as one search reads");
        append(2_001..2_002);
        assert!(search().await, "one more");
    }
}

//! Looking for exchanges and notices, and at one of them.

use std::sync::Arc;

use pabal_clock::{Mono, Now, Wall};
use pabal_spec::{Protocol, TelegramId};
use pabal_switch::{ExchangeId, ExchangeState, Outcome};
use pabal_telegram::Layout;

use crate::call::CallError;
use crate::clock::now;
use crate::driver::command::LookKey;
use crate::handle::{Desk, Handle};
use crate::history::History;

/// A question about exchanges.
#[derive(Clone, Debug)]
pub struct Search {
    /// The institution's name; `None` is any.
    pub institution: Option<String>,
    /// By what they are known.
    pub by: SearchBy,
    /// How many are returned at most; [`SEARCH_MAX`] at most.
    pub max: usize,
}

/// Exchanges that one search returns at most.
pub const SEARCH_MAX: usize = 1_000;

/// By what exchanges are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchBy {
    /// The exchange's own id, or a notice's.
    Exchange(ExchangeId),
    /// The caller's idempotency key.
    IdempotencyKey {
        /// Who called; `None` is anybody.
        caller: Option<String>,
        /// The key.
        key: String,
    },
    /// The fields that join answer and request, as the journal's column `correlation_key` and [`TxSummary::key`] show them.
    InstitutionKey(String),
    /// The telegram number, ours or theirs, of any day.
    Number(String),
    /// The trace id: 32 hexadecimal digits.
    Trace(String),
    /// What is UNKNOWN and not settled.
    Unresolved,
}

/// An exchange or a notice, in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxSummary {
    /// The institution's name.
    pub institution: String,
    /// Names it. A notice's id reads the same.
    pub exchange: ExchangeId,
    /// Its name in the spec.
    pub rule: String,
    /// Who began it: `caller`, `opening`, `inquiry`, `gap` or `notice`.
    pub origin: String,
    /// Who called; empty if nobody did.
    pub caller: String,
    /// The caller's own name for it.
    pub idempotency_key: Option<String>,
    /// The party.
    pub party: Option<String>,
    /// The participant.
    pub participant: Option<String>,
    /// How far it is, by its word.
    pub state: String,
    /// What became of it; `None` while it has no outcome, and of a notice.
    pub outcome: Option<Outcome>,
    /// Its telegram number.
    pub number: Option<String>,
    /// The key that joins answer and request, as people read it.
    pub key: Option<String>,
    /// Its `traceparent`.
    pub trace: Option<String>,
    /// The exchange that this one asks about, or that a notice speaks of.
    pub parent: Option<ExchangeId>,
    /// When it was accepted, or came.
    pub accepted_at: Wall,
    /// What is done about it next, and when.
    pub next: Option<NextStep>,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searched {
    /// The newest first, at most as many as were asked for.
    pub found: Vec<TxSummary>,
    /// There may be more: more are known than were asked for, or the journal goes further back than a search looks.
    pub more: bool,
}

/// What is done next about something UNKNOWN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStep {
    /// When, or until when an answer is awaited; `None` if it waits for a person.
    pub at: Option<Wall>,
    /// What.
    pub text: String,
    /// A person has to do it.
    pub by_hand: bool,
}

/// Everything about an exchange or a notice.
#[derive(Clone, Debug)]
pub struct TxDetail {
    /// In a line.
    pub summary: TxSummary,
    /// The request, or the notice.
    pub request: Option<Stored>,
    /// The answer to it.
    pub answer: Option<Stored>,
    /// Each entry of the journal about it, oldest first.
    pub history: Vec<HistoryLine>,
    /// Notices that speak of it, oldest first.
    pub notices: Vec<TxSummary>,
    /// Inquiries about it, oldest first.
    pub inquiries: Vec<TxSummary>,
}

/// A telegram as the journal has it: the bytes of secret fields are `*`. `Debug` tells its length only.
#[derive(Clone)]
pub struct Stored {
    /// Its bytes, length prefix not included.
    pub telegram: Vec<u8>,
    /// How it is read, by the version that it was sent or read by; `None` if that version is not kept any more.
    pub reading: Option<(Arc<Protocol>, TelegramId)>,
}

impl Stored {
    /// How it lies.
    #[must_use]
    pub fn layout(&self) -> Option<&Arc<Layout>> {
        self.reading.as_ref().map(|(protocol, id)| protocol.catalog.layout(*id))
    }
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored").field("telegram_bytes", &self.telegram.len()).finish_non_exhaustive()
    }
}

/// An entry of the journal, for people. Holds no content of telegrams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryLine {
    /// When.
    pub at: Wall,
    /// What happened: the entry's kind.
    pub kind: String,
    /// More about it.
    pub text: String,
}

impl Handle {
    /// Looks for exchanges and notices, in memory and in the journal; the newest first.
    ///
    /// # Errors
    /// The institution is not known, or the journal cannot be read.
    pub async fn search(&self, search: Search) -> Result<Searched, CallError> {
        let Search { institution, by, max } = search;
        if let Some(name) = &institution {
            self.desk(name)?;
        }
        let max = max.clamp(1, SEARCH_MAX);
        let (mut found, mut more) = self.0.histories.search(institution.clone(), by.clone(), max).await?;
        if by == SearchBy::Unresolved {
            // What is settled goes from the list below, so that its length says nothing of what is left.
            more |= self.add_unresolved(institution.as_deref(), &mut found, max).await?;
        }
        let mut summaries = Vec::new();
        for (exchange, history) in found {
            let summary = self.summary(exchange, &history).await;
            // What memory has settled since is not durable, but will be in a moment.
            if by != SearchBy::Unresolved || summary.outcome.is_some_and(|outcome| !outcome.is_final()) {
                summaries.push(summary);
            }
        }
        Ok(Searched { found: summaries, more })
    }

    /// What memory knows to be UNKNOWN: it may lie further back in the journal than a search looks. Whether there are more than `max`.
    async fn add_unresolved(
        &self,
        institution: Option<&str>,
        found: &mut Vec<(ExchangeId, History)>,
        max: usize,
    ) -> Result<bool, CallError> {
        for desk in self.0.desks.values().filter(|desk| institution.is_none_or(|name| name == desk.name)) {
            for unresolved in self.unresolved(desk, None, max.saturating_add(1)).await {
                let id = unresolved.exchange;
                if found.iter().any(|(known, history)| *known == id && history.institution == desk.name) {
                    continue;
                }
                if let Some(history) = self.0.histories.exchange(desk.name.clone(), id).await? {
                    found.push((id, history));
                }
            }
        }
        // Ids grow with time.
        found.sort_by(|(one, _), (other, _)| other.cmp(one));
        let more = found.len() > max;
        found.truncate(max);
        Ok(more)
    }

    /// Everything about one exchange or notice; `None` if nothing is known of it.
    ///
    /// # Errors
    /// The institution is not known, or the journal cannot be read.
    pub async fn show(&self, institution: &str, exchange: ExchangeId) -> Result<Option<TxDetail>, CallError> {
        let desk = self.desk(institution)?;
        let histories = &self.0.histories;
        let Some(history) = histories.exchange(institution.to_owned(), exchange).await? else { return Ok(None) };
        let (mut notices, mut inquiries, mut spoken_of) = (Vec::new(), Vec::new(), None);
        for (id, about) in histories.about(institution.to_owned(), exchange, SEARCH_MAX).await? {
            let mut summary = self.summary(id, &about).await;
            if history.notice.is_some() && about.joined.contains(&exchange) {
                // The exchange that the notice is about.
                spoken_of = Some(id);
                continue;
            }
            summary.parent = summary.parent.or(Some(exchange));
            if about.notice.is_some() { &mut notices } else { &mut inquiries }.push(summary);
        }
        for notice in &history.joined {
            if notices.iter().all(|known| known.exchange != *notice)
                && let Some(joined) = histories.exchange(institution.to_owned(), *notice).await?
            {
                notices.push(TxSummary { parent: Some(exchange), ..self.summary(*notice, &joined).await });
            }
        }
        // Ids grow with time.
        notices.sort_by_key(|one| one.exchange);
        inquiries.sort_by_key(|one| one.exchange);
        let reading = desk.reading(&history).await;
        let stored = |telegram: &Option<Vec<u8>>, id: Option<TelegramId>| {
            let protocol = reading.as_ref().map(|(protocol, ..)| Arc::clone(protocol));
            telegram.clone().map(|telegram| Stored { telegram, reading: protocol.zip(id) })
        };
        Ok(Some(TxDetail {
            request: stored(&history.request, reading.as_ref().map(|(_, request, _)| *request)),
            answer: stored(&history.answer, reading.as_ref().map(|(.., answer)| *answer)),
            summary: TxSummary { parent: history.parent().or(spoken_of), ..self.summary(exchange, &history).await },
            history: history.lines(),
            notices,
            inquiries,
        }))
    }

    /// An exchange in a line, with what memory knows that is newer.
    async fn summary(&self, exchange: ExchangeId, history: &History) -> TxSummary {
        let desk = self.0.desks.get(&history.institution).filter(|_| !history.is_final());
        let Some(desk) = desk else { return history.summary(exchange, None, None) };
        let status = self.look(desk, LookKey::Exchange(exchange)).await;
        let next = match status.as_ref().and_then(|status| status.outcome) {
            // Its caller's time was over first; the institution still has some.
            Some(_)
                if status
                    .as_ref()
                    .is_some_and(|status| matches!(status.state, ExchangeState::Sending | ExchangeState::Sent)) =>
            {
                let text = "the institution's answer is awaited".to_owned();
                let until = status.as_ref().and_then(|status| status.answer_until);
                Some(NextStep { at: until.map(|until| on_the_wall(until, now())), text, by_hand: false })
            }
            Some(outcome) if !outcome.is_final() => self.next_step(desk, exchange).await,
            _ => None,
        };
        history.summary(exchange, status.as_ref(), next)
    }

    /// What is done next about something UNKNOWN.
    async fn next_step(&self, desk: &Desk, exchange: ExchangeId) -> Option<NextStep> {
        // The first behind the one before it.
        let before = ExchangeId(exchange.0.checked_sub(1)?);
        let unresolved = self.unresolved(desk, Some(before), 1).await.into_iter().next()?;
        if unresolved.exchange != exchange {
            return None;
        }
        let now = now();
        Some(match unresolved.next {
            Some((at, text)) => NextStep { at: at.map(|at| on_the_wall(at, now)), text: text.into(), by_hand: false },
            None => NextStep { at: None, text: "a person has to look at it".to_owned(), by_hand: true },
        })
    }
}

/// What the wall clock shows when a timer is due.
fn on_the_wall(at: Mono, now: Now) -> Wall {
    let wait = i64::try_from(at.since(now.mono).as_micros()).unwrap_or(i64::MAX);
    Wall::from_unix_micros(now.wall.as_unix_micros().saturating_add(wait))
}

impl Desk {
    /// How request and answer of an exchange are read, by the version that it lives by.
    async fn reading(&self, history: &History) -> Option<(Arc<Protocol>, TelegramId, TelegramId)> {
        let digest = history.spec?;
        let version = match self.versions.of(digest) {
            Some(version) => version,
            None => {
                let shelf = self.shelf.clone();
                tokio::task::spawn_blocking(move || shelf.load(digest)).await.ok().flatten()?
            }
        };
        let protocol = version.protocol(&history.protocol)?;
        let (request, answer) = if history.notice.is_some() {
            let (_, rule) = protocol.rules.notice(&history.rule)?;
            let asked = rule.gap.as_ref().filter(|_| history.is_recovered);
            let asked = asked.and_then(|gap| protocol.rules.exchanges.get(usize::from(gap.exchange.0)));
            (asked.map_or(rule.request.telegram, |exchange| exchange.answer.telegram), rule.answer.telegram)
        } else {
            let (_, rule) = protocol.rules.exchange(&history.rule)?;
            (rule.request.telegram, rule.answer.telegram)
        };
        Some((Arc::clone(protocol), request, answer))
    }
}

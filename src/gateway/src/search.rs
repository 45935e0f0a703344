//! Looking for exchanges and notices, and at one of them.

use std::sync::Arc;

use pabal_clock::Wall;
use pabal_switch::{ExchangeId, Outcome, Refusal};
use pabal_telegram::Layout;

use crate::call::CallError;
use crate::handle::{Handle, refused};

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

/// What is done next about something UNKNOWN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStep {
    /// When; `None` if it waits for a person.
    pub at: Option<Wall>,
    /// What.
    pub text: String,
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
    /// Notices that speak of it.
    pub notices: Vec<TxSummary>,
    /// Inquiries about it.
    pub inquiries: Vec<TxSummary>,
}

/// A telegram as the journal has it: the bytes of secret fields are `*`. `Debug` tells its length only.
#[derive(Clone)]
pub struct Stored {
    /// Its bytes, length prefix not included.
    pub telegram: Vec<u8>,
    /// How it lies, by the version that it was sent or read by; `None` if that version is not kept any more.
    pub layout: Option<Arc<Layout>>,
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
    pub async fn search(&self, search: Search) -> Result<Vec<TxSummary>, CallError> {
        Err(refused(Refusal::Stopped, format!("nothing can be searched for yet: {search:?}")))
    }

    /// Everything about one exchange or notice; `None` if nothing is known of it.
    ///
    /// # Errors
    /// The institution is not known, or the journal cannot be read.
    pub async fn show(&self, institution: &str, exchange: ExchangeId) -> Result<Option<TxDetail>, CallError> {
        Err(refused(Refusal::Stopped, format!("{institution}: {exchange} cannot be shown yet")))
    }
}

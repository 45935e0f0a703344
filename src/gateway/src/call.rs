use std::sync::Arc;
use std::time::Duration;

use pabal_switch::{ExchangeId, Outcome, Plan, Refusal};
use pabal_telegram::{Fault, Value};

/// A request of an internal service.
#[derive(Clone, Debug)]
pub struct Call {
    /// The institution's name.
    pub institution: String,
    /// The exchange's name in the institution's spec.
    pub exchange: String,
    /// What is sent.
    pub body: Body,
    /// Which party asks; `None` is the first that is configured.
    pub party: Option<String>,
    /// Who calls; scopes the idempotency key.
    pub caller: String,
    /// The caller's own name for the request.
    pub idempotency_key: Option<String>,
    /// How long the caller still waits; `None` is the configured default.
    pub timeout: Option<Duration>,
    /// The caller takes an UNKNOWN before the institution's time for an answer is over. Without it, a call that waits less long is refused
    /// before anything leaves.
    pub accepts_early_unknown: bool,
    /// The caller's `traceparent`, as it came.
    pub trace: Option<String>,
}

/// The content of a request.
#[derive(Clone, Debug)]
pub enum Body {
    /// Fields by their path.
    Fields(Vec<(String, Value)>),
    /// A telegram without its length prefix. What the gateway stamps is overwritten.
    Raw(Vec<u8>),
}

/// What became of a request of which a byte may have left.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Names the exchange for ever.
    pub exchange: ExchangeId,
    /// What became of it.
    pub outcome: Outcome,
    /// The answer's bytes, length prefix not included; `None` if there is none.
    pub telegram: Option<Arc<[u8]>>,
    /// The version by which the answer is read. `None` if that version is no longer loaded.
    pub plan: Option<Arc<Plan>>,
    /// Our telegram number.
    pub number: Option<String>,
    /// The trace under which it ran.
    pub trace: Option<String>,
    /// The state of the exchange, by its word.
    pub state: String,
}

/// Why a request was refused. It proves that no byte of it left, unless [`CallError::is_proof`] says otherwise.
#[derive(Clone, Debug)]
pub struct CallError {
    /// The reason, from the one list.
    pub refusal: Refusal,
    /// More about it, for people: the place and the fix. Confidential content is masked.
    pub detail: String,
    /// With [`Refusal::InvalidFields`]: all that is wrong.
    pub faults: Vec<Fault>,
    /// The exchange, if one was made.
    pub exchange: Option<ExchangeId>,
    /// `false`: this call sent nothing, but whether an earlier one under its idempotency key did could not be looked up.
    pub is_proof: bool,
}

/// A question about an exchange.
#[derive(Clone, Debug)]
pub struct Find {
    /// The institution's name.
    pub institution: String,
    /// By what it is known.
    pub key: FindKey,
    /// If the key is unused: bind it durably, so that not found is a proof, and a straggler is refused.
    pub fence: bool,
}

/// By what an exchange is known.
#[derive(Clone, Debug)]
pub enum FindKey {
    /// Its own id.
    Exchange(ExchangeId),
    /// The caller's idempotency key.
    Idempotency {
        /// Who called.
        caller: String,
        /// The key.
        key: String,
    },
}

/// What is known of an exchange.
#[derive(Clone, Debug)]
pub enum Found {
    /// It has an outcome, or will have one: `outcome` is `None` while it has none.
    Exchange {
        /// Names it.
        exchange: ExchangeId,
        /// Its state, by its word.
        state: String,
        /// What became of it.
        outcome: Option<Outcome>,
        /// The name of the exchange's rule.
        rule: String,
        /// The answer as stored: secret bytes are replaced.
        telegram: Option<Vec<u8>>,
        /// Our telegram number.
        number: Option<String>,
        /// The trace under which it ran.
        trace: Option<String>,
        /// Each entry of the journal about it, oldest first: when (Unix microseconds), kind, and a line for people.
        history: Vec<(i64, String, String)>,
    },
    /// Nothing is known. With `fenced`, nothing ever will be: the key is bound.
    NotFound {
        /// The key is bound durably.
        fenced: bool,
    },
}

/// An inquiry by hand about an UNKNOWN exchange.
#[derive(Clone, Debug)]
pub struct InquireCall {
    /// The institution's name.
    pub institution: String,
    /// Which exchange.
    pub exchange: ExchangeId,
    /// Who asks.
    pub actor: String,
    /// And why.
    pub reason: String,
    /// How long the actor waits.
    pub timeout: Option<Duration>,
    /// The actor's `traceparent`.
    pub trace: Option<String>,
}

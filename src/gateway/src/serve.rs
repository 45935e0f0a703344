//! Notices for services: who subscribes, what it is given, and what it replies.

use std::sync::Arc;
use std::time::Duration;

use pabal_clock::{BusinessDate, Wall};
use pabal_spec::{Protocol, TelegramId};
use pabal_switch::{ExchangeId, NoticeId, Refusal};

use pabal_telegram::{Layout, Value};

use crate::call::CallError;
use crate::handle::{Handle, refused};

/// Notices that one subscription may hold without having said that it has them.
pub const SERVED_UNACKED_MAX: usize = 64;

/// What became of a service's reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyReport {
    /// The system has all of its bytes.
    Sent,
    /// No byte of it left.
    NotSent,
    /// The code that the spec states went before it.
    TooLate,
}

impl ReplyReport {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sent => "SENT",
            Self::NotSent => "NOT_SENT",
            Self::TooLate => "TOO_LATE",
        }
    }
}

/// What a service wants to be given.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// The institution's name.
    pub institution: String,
    /// The notices' names in its spec; empty is all of them.
    pub notices: Vec<String>,
    /// Who subscribes.
    pub caller: String,
}

/// What a subscriber hears.
#[derive(Clone, Debug)]
pub enum Served {
    /// The institution told us something. It is given again, to this or another subscriber, until one has said that it has it
    /// ([`Replier::received`] or [`Replier::reply`]).
    Notice(Box<Delivered>),
    /// What became of a reply.
    Replied {
        /// To which notice.
        notice: NoticeId,
        /// What became of it.
        report: ReplyReport,
        /// More about it, for people; empty if there is nothing to add.
        detail: String,
    },
}

/// A durable notice, as a subscriber is given it. `Debug` tells of the telegram its length only.
#[derive(Clone)]
pub struct Delivered {
    /// The institution's name.
    pub institution: String,
    /// Names it; the same when it comes again.
    pub notice: NoticeId,
    /// The notice's name in the spec.
    pub rule: String,
    /// The version by which it is read.
    pub protocol: Arc<Protocol>,
    /// Its layout in that version.
    pub layout: TelegramId,
    /// Its bytes, length prefix not included.
    pub telegram: Arc<[u8]>,
    /// The participant that it is from, if the protocol names participants.
    pub participant: Option<String>,
    /// The business date on which it came first.
    pub date: BusinessDate,
    /// The institution's number, if the spec says where it is.
    pub number: Option<String>,
    /// It was here before, by the institution's doing.
    pub repeated: bool,
    /// It is the answer to this exchange, which asked for what was missing.
    pub recovered_by: Option<ExchangeId>,
    /// The exchange that it speaks of.
    pub joined: Option<ExchangeId>,
    /// How long a reply is still taken, from when it was given; `None` if none is.
    pub reply_within: Option<Duration>,
    /// When it came.
    pub received_at: Wall,
    /// Its `traceparent`.
    pub trace: String,
}

/// What a service replies to a notice.
#[derive(Clone)]
pub enum ReplyBody {
    /// A response code; everything else is as the gateway makes it.
    Code(String),
    /// Fields of the answer by their path. The gateway writes type, key, party, participant and what is carried back.
    Fields(Vec<(String, Value)>),
    /// The answer's telegram without its length prefix; what the gateway writes is overwritten.
    Raw(Vec<u8>),
}

/// What one subscriber holds. Dropped, it subscribes no more: what it had not acknowledged goes to another, or waits.
#[derive(Debug)]
pub struct Subscription {
    replier: Replier,
}

/// Replies to notices; cheap to clone.
#[derive(Clone, Debug)]
pub struct Replier {
    _caller: Arc<str>,
}

impl std::fmt::Debug for Delivered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivered")
            .field("notice", &self.notice)
            .field("rule", &self.rule)
            .field("telegram_bytes", &self.telegram.len())
            .field("participant", &self.participant)
            .field("number", &self.number)
            .field("repeated", &self.repeated)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => f.debug_tuple("Code").field(code).finish(),
            Self::Fields(fields) => f.debug_struct("Fields").field("fields", &fields.len()).finish(),
            Self::Raw(bytes) => f.debug_struct("Raw").field("telegram_bytes", &bytes.len()).finish(),
        }
    }
}

impl Delivered {
    /// How its telegram lies.
    #[must_use]
    pub fn layout(&self) -> &Arc<Layout> {
        self.protocol.catalog.layout(self.layout)
    }
}

impl Subscription {
    /// What comes next; `None` when nothing more will come: the institution's driver has ended, or this subscriber has not taken what was
    /// there for it.
    pub async fn next(&mut self) -> Option<Served> {
        None
    }

    /// Replies to what this subscription is given.
    #[must_use]
    pub fn replier(&self) -> Replier {
        self.replier.clone()
    }
}

impl Replier {
    /// Replies to a notice; that also says that it was received. What becomes of the reply is told by [`Served::Replied`].
    ///
    /// # Errors
    /// The notice is not known, or its reply cannot be made; no byte of it left.
    pub async fn reply(&self, notice: NoticeId, _body: ReplyBody) -> Result<(), CallError> {
        self.received(notice).await
    }

    /// Says that a notice is safe with the subscriber: it is not given again.
    ///
    /// # Errors
    /// The notice is not known.
    pub async fn received(&self, _notice: NoticeId) -> Result<(), CallError> {
        Err(refused(Refusal::Stopped, "no service can be served yet"))
    }
}

impl Handle {
    /// Subscribes to notices. Each goes to one subscriber of its rule in turn; what came while there was none waits and comes first.
    ///
    /// # Errors
    /// The institution or a notice is not known, or the institution has no core.
    pub async fn serve(&self, subscribe: Subscribe) -> Result<Subscription, CallError> {
        let Subscribe { institution, notices: _, caller: _ } = subscribe;
        Err(refused(Refusal::Stopped, format!("no service can be served by {institution} yet")))
    }
}

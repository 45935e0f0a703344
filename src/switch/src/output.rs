use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::entry::Entry;
use crate::id::{Conn, ExchangeId, LineId, NoticeId, Ticket};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::refusal::Refusal;
use crate::session::{CloseReason, SessionState};

/// What the shell must do. Drained by [`crate::Core::poll_output`] after every input.
#[derive(Clone)]
pub enum Output {
    /// Connect a session of an initiator line.
    Connect {
        /// The connection that this will be.
        conn: Conn,
    },
    /// Close a connection.
    Close {
        /// Which.
        conn: Conn,
        /// Why.
        reason: CloseReason,
        /// By RST, so that nothing lingers.
        abort: bool,
    },
    /// Make entries durable, in this order and behind all earlier ones; then call [`crate::Core::handle_durable`].
    Append {
        /// Names the batch.
        ticket: Ticket,
        /// At least one.
        entries: Vec<Entry>,
    },
    /// Tell all who wait for an exchange. Its entry is durable.
    Finish {
        /// Which.
        exchange: ExchangeId,
        /// What they hear.
        report: Report,
    },
    /// Give a durable notice to the services that subscribe.
    Deliver {
        /// Which.
        notice: NoticeId,
        /// The notice's rule, by name.
        rule: Box<str>,
        /// The telegram.
        telegram: Arc<[u8]>,
    },
    /// Something that an observer may want to log or count; may be dropped if too many wait.
    Event(Event),
}

/// Of telegrams, their length only.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { conn } => f.debug_struct("Connect").field("conn", conn).finish(),
            Self::Close { conn, reason, abort } => {
                f.debug_struct("Close").field("conn", conn).field("reason", reason).field("abort", abort).finish()
            }
            Self::Append { ticket, entries } => {
                f.debug_struct("Append").field("ticket", ticket).field("entries", entries).finish()
            }
            Self::Finish { exchange, report } => {
                f.debug_struct("Finish").field("exchange", exchange).field("report", report).finish()
            }
            Self::Deliver { notice, rule, telegram } => f
                .debug_struct("Deliver")
                .field("notice", notice)
                .field("rule", rule)
                .field("telegram_bytes", &telegram.len())
                .finish(),
            Self::Event(event) => f.debug_tuple("Event").field(event).finish(),
        }
    }
}

/// What a caller hears. `Debug` tells of the answer its length only.
#[derive(Clone)]
pub enum Report {
    /// A byte may have left, or nobody waited: the outcome.
    Outcome {
        /// What became of it.
        outcome: Outcome,
        /// The answer's bytes, if an answer says it (length prefix not included); none if an inquiry settled it, whose answer has
        /// another layout.
        answer: Option<Arc<[u8]>>,
        /// The version by which the answer is read.
        plan: Arc<Plan>,
        /// Our telegram number, as its digits.
        number: Option<Box<str>>,
        /// The trace under which it runs: that of the call which began it, also for one that asks again.
        trace: Option<Box<str>>,
    },
    /// No byte left.
    NotSent {
        /// Why.
        refusal: Refusal,
        /// More about it, for people.
        detail: String,
    },
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outcome { outcome, answer, number, .. } => f
                .debug_struct("Outcome")
                .field("outcome", outcome)
                .field("answer_bytes", &answer.as_ref().map(|bytes| bytes.len()))
                .field("number", number)
                .finish_non_exhaustive(),
            Self::NotSent { refusal, detail } => {
                f.debug_struct("NotSent").field("refusal", refusal).field("detail", detail).finish()
            }
        }
    }
}

/// What an observer may log or count. Holds no content of telegrams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A session went from one state to another.
    Session {
        /// Which.
        conn: Conn,
        /// Before.
        from: SessionState,
        /// After.
        to: SessionState,
        /// Why, if it closed.
        reason: Option<CloseReason>,
    },
    /// A peer connected and was turned away.
    AcceptRefused {
        /// To which line.
        line: LineId,
    },
    /// An opening went from one state to another.
    Opening {
        /// Which.
        key: crate::opening::OpeningKey,
        /// After.
        to: crate::opening::OpeningState,
    },
    /// A telegram came that nobody waits for; it is in the journal.
    Unclaimed {
        /// By which connection.
        conn: Conn,
        /// The computed key, the nearest pending key, and the field that differs.
        reason: String,
    },
    /// An answer contradicts what had been said.
    Contradiction {
        /// Of which exchange.
        exchange: ExchangeId,
    },
    /// More exchanges are UNKNOWN than may be kept: from now on only the journal knows this one, where it is listed for a person.
    Evicted {
        /// Which.
        exchange: ExchangeId,
    },
    /// Telegram numbers are running out.
    NumbersLow {
        /// How many are left.
        left: u64,
    },
    /// Events that were dropped since the last one, because the observer was slow.
    Dropped {
        /// How many.
        count: u64,
    },
}

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::delivery::{Delivery, ReplyReport};
use crate::entry::Entry;
use crate::gap::GapEnd;
use crate::id::{Conn, ExchangeId, LineId, NoticeId, Ticket};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::refusal::Refusal;
use crate::session::{CloseReason, SessionState};
use crate::text::Text;

/// What the shell must do. Drained by [`crate::Core::poll_output`] after every input.
#[derive(Clone)]
pub enum Output {
    /// Connect a session of an initiator line.
    Connect {
        /// The connection that this will be.
        conn: Conn,
        /// The place of the address among those of the line.
        address: u8,
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
    /// Give a durable notice to a service that subscribes. If none does, it waits: [`crate::Core::undelivered`].
    Deliver(Box<Delivery>),
    /// Tell the service that replied to a notice what became of its reply.
    Replied {
        /// To which notice.
        notice: NoticeId,
        /// What became of the reply.
        report: ReplyReport,
    },
    /// Something that an observer may want to log or count; may be dropped if too many wait.
    Event(Event),
}

/// Of telegrams, their length only.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { conn, address } => {
                f.debug_struct("Connect").field("conn", conn).field("address", address).finish()
            }
            Self::Close { conn, reason, abort } => {
                f.debug_struct("Close").field("conn", conn).field("reason", reason).field("abort", abort).finish()
            }
            Self::Append { ticket, entries } => {
                f.debug_struct("Append").field("ticket", ticket).field("entries", entries).finish()
            }
            Self::Finish { exchange, report } => {
                f.debug_struct("Finish").field("exchange", exchange).field("report", report).finish()
            }
            Self::Deliver(delivery) => f.debug_tuple("Deliver").field(delivery).finish(),
            Self::Replied { notice, report } => {
                f.debug_struct("Replied").field("notice", notice).field("report", report).finish()
            }
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
        number: Option<Text>,
        /// The trace under which it runs: that of the call which began it, also for one that asks again.
        trace: Option<Arc<str>>,
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
    /// What was tried at a line's address failed, or did not last: the next connection goes to this one.
    Address {
        /// Which line.
        line: LineId,
        /// The place of the address among those of the line.
        address: u8,
    },
    /// A backup line begins to stand in for its main line, or ends.
    Duty {
        /// Which.
        line: LineId,
        /// It begins.
        on_duty: bool,
    },
    /// The spec in force cannot judge a control: it blocks all that it may mean, until it is lifted or put there anew.
    ControlUnjudged {
        /// Which.
        control: crate::control::ControlId,
        /// What it names that is not there.
        reason: Box<str>,
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
    /// More notices are kept than may be: no service has this one, and from now on only the journal knows it.
    NoticeEvicted {
        /// Which.
        notice: NoticeId,
    },
    /// A notice is about an exchange of ours, and what confirms it agrees.
    Joined {
        /// Which notice.
        notice: NoticeId,
        /// About which exchange.
        exchange: ExchangeId,
    },
    /// A notice names an exchange of ours, but something differs, or there is none: a person has to look at it.
    NotJoined {
        /// Which notice.
        notice: NoticeId,
        /// What differs.
        reason: String,
    },
    /// Numbers of theirs are missing and are not asked for any more: a person has to look at it.
    NumbersMissing {
        /// The rule of the notices.
        rule: Box<str>,
        /// The scope of the numbers, as text.
        scope: String,
        /// How many are missing.
        count: u64,
        /// Why they are not asked for.
        reason: GapEnd,
    },
    /// Numbers of too many scopes came: those of this one are not followed any more, and what is missing of it from now on is not found.
    SequenceEvicted {
        /// The rule of the notices.
        rule: Box<str>,
        /// The scope of the numbers, as text.
        scope: String,
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

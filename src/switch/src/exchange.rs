use alloc::sync::Arc;

use pabal_clock::{Hold, Mono, Timers};
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::declare::declare;
use crate::entry::About;
use crate::id::{Conn, ExchangeId};
use crate::outcome::{Cause, Outcome};
use crate::text::Text;
use crate::timer::TimerName;
use crate::transition::transitions;

declare! {
    /// How far an exchange is.
    pub enum ExchangeState {
        Accepted = "accepted", "Taken in; its first entry is not durable yet.";
        Waiting = "waiting", "Durable; waits for room in the window.";
        Sending = "sending", "Numbered, stamped and given to a session; its entry is not durable, or its bytes are not all written.";
        Sent = "sent", "All bytes are written; the answer is awaited.";
        Finished = "finished", "SUCCESS or FAILURE.";
        Unknown = "unknown", "UNKNOWN; an answer may still come.";
        Inquiring = "inquiring", "UNKNOWN; an inquiry is on its way.";
        Cancelling = "cancelling", "UNKNOWN; a net cancel is on its way.";
        Listed = "listed", "UNKNOWN; a person has to look at it.";
        Settled = "settled", "Was UNKNOWN; has become SUCCESS or FAILURE.";
    }
}

declare! {
    /// What changes the state of an exchange.
    pub enum ExchangeEvent {
        Durable = "durable", "Its first entry is durable, and there was no room yet.";
        Depart = "depart", "It left the queue: numbered, stamped, queued to a session.";
        Written = "written", "The kernel took its last byte.";
        Refuse = "refuse", "It is proven that no byte left, and nobody was told otherwise.";
        Conclude = "conclude", "The answer says SUCCESS or FAILURE, and nobody was told UNKNOWN.";
        Lapse = "lapse", "Nobody can say what became of it.";
        Inquire = "inquire", "An inquiry was taken in.";
        Unsettled = "unsettled", "The inquiry ended and settled nothing.";
        List = "list", "Nothing more is done by itself.";
        Settle = "settle", "What was UNKNOWN is SUCCESS or FAILURE.";
    }
}

transitions!(ExchangeState, ExchangeEvent, exchanges {
    Accepted + Durable => Waiting;
    Accepted + Depart => Sending;
    Accepted + Refuse => Finished;
    Waiting + Depart => Sending;
    Waiting + Refuse => Finished;
    Sending + Written => Sent;
    Sending + Refuse => Finished;
    Sending + Lapse => Unknown;
    Sending + Settle => Settled;
    Sent + Refuse => Finished;
    Sent + Conclude => Finished;
    Sent + Lapse => Unknown;
    Sent + Settle => Settled;
    Unknown + Inquire => Inquiring;
    Unknown + List => Listed;
    Unknown + Settle => Settled;
    Inquiring + Unsettled => Unknown;
    Inquiring + Settle => Settled;
    Cancelling + Settle => Settled;
    Listed + Inquire => Inquiring;
    Listed + Settle => Settled;
});

impl ExchangeState {
    /// Whether it waits to leave; no byte has.
    pub(crate) const fn is_waiting(self) -> bool {
        matches!(self, Self::Accepted | Self::Waiting)
    }

    /// Whether it is with the institution, or on its way there, and its time is not over.
    pub(crate) const fn is_in_flight(self) -> bool {
        matches!(self, Self::Sending | Self::Sent)
    }

    /// Whether it can no longer change.
    pub(crate) const fn is_final(self) -> bool {
        matches!(self, Self::Finished | Self::Settled)
    }
}

impl Exchange {
    /// Whether an answer says what became of it that only the journal has: an earlier process had it, and a checkpoint holds none.
    pub(crate) fn has_answer_in_journal(&self) -> bool {
        let by_answer = |outcome: Outcome| matches!(outcome.cause(), Cause::Answered | Cause::Refused | Cause::Late);
        self.answer.is_none() && self.told.is_some_and(|outcome| outcome.is_final() && by_answer(outcome))
    }
}

/// Where the bytes of a request went: `start..end` of a connection's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) conn: Conn,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// The timers of an exchange that almost each one has: [`TimerName::Caller`] and [`TimerName::Answer`]. An image has them among the timers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Holds {
    pub(crate) caller: Hold,
    pub(crate) answer: Hold,
}

impl Exchange {
    pub(crate) fn set_caller(&mut self, timers: &mut Timers<TimerName>, at: Mono) {
        timers.set_held(&mut self.holds.caller, TimerName::Caller(self.id), at);
    }

    pub(crate) fn set_answer(&mut self, timers: &mut Timers<TimerName>, at: Mono) {
        timers.set_held(&mut self.holds.answer, TimerName::Answer(self.id), at);
    }

    pub(crate) fn stop_caller(&mut self, timers: &mut Timers<TimerName>) {
        timers.stop_held(&mut self.holds.caller, &TimerName::Caller(self.id));
    }

    pub(crate) fn stop_answer(&mut self, timers: &mut Timers<TimerName>) {
        timers.stop_held(&mut self.holds.answer, &TimerName::Answer(self.id));
    }

    /// Until when it is waited for its answer.
    pub(crate) fn answer_until(&self, timers: &Timers<TimerName>) -> Option<Mono> {
        timers.get_held(self.holds.answer, &TimerName::Answer(self.id))
    }

    /// Holds its timers where an image was read, which has them by their names.
    pub(crate) fn hold_timers(&mut self, timers: &mut Timers<TimerName>) {
        let names = [TimerName::Caller(self.id), TimerName::Answer(self.id)];
        for (hold, name) in [&mut self.holds.caller, &mut self.holds.answer].into_iter().zip(names) {
            if timers.get_held(*hold, &name).is_none() {
                *hold = timers.hold(&name);
            }
        }
    }
}

/// One request and what becomes of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) id: ExchangeId,
    /// The place of its plan in the core.
    pub(crate) plan: u32,
    pub(crate) protocol: u16,
    pub(crate) state: ExchangeState,
    pub(crate) about: Arc<About>,
    /// Which opening it needs, or opens.
    pub(crate) opening: Option<u32>,
    /// It is too late to leave for an answer that the caller still hears; `None` if that does not matter.
    pub(crate) leave_by: Option<Mono>,
    /// Kept until it is final, since an inquiry compares with it.
    pub(crate) telegram: Bytes,
    /// What is kept of the telegram of a settled one, for a notice that is about it.
    pub(crate) confirms: Bytes,
    pub(crate) number: Option<Text>,
    /// Its correlation key among the pending ones; empty before it left the queue.
    pub(crate) key: Bytes,
    pub(crate) sent: Option<Sent>,
    /// Its number names something of theirs, and was not given by us.
    pub(crate) has_their_number: bool,
    /// Whether it still takes room in the window of the session that sent it.
    pub(crate) takes_room: bool,
    /// The last outcome that was appended.
    pub(crate) outcome: Option<Outcome>,
    /// The last outcome that is durable.
    pub(crate) told: Option<Outcome>,
    pub(crate) answer: Option<Bytes>,
    /// Asks what became of it.
    pub(crate) inquiry: Option<ExchangeId>,
    /// Its key is kept for late answers.
    pub(crate) is_tombstoned: bool,
    /// A person was told to look at it.
    #[serde(default)]
    pub(crate) is_listed: bool,
    /// What its timers are found by.
    #[serde(skip)]
    pub(crate) holds: Holds,
}

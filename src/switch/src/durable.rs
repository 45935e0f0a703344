use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::Now;
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::core::Core;
use crate::entry::Entry;
use crate::exchange::{ExchangeEvent, ExchangeState};
use crate::id::{Conn, ExchangeId, NoticeId, SessionId, Ticket};
use crate::outcome::{Cause, Outcome};
use crate::output::{Output, Report};
use crate::refusal::Refusal;
use crate::session::CloseReason;

/// What happens once an entry is durable, and not before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Effect {
    /// An exchange that waits is taken in.
    Accept(ExchangeId),
    /// The frame that ends here may be given to the socket.
    Release { conn: Conn, end: u64 },
    /// Waiters hear an outcome, or that nothing was sent.
    Finish { exchange: ExchangeId, outcome: Outcome, refused: Option<String>, answer: Option<Bytes> },
    /// A notice is given to services.
    Deliver(NoticeId),
    /// A session is made in a slot that was free.
    Connect(SessionId),
    /// Nothing: it was taken back.
    Nothing,
}

/// Entries that became one batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) ticket: Ticket,
    entries: u32,
    /// So many of the effects.
    effects: u32,
}

/// How far the journal is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Journal {
    next: Ticket,
    pub(crate) undurable: VecDeque<Batch>,
    /// What happens when they are durable, in their order; behind that, what follows from the batch of the call that is running.
    effects: VecDeque<Effect>,
    pub(crate) undurable_entries: u32,
    /// Why nothing becomes durable any more.
    pub(crate) failed: Option<Box<str>>,
}

impl Core {
    /// Adds an entry to the batch of this call. After a failure of the journal there are no more entries.
    pub(crate) fn append(&mut self, entry: Entry) {
        if self.state.journal.failed.is_none() {
            if self.entries.capacity() == 0 {
                // Most calls make two.
                self.entries.reserve_exact(2);
            }
            self.entries.push(entry);
        }
    }

    /// What happens when the batch of this call is durable.
    pub(crate) fn when_durable(&mut self, effect: Effect) {
        if self.state.journal.failed.is_none() {
            self.effects += 1;
            self.state.journal.effects.push_back(effect);
        }
    }

    /// What was queued behind a place of a stream was taken back: an entry about it that becomes durable releases nothing, least of
    /// all the frame that ends where it would have.
    pub(crate) fn no_release_behind(&mut self, conn: Conn, place: u64) {
        for effect in &mut self.state.journal.effects {
            if matches!(effect, Effect::Release { conn: on, end } if *on == conn && *end > place) {
                *effect = Effect::Nothing;
            }
        }
    }

    /// The ticket of the batch that this call makes.
    pub(crate) const fn ticket(&self) -> Ticket {
        self.state.journal.next
    }

    /// Hands out the batch of this call, if it has entries.
    pub(crate) fn flush(&mut self) {
        if self.entries.is_empty() {
            assert!(self.effects == 0, "effects wait for an entry");
            return;
        }
        let ticket = self.state.journal.next;
        let entries = core::mem::take(&mut self.entries);
        let effects = core::mem::take(&mut self.effects);
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        self.state.journal.next = Ticket(ticket.0 + 1);
        self.state.journal.undurable_entries += count;
        self.state.journal.undurable.push_back(Batch { ticket, entries: count, effects });
        self.outputs.push_back(Output::Append { ticket, entries });
    }

    /// Whether as many entries wait to become durable as may wait.
    pub(crate) const fn journal_is_full(&self) -> bool {
        self.state.journal.undurable_entries >= self.state.limits.undurable_entries_max
    }

    pub(crate) fn durable(&mut self, ticket: Ticket, now: Now) {
        while self.state.journal.undurable.front().is_some_and(|batch| batch.ticket <= ticket) {
            let Some(batch) = self.state.journal.undurable.pop_front() else { return };
            self.state.journal.undurable_entries -= batch.entries;
            for _ in 0..batch.effects {
                let Some(effect) = self.state.journal.effects.pop_front() else { return };
                self.take_effect(effect, now);
            }
        }
    }

    fn take_effect(&mut self, effect: Effect, now: Now) {
        match effect {
            Effect::Accept(id) => {
                if let Some(exchange) = self.state.exchanges.get_mut(&id)
                    && exchange.state == ExchangeState::Accepted
                {
                    exchange.state.step(ExchangeEvent::Durable, &mut self.fired);
                }
            }
            Effect::Release { conn, end } => {
                if let Some(slot) = self.slot_of(conn) {
                    self.state.sessions[slot].out.release(end);
                }
            }
            Effect::Finish { exchange, outcome, refused, answer } => {
                self.finish(exchange, outcome, refused, answer);
                self.forget(exchange);
                // It may be one too many, and was only to be told before it goes.
                self.evict_unknown();
            }
            Effect::Deliver(notice) => {
                self.state.notices.offer(notice);
                self.deliver(notice);
            }
            Effect::Connect(session) => self.may_connect(session, now),
            Effect::Nothing => {}
        }
    }

    /// Tells all who wait for an exchange what became of it.
    pub(crate) fn finish(&mut self, id: ExchangeId, outcome: Outcome, refused: Option<String>, answer: Option<Bytes>) {
        let Some(exchange) = self.state.exchanges.get_mut(&id) else { return };
        exchange.told = Some(outcome);
        let (number, trace) = (exchange.number.clone(), exchange.about.trace.clone());
        let plan = Arc::clone(&self.plans[exchange.plan as usize]);
        let report = match (refused, outcome) {
            (Some(detail), Outcome::Failure { refusal: Some(refusal), .. }) => Report::NotSent { refusal, detail },
            _ => Report::Outcome { outcome, answer: answer.map(|bytes| bytes.shared()), plan, number, trace },
        };
        self.outputs.push_back(Output::Finish { exchange: id, report });
    }

    /// Nothing becomes durable any more, and a failed sync is never tried again: nothing more leaves, and every session closes.
    ///
    /// A request without a durable `sending` entry never left, so its caller hears the error. One with it may have left: the entry
    /// without an outcome behind it says UNKNOWN by itself, now and to whoever recovers from the journal, so the caller hears that.
    pub(crate) fn journal_failed(&mut self, why: &str, now: Now) {
        if self.state.journal.failed.is_some() {
            return;
        }
        self.state.journal.failed = Some(why.into());
        self.entries.clear();
        self.effects = 0;
        self.state.journal.effects.clear();
        self.state.journal.undurable.clear();
        self.state.journal.undurable_entries = 0;
        let open: Vec<_> = self
            .state
            .exchanges
            .values()
            .filter(|exchange| exchange.told.is_none())
            .map(|exchange| exchange.id)
            .collect();
        for id in open {
            let (outcome, refused) = if self.never_left(id) {
                let refusal = Some(Refusal::JournalFailed);
                (Outcome::Failure { cause: Cause::NotSent, refusal }, Some(String::from(why)))
            } else {
                (Outcome::Unknown { cause: Cause::NotKept }, None)
            };
            self.give_up(id, outcome);
            self.finish(id, outcome, refused, None);
        }
        for slot in 0..self.state.sessions.len() {
            self.close(slot, CloseReason::JournalFailed, now);
        }
    }

    /// Whether no byte of a request was given to its socket.
    fn never_left(&self, id: ExchangeId) -> bool {
        let Some(exchange) = self.state.exchanges.get(&id) else { return true };
        if matches!(exchange.outcome, Some(Outcome::Failure { cause: Cause::NotSent, .. })) {
            return true;
        }
        let Some(sent) = exchange.sent else { return true };
        self.slot_of(sent.conn).is_some_and(|slot| {
            let session = &self.state.sessions[slot];
            (session.is_connected() || session.is_stuck()) && session.out.written() <= sent.start
        })
    }
}

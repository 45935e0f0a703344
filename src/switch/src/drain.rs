//! Waiting ends: the caller's, the institution's, and ours.

use alloc::vec::Vec;

use pabal_clock::{Mono, Now};

use crate::conclude::Conclusion;
use crate::core::Core;
use crate::exchange::ExchangeState;
use crate::id::ExchangeId;
use crate::outcome::{Cause, Outcome};
use crate::refusal::Refusal;
use crate::session::{CloseReason, SessionEvent, SessionState};
use crate::timer::TimerName;

impl Core {
    /// The caller stops waiting soon. What has not left is not sent; what has is UNKNOWN to the caller, and goes on.
    pub(crate) fn caller_leaves(&mut self, id: ExchangeId, now: Now) {
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        if exchange.state.is_waiting() {
            self.refuse_waiting(id, Refusal::DeadlinePassed, now);
        } else if exchange.state.is_in_flight() && exchange.outcome.is_none() {
            let outcome = Outcome::Unknown { cause: Cause::CallerDeadline };
            self.conclude(id, Conclusion { event: None, outcome, refused: None, answer: None, conn: None }, now);
        }
    }

    /// The institution's time is over.
    pub(crate) fn answer_missing(&mut self, id: ExchangeId, now: Now) {
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        if exchange.state.is_in_flight() {
            let protocol = exchange.protocol;
            self.lapse(id, Cause::NoAnswer, now);
            self.pump(protocol, now);
        }
    }

    pub(crate) fn begin_drain(&mut self, deadline: Mono, now: Now) {
        if self.state.drain_until.is_some() {
            return;
        }
        self.state.drain_until = Some(deadline);
        self.state.timers.set(TimerName::Drain, deadline);
        let waiting: Vec<ExchangeId> =
            self.state.conversations.iter().flat_map(|conversation| conversation.waiting.iter()).collect();
        for id in waiting {
            self.refuse_waiting(id, Refusal::Draining, now);
        }
        for slot in 0..self.state.sessions.len() {
            let session = &self.state.sessions[slot];
            let id = session.id;
            self.state.timers.stop(&TimerName::Reconnect(id));
            match self.state.sessions[slot].state {
                SessionState::Up | SessionState::Probing => self.change(slot, SessionEvent::Drain, None),
                SessionState::Down => self.tell_session(slot, None, 0),
                _ => self.close(slot, CloseReason::Drained, now),
            }
        }
        self.drain_on(now);
    }

    /// Closes all sessions as soon as nothing is awaited any more.
    pub(crate) fn drain_on(&mut self, now: Now) {
        if self.state.drain_until.is_none() || self.state.journal.failed.is_some() {
            return;
        }
        let is_awaited = !self.state.journal.undurable.is_empty()
            || !self.entries.is_empty()
            || self.state.exchanges.values().any(|exchange| exchange.state.is_in_flight())
            || (self.state.notices.is_reply_awaited()
                && self.state.sessions.iter().any(|one| one.is_connected() && one.may_send()))
            || self.state.sessions.iter().any(|session| session.out.unsent_bytes() > 0);
        if !is_awaited {
            self.close_all(CloseReason::Drained, now);
        }
    }

    /// Draining has taken too long: what is still with the institution is UNKNOWN.
    pub(crate) fn drain_over(&mut self, now: Now) {
        self.close_all(CloseReason::Stopped, now);
        let in_flight: Vec<ExchangeId> = self
            .state
            .exchanges
            .values()
            .filter(|exchange| matches!(exchange.state, ExchangeState::Sending | ExchangeState::Sent))
            .map(|exchange| exchange.id)
            .collect();
        for id in in_flight {
            self.lapse(id, Cause::Restarted, now);
        }
    }

    fn close_all(&mut self, reason: CloseReason, now: Now) {
        for slot in 0..self.state.sessions.len() {
            self.close(slot, reason, now);
        }
    }
}

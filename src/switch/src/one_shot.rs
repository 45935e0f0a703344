//! Lines that connect for one exchange, and sessions whose answers have no key: what belongs to one connection and ends with it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_clock::Now;
use pabal_spec::TelegramId;

use crate::core::Core;
use crate::id::{Conn, ExchangeId, SessionId};
use crate::refusal::Refusal;
use crate::session::{CloseReason, Session, SessionState};
use crate::timer::TimerName;

impl Session {
    /// Whether it is, or is about to be, there for a request that waits.
    const fn is_coming(&self) -> bool {
        match self.state {
            SessionState::Connecting | SessionState::SigningOn => true,
            SessionState::Up => !self.served,
            _ => false,
        }
    }
}

impl Core {
    /// Whether a slot of such a line may be used for the next exchange, now or when what fills it is over. One whose last connection
    /// failed waits for its back-off, as all do.
    pub(crate) fn is_makeable(&self, session: &Session) -> bool {
        session.per_exchange
            && self.is_wanted(session.id.line)
            && (session.state != SessionState::Down
                || self.state.timers.get(&TimerName::Reconnect(session.id)).is_none())
    }

    /// More requests wait, and may leave by their rates, than connections are on their way to them. One that was made too early would only be
    /// there for the institution to close.
    pub(crate) fn is_demanded(&mut self, protocol: u16, now: Now) -> bool {
        let waiting = self.may_leave_by_rate(protocol, now);
        let coming = |one: &&Session| one.protocol == protocol && one.per_exchange && one.is_coming();
        waiting > self.state.sessions.iter().filter(coming).count()
    }

    /// Connects for what waits, as far as there are slots.
    pub(crate) fn demand(&mut self, protocol: u16, now: Now) {
        if self.state.conversations[usize::from(protocol)].waiting.is_empty()
            || !self.state.sessions.any_per_exchange(protocol)
        {
            return;
        }
        for slot in 0..self.state.sessions.len() {
            let session = &self.state.sessions[slot];
            if self.is_free(session, protocol) && session.is_told {
                let id = session.id;
                if !self.is_demanded(protocol, now) {
                    return;
                }
                self.connect(id, now);
            }
        }
    }

    /// Whether a slot may be connected for what waits: at once, or as soon as it is written down that it may be in use.
    fn is_free(&self, session: &Session, protocol: u16) -> bool {
        session.protocol == protocol && session.state == SessionState::Down && self.is_makeable(session)
    }

    /// That a slot may be in use is written down: it connects, or, where it connects per exchange, may be asked to.
    pub(crate) fn may_connect(&mut self, id: SessionId, now: Now) {
        let Some(slot) = self.slot(id) else { return };
        self.state.sessions[slot].is_told = true;
        self.connect_again(id, now);
    }

    /// A slot may be used. Where it connects per exchange nothing may want it, and business that could not be opened without it is tried now.
    pub(crate) fn connect_again(&mut self, id: SessionId, now: Now) {
        let Some(slot) = self.slot(id) else { return };
        let session = &self.state.sessions[slot];
        let (protocol, per_exchange) = (session.protocol, session.per_exchange);
        self.connect(id, now);
        if per_exchange {
            self.try_openings(protocol, now);
        }
    }

    /// A connection that was made for a request, and none waits any more.
    pub(crate) fn close_unneeded(&mut self, protocol: u16, now: Now) {
        if !self.state.conversations[usize::from(protocol)].waiting.is_empty() {
            return;
        }
        let unneeded = |one: &Session| {
            one.protocol == protocol && one.per_exchange && one.state == SessionState::Up && !one.served
        };
        let slots: Vec<usize> =
            self.state.sessions.iter().enumerate().filter(|(_, one)| unneeded(one)).map(|(slot, _)| slot).collect();
        for slot in slots {
            if unneeded(&self.state.sessions[slot]) {
                self.part(slot, CloseReason::Answered, now);
            }
        }
    }

    /// A request is no longer in flight, answered or not: the connection that was made for it is over.
    pub(crate) fn exchange_over(&mut self, conn: Conn, was_answered: bool, now: Now) {
        let Some(slot) = self.slot_of(conn) else { return };
        let session = &mut self.state.sessions[slot];
        session.answered |= was_answered;
        if session.per_exchange && session.served && session.in_flight == 0 {
            self.part(slot, CloseReason::Answered, now);
        }
    }

    /// A connection that was asked for did not become a session, and nothing of the request for which it was made has left: it goes by
    /// another line, if one may connect for it, and is refused if none may. What we ended ourselves says nothing against its line.
    pub(crate) fn attempt_failed(&mut self, slot: usize, reason: CloseReason, now: Now) {
        let session = &self.state.sessions[slot];
        let (line, protocol, is_ours) = (session.id.line, session.protocol, reason.is_our_wish());
        let per_exchange = session.per_exchange;
        if !per_exchange || !self.is_demanded(protocol, now) {
            return;
        }
        let other =
            self.state.sessions.iter().find(|one| self.is_free(one, protocol) && (is_ours || one.id.line != line));
        if let Some((other, is_told)) = other.map(|one| (one.id, one.is_told)) {
            if is_told {
                self.connect(other, now);
            }
            return;
        }
        let may_leave = |id: &ExchangeId| {
            let exchange = self.state.exchanges.get(id);
            exchange.is_some_and(|one| self.paced(protocol, &one.about.compartment, now).is_none())
        };
        let first = self.state.conversations[usize::from(protocol)].waiting.iter().find(may_leave);
        if let Some(first) = first.filter(|_| !is_ours) {
            let text = format!("the connection for it was not made: {}", reason.sentence());
            self.refuse_waiting_for(first, Refusal::SendDown, &text, now);
        }
    }

    /// A slot of a line that connects per exchange is free again. If its connection served nothing, it backs off as others do, and what
    /// no other slot may take is refused; else the next one may have it. Whether it backs off.
    pub(crate) fn next_exchange(&mut self, slot: usize, now: Now) -> bool {
        let session = &mut self.state.sessions[slot];
        let (id, protocol) = (session.id, session.protocol);
        if session.served || matches!(session.closed, None | Some(CloseReason::Answered)) {
            let min = self.line(id).reconnect_min;
            self.state.sessions[slot].back_off = min;
            // What opens business could not be asked while no slot was free, and nothing else may come that asks for it.
            self.try_openings(protocol, now);
            return false;
        }
        true
    }

    /// Every slot waits for its back-off: what waits for one would wait for a peer that is not there.
    pub(crate) fn refuse_if_none_is_makeable(&mut self, protocol: u16, now: Now) {
        if self.halves(protocol).0 {
            return;
        }
        let waiting: Vec<ExchangeId> = self.state.conversations[usize::from(protocol)].waiting.iter().collect();
        for id in waiting {
            self.refuse_waiting_for(id, Refusal::SendDown, "the last connections were not made", now);
        }
    }

    /// Without a key an answer is that of the only request of its session. If it has none, or another kind of answer is awaited, one
    /// answer too many came: whose the next one is, nobody could say.
    pub(crate) fn answer_in_turn(&mut self, slot: usize, conn: Conn, telegram: TelegramId, frame: &[u8], now: Now) {
        let reason = match self.state.sessions[slot].asked {
            None => String::from("this session has asked nothing that is not answered"),
            Some(id) if !self.is_its_answer(id, frame) => {
                format!("it is not the kind of answer that exchange {id} has")
            }
            Some(id) if !self.has_left(id) => format!("exchange {id} is asked, of which not all bytes have left"),
            Some(id) => {
                self.state.sessions[slot].asked = None;
                self.answered(id, conn, frame, now);
                return;
            }
        };
        self.unclaimed_as(slot, telegram, frame, reason);
        self.close(slot, CloseReason::AnswerMissed, now);
    }

    /// Where answers have no key, what comes next on a connection could be the late answer to a request that is not awaited any more: the
    /// connection is closed first. Whether that has said what became of the request: that it never left, or not all of it.
    pub(crate) fn ends_its_session(&mut self, id: ExchangeId, now: Now) -> bool {
        let Some(exchange) = self.state.exchanges.get(&id) else { return true };
        let has_key = !self.plans[exchange.plan as usize].protocol.rules.key.is_empty();
        let slot = exchange.sent.and_then(|sent| self.slot_of(sent.conn));
        if let Some(slot) = slot.filter(|_| !has_key) {
            self.close(slot, CloseReason::AnswerMissed, now);
        }
        self.state.exchanges.get(&id).is_none_or(|exchange| !exchange.state.is_in_flight())
    }

    fn is_its_answer(&self, id: ExchangeId, frame: &[u8]) -> bool {
        let plan = self.state.exchanges.get(&id).and_then(|exchange| self.plans.get(exchange.plan as usize));
        plan.is_some_and(|plan| plan.exchange().answer.bytes.iter().all(|(at, bytes)| at.of(frame) == Some(bytes)))
    }
}

//! Sessions of lines: connecting, accepting, closing, and when a slot is free again.

use alloc::format;
use alloc::vec::Vec;

use pabal_clock::{Mono, Now};
use pabal_telegram::Deframer;

use crate::byte_table::ByteTable;
use crate::core::Core;
use crate::durable::Effect;
use crate::entry::{Entry, SessionChanged};
use crate::id::{Epoch, ExchangeId, LineId, SessionId};
use crate::outcome::Cause;
use crate::output::{Event, Output};
use crate::refusal::Refusal;
use crate::route::WaitsFor;
use crate::session::{CloseReason, Session, SessionEvent, SessionState};
use crate::settings::{Connects, LineSettings, LineSide};
use crate::stream::{Cargo, Outgoing};
use crate::timer::TimerName;

impl Session {
    /// A slot of a line: nothing fills it.
    pub(crate) fn of(line: &LineSettings, id: SessionId, protocol: u16) -> Self {
        Self {
            id,
            protocol,
            side: line.side,
            direction: line.direction,
            window: line.window,
            state: SessionState::Down,
            epoch: Epoch(0),
            gone: true,
            deframer: None,
            out: Outgoing::default(),
            unsent_bytes_max: line.unsent_bytes_max,
            full: None,
            in_flight: 0,
            taken: ByteTable::default(),
            up_since: Mono::ZERO,
            received_at: None,
            wrote_at: None,
            closed: None,
            detail: None,
            stopped: None,
            back_off: line.reconnect_min,
            waits_for: WaitsFor::Nothing,
            address: 0,
            is_well: false,
            probe: None,
            sign: None,
            parting: None,
            asked: None,
            per_exchange: line.connects == Connects::PerExchange && line.side == LineSide::Initiator,
            served: false,
            answered: false,
            is_told: false,
        }
    }

    /// Whether its connection was made for one exchange, and has done that.
    const fn was_done(&self) -> bool {
        self.per_exchange && self.answered
    }

    /// Whether nothing is left of its last connection on this side.
    pub(crate) const fn is_gone(&self) -> bool {
        match self.state {
            SessionState::Down => true,
            SessionState::Closing => self.gone,
            _ => false,
        }
    }
}

impl Core {
    /// Makes a slot for each session that the lines may have.
    pub(crate) fn lay_sessions(&mut self) {
        for (at, line) in (0..).zip(&self.settings.lines) {
            let protocol = self.books.iter().position(|book| book.protocol.name == line.protocol);
            let Some(protocol) = protocol.and_then(|at| u16::try_from(at).ok()) else { continue };
            for slot in 0..line.sessions_max {
                self.state.sessions.push(Session::of(line, SessionId { line: LineId(at), slot }, protocol));
            }
        }
    }

    pub(crate) fn line(&self, id: SessionId) -> &LineSettings {
        &self.settings.lines[usize::from(id.line.0)]
    }

    /// At the start. That a slot may be in use again is written down first: whoever comes behind a crash must hold it, also if
    /// the process before us had left it for good.
    pub(crate) fn connect_all(&mut self) {
        let down = |session: &Session| session.state == SessionState::Down && session.side == LineSide::Initiator;
        for slot in 0..self.state.sessions.len() {
            if down(&self.state.sessions[slot]) && !self.is_given_up(self.state.sessions[slot].id.line) {
                self.tell_session(slot, None, 0);
                self.when_durable(Effect::Connect(self.state.sessions[slot].id));
            }
        }
    }

    pub(crate) fn connect(&mut self, id: SessionId, now: Now) {
        let Some(slot) = self.slot(id) else { return };
        if !self.is_wanted(id.line) || self.state.sessions[slot].state != SessionState::Down {
            self.state.sessions[slot].waits_for = WaitsFor::Nothing;
            return;
        }
        let (protocol, per_exchange) = (self.state.sessions[slot].protocol, self.state.sessions[slot].per_exchange);
        if per_exchange && !self.is_demanded(protocol, now) {
            return;
        }
        // It has a time for that already.
        if self.state.timers.get(&TimerName::Reconnect(id)).is_some() || !self.has_turn(slot, now) {
            return;
        }
        let timeout = self.line(id).connect_timeout;
        let address = self.next_address(slot);
        let session = &mut self.state.sessions[slot];
        session.epoch = Epoch(session.epoch.0.wrapping_add(1));
        session.gone = false;
        session.served = false;
        session.answered = false;
        session.address = address;
        let conn = session.conn();
        self.change(slot, SessionEvent::Connect, None);
        self.state.timers.set(TimerName::Connect(id), now.mono + timeout);
        self.outputs.push_back(Output::Connect { conn, address });
    }

    pub(crate) fn connect_held(&mut self, slot: usize, until: Mono) {
        let session = &self.state.sessions[slot];
        if session.state == SessionState::Connecting {
            let timeout = self.line(session.id).connect_timeout;
            self.state.timers.set(TimerName::Connect(session.id), until + timeout);
        }
    }

    pub(crate) fn connected(&mut self, slot: usize, now: Now) {
        let session = &self.state.sessions[slot];
        if session.state == SessionState::Connecting {
            self.state.timers.stop(&TimerName::Connect(session.id));
            self.come_up(slot, SessionEvent::Connected, now);
        }
    }

    pub(crate) fn connect_failed(&mut self, slot: usize, now: Now) {
        let session = &self.state.sessions[slot];
        let id = session.id;
        match session.state {
            SessionState::Connecting => {
                self.state.timers.stop(&TimerName::Connect(id));
                self.state.sessions[slot].gone = true;
                self.change(slot, SessionEvent::ConnectFailed, Some(CloseReason::ConnectFailed));
                self.try_failed(slot);
                self.attempt_failed(slot, CloseReason::ConnectFailed, now);
                self.back_off(slot, now);
                self.room_again(now);
            }
            // It took too long and was being closed: it never was a connection.
            SessionState::Closing => self.free(slot, SessionEvent::Freed, now),
            _ => {}
        }
    }

    pub(crate) fn connect_timed_out(&mut self, id: SessionId, now: Now) {
        if let Some(slot) = self.slot(id)
            && self.state.sessions[slot].state == SessionState::Connecting
        {
            self.close(slot, CloseReason::ConnectFailed, now);
            let within = self.line(id).connect_timeout;
            self.state.sessions[slot].detail = Some(format!("not connected within {within:?}").into());
        }
    }

    /// A connection is there: the session is up, or is to be signed on first.
    pub(crate) fn come_up(&mut self, slot: usize, event: SessionEvent, now: Now) {
        let framing = self.books[usize::from(self.state.sessions[slot].protocol)].protocol.framing.clone();
        let session = &mut self.state.sessions[slot];
        session.deframer = Some(Deframer::new(framing));
        session.out = Outgoing::default();
        session.in_flight = 0;
        session.up_since = now.mono;
        session.received_at = None;
        session.wrote_at = None;
        session.probe = None;
        session.sign = None;
        session.parting = None;
        session.asked = None;
        session.served = false;
        session.answered = false;
        session.is_well = false;
        if self.signs_on(slot, now) {
            return;
        }
        self.change(slot, event, None);
        self.tell_session(slot, None, 0);
        self.be_up(slot, now);
    }

    /// The session is up from now on: business may go by it.
    pub(crate) fn be_up(&mut self, slot: usize, now: Now) {
        let session = &mut self.state.sessions[slot];
        session.up_since = now.mono;
        let protocol = session.protocol;
        self.await_health(slot, now);
        self.set_poll(slot, now);
        self.reply_to_waiting_notices(protocol);
        self.try_openings(protocol, now);
        self.pump(protocol, now);
        self.close_unneeded(protocol, now);
    }

    /// We close a connection, whatever it is doing.
    pub(crate) fn close(&mut self, slot: usize, reason: CloseReason, now: Now) {
        let session = &self.state.sessions[slot];
        let (conn, id) = (session.conn(), session.id);
        let was_connected = session.is_connected();
        let was_coming = matches!(session.state, SessionState::Connecting | SessionState::SigningOn);
        if !was_connected && session.state != SessionState::Connecting {
            return;
        }
        let abort = matches!(
            reason,
            CloseReason::BadFrame
                | CloseReason::PollUnanswered
                | CloseReason::SlowPeer
                | CloseReason::ConnectFailed
                | CloseReason::SignOnFailed
                | CloseReason::Replaced
        );
        self.outputs.push_back(Output::Close { conn, reason, abort });
        self.change(slot, SessionEvent::Close, Some(reason));
        self.state.timers.set(TimerName::CloseGrace(id), now.mono + self.line(id).close_grace);
        self.judge_try(slot, reason);
        // What has left of a stream that is stuck, the shell says when the abort is done.
        if reason != CloseReason::SlowPeer {
            self.lose(slot, was_connected, reason, None, now);
        }
        if was_coming {
            self.attempt_failed(slot, reason, now);
        }
    }

    /// A connection is gone, or our close of it is done.
    pub(crate) fn closed(&mut self, slot: usize, reason: CloseReason, kernel_unsent: Option<u64>, now: Now) {
        self.lose_stuck(slot, kernel_unsent, now);
        let session = &mut self.state.sessions[slot];
        session.gone = true;
        let was_signing_on = session.state == SessionState::SigningOn;
        match session.state {
            SessionState::Connecting => self.connect_failed(slot, now),
            SessionState::Closing => {
                let (id, why) = (session.id, session.closed);
                if reason.is_seen_by_peer() {
                    self.free(slot, SessionEvent::Gone, now);
                } else if why == Some(CloseReason::ConnectFailed) {
                    self.free(slot, SessionEvent::Freed, now);
                } else {
                    self.state.timers.set(TimerName::CloseGrace(id), now.mono + self.line(id).close_grace);
                }
            }
            SessionState::Down => {}
            _ if reason.is_seen_by_peer() => {
                self.change(slot, SessionEvent::Gone, Some(reason));
                self.judge_try(slot, reason);
                self.lose(slot, true, reason, None, now);
                if was_signing_on {
                    self.attempt_failed(slot, reason, now);
                }
                self.back_off(slot, now);
                self.room_again(now);
            }
            _ => {
                let id = session.id;
                self.change(slot, SessionEvent::Broken, Some(reason));
                self.judge_try(slot, reason);
                self.state.timers.set(TimerName::CloseGrace(id), now.mono + self.line(id).close_grace);
                self.lose(slot, true, reason, None, now);
                if was_signing_on {
                    self.attempt_failed(slot, reason, now);
                }
            }
        }
        self.drain_on(now);
    }

    /// The peer cannot count the connection any more.
    pub(crate) fn grace_over(&mut self, id: SessionId, now: Now) {
        if let Some(slot) = self.slot(id)
            && self.state.sessions[slot].state == SessionState::Closing
        {
            self.lose_stuck(slot, None, now);
            self.free(slot, SessionEvent::Freed, now);
        }
    }

    fn free(&mut self, slot: usize, event: SessionEvent, now: Now) {
        let session = &mut self.state.sessions[slot];
        session.gone = true;
        let id = session.id;
        self.state.timers.stop(&TimerName::CloseGrace(id));
        self.change(slot, event, None);
        self.tell_session(slot, None, 0);
        self.back_off(slot, now);
        self.room_again(now);
    }

    /// Writes down how a session stands, so that a later process knows what the peer may count; of one that is lost also how far its
    /// stream was written, so that it knows which replies have left.
    pub(crate) fn tell_session(&mut self, slot: usize, reason: Option<CloseReason>, written: u64) {
        let session = &self.state.sessions[slot];
        let state = session.state;
        let is_last = state == SessionState::Down && self.is_given_up(session.id.line);
        if is_last {
            self.state.sessions[slot].is_told = false;
        }
        let session = &self.state.sessions[slot];
        let place = self.place(session.conn());
        self.append(Entry::Session(SessionChanged { place, state, reason, written, is_last }));
    }

    /// What was on its way by a connection that is being closed because the peer takes too little of it.
    fn lose_stuck(&mut self, slot: usize, kernel_unsent: Option<u64>, now: Now) {
        if self.state.sessions[slot].is_stuck() {
            self.lose(slot, true, CloseReason::SlowPeer, kernel_unsent, now);
        }
    }

    /// Whether a connection that ends was a failed try. That is known when it ends, also of one whose stream is stuck: a backup is not
    /// called later for it.
    fn judge_try(&mut self, slot: usize, reason: CloseReason) {
        let session = &mut self.state.sessions[slot];
        let id = session.id;
        let was_well = core::mem::take(&mut session.is_well);
        // One that was not answered is closed in the same way as one that has done what it was made for.
        let was_silent = reason == CloseReason::Answered && session.served && !session.answered;
        let is_failed = !was_well && !session.was_done() && (was_silent || !reason.is_our_wish());
        self.state.timers.stop(&TimerName::Healthy(id));
        if is_failed {
            self.try_failed(slot);
        }
    }

    /// What was on its way by a connection that is lost. The kernel may prove of the last bytes that it took that they have not left.
    fn lose(&mut self, slot: usize, was_connected: bool, reason: CloseReason, kernel_unsent: Option<u64>, now: Now) {
        let session = &mut self.state.sessions[slot];
        let conn = session.conn();
        let (id, protocol) = (session.id, session.protocol);
        let (frames, written) = session.out.take_rest();
        session.deframer = None;
        session.probe = None;
        session.sign = None;
        session.asked = None;
        session.full = None;
        session.in_flight = 0;
        let taken = core::mem::take(&mut session.taken);
        let was_done = session.was_done();
        let timers = [
            TimerName::Connect,
            TimerName::SignOn,
            TimerName::SignOff,
            TimerName::Poll,
            TimerName::PollAnswer,
            TimerName::Unsent,
        ];
        for timer in timers {
            self.state.timers.stop(&timer(id));
        }
        if was_connected {
            self.tell_session(slot, Some(reason), written);
        }
        for (compartment, places) in taken.iter() {
            self.state.conversations[usize::from(protocol)].waiting.freed(compartment, *places);
        }
        let left = written.saturating_sub(kernel_unsent.unwrap_or(0));
        if left < written {
            self.unsent_behind(conn, left, now);
        }
        let mut replies = Vec::new();
        for frame in frames {
            match frame.cargo {
                Cargo::Request(exchange) if left <= frame.start => {
                    let text = format!("the session ended ({reason}) before the first byte of the request was written");
                    self.unsent(exchange, Refusal::SessionLost, &text, now);
                }
                Cargo::Request(exchange) => {
                    let in_flight = self.state.exchanges.get(&exchange).is_some_and(|one| one.state.is_in_flight());
                    if in_flight {
                        self.lapse(exchange, Cause::PartlyWritten, now);
                    }
                }
                Cargo::Reply(notice) => {
                    self.reply_lost(notice, left > frame.start);
                    replies.push(notice);
                }
                Cargo::PollRequest | Cargo::PollAnswer | Cargo::SignRequest | Cargo::SignAnswer => {}
            }
        }
        // No byte of them may leave any more.
        self.evict_unknown();
        if was_done {
            self.line_is_well(id.line, now);
        }
        self.reply_to_waiting_notices(protocol);
        // Behind another one that waits for a session.
        for notice in replies {
            self.reply_of_yesterday(notice);
        }
    }

    /// A request will not leave any more, and no byte of it was written.
    pub(crate) fn unsent(&mut self, id: ExchangeId, refusal: Refusal, text: &str, now: Now) {
        let is_open =
            |one: &crate::exchange::Exchange| !one.state.is_final() && one.outcome.is_none_or(|it| !it.is_final());
        if self.state.exchanges.get(&id).is_some_and(is_open) && self.state.journal.failed.is_none() {
            self.not_sent(id, refusal, text, now);
        }
    }

    /// Takes a session to its next state, and tells.
    pub(crate) fn change(&mut self, slot: usize, event: SessionEvent, reason: Option<CloseReason>) {
        let session = &mut self.state.sessions[slot];
        let from = session.state;
        session.state.step(event, &mut self.fired);
        if reason.is_some() {
            session.closed = reason;
            let is_by_hand =
                matches!(reason, Some(CloseReason::Drained | CloseReason::Stopped | CloseReason::Commanded));
            let stopped = session.stopped.take().filter(|_| is_by_hand);
            session.detail = stopped.map(|stopped| format!("by {}", stopped.by).into());
        }
        let (conn, to) = (session.conn(), session.state);
        self.event(Event::Session { conn, from, to, reason });
    }
}

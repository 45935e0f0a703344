//! Sessions of lines: connecting, accepting, closing, and when a slot is free again.

use alloc::collections::BTreeMap;
use alloc::format;
use core::time::Duration;

use pabal_clock::{Mono, Now};
use pabal_telegram::Deframer;

use crate::core::Core;
use crate::durable::Effect;
use crate::entry::{Entry, SessionChanged};
use crate::id::{Conn, Epoch, ExchangeId, LineId, SessionId};
use crate::outcome::Cause;
use crate::output::{Event, Output};
use crate::refusal::Refusal;
use crate::session::{CloseReason, Session, SessionEvent, SessionState};
use crate::settings::{Connects, LineSettings, LineSide};
use crate::stream::{Cargo, Outgoing};
use crate::timer::TimerName;

impl Session {
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
                self.state.sessions.push(Session {
                    id: SessionId { line: LineId(at), slot },
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
                    taken: BTreeMap::new(),
                    up_since: Mono::ZERO,
                    received_at: None,
                    wrote_at: None,
                    closed: None,
                    back_off: line.reconnect_min,
                    probe: None,
                    sign: None,
                    parting: None,
                    asked: None,
                    per_exchange: line.connects == Connects::PerExchange && line.side == LineSide::Initiator,
                    served: false,
                    is_told: false,
                });
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
        let session = &self.state.sessions[slot];
        if !self.is_wanted(id.line) || session.state != SessionState::Down {
            return;
        }
        if session.per_exchange && !self.is_demanded(session.protocol) {
            return;
        }
        let timeout = self.line(id).connect_timeout;
        let session = &mut self.state.sessions[slot];
        session.epoch = Epoch(session.epoch.0.wrapping_add(1));
        session.gone = false;
        session.served = false;
        let conn = session.conn();
        self.change(slot, SessionEvent::Connect, None);
        self.state.timers.set(TimerName::Connect(id), now.mono + timeout);
        self.outputs.push_back(Output::Connect { conn });
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
                self.attempt_failed(slot, CloseReason::ConnectFailed, now);
                self.back_off(slot, now);
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
        }
    }

    pub(crate) fn accept(&mut self, line: LineId, now: Now) -> Result<Conn, CloseReason> {
        let is_ours = |session: &Session| session.id.line == line && session.side == LineSide::Acceptor;
        let free = |session: &Session| is_ours(session) && session.state == SessionState::Down;
        let slot = self.state.sessions.iter().position(free);
        let refused = match slot {
            _ if self.state.journal.failed.is_some() => CloseReason::JournalFailed,
            _ if self.is_ending() => CloseReason::Drained,
            _ if !self.is_wanted(line) => CloseReason::Commanded,
            None => {
                self.close_the_silent(line, now);
                CloseReason::OverLimit
            }
            Some(slot) => {
                let session = &mut self.state.sessions[slot];
                session.epoch = Epoch(session.epoch.0.wrapping_add(1));
                session.gone = false;
                self.come_up(slot, SessionEvent::Accept, now);
                return Ok(self.state.sessions[slot].conn());
            }
        };
        self.event(Event::AcceptRefused { line });
        Err(refused)
    }

    /// A peer that connects to a full line may have lost a connection that we still hold. It would have polled a quiet one,
    /// so that one that brought nothing for longer is dead: it is closed, and the peer's next try finds its slot free.
    fn close_the_silent(&mut self, line: LineId, now: Now) {
        let silent = |session: &Session| {
            let poll = &self.books[usize::from(session.protocol)].protocol.rules.poll;
            let heard = session.received_at.unwrap_or(session.up_since);
            session.id.line == line
                && session.side == LineSide::Acceptor
                && session.is_connected()
                && poll.as_ref().is_some_and(|poll| heard + poll.after + poll.timeout < now.mono)
        };
        if let Some(slot) = self.state.sessions.iter().position(silent) {
            self.close(slot, CloseReason::Replaced, now);
        }
    }

    /// A connection is there: the session is up, or is to be signed on first.
    fn come_up(&mut self, slot: usize, event: SessionEvent, now: Now) {
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
        self.set_poll(slot, now);
        self.reply_to_waiting_notices(protocol, now);
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
                self.lose(slot, true, reason, None, now);
                if was_signing_on {
                    self.attempt_failed(slot, reason, now);
                }
                self.back_off(slot, now);
            }
            _ => {
                let id = session.id;
                self.change(slot, SessionEvent::Broken, Some(reason));
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
        let session = &self.state.sessions[slot];
        let is_stuck = session.state == SessionState::Closing && session.full.is_some();
        if is_stuck {
            self.lose(slot, true, CloseReason::SlowPeer, kernel_unsent, now);
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
        let up_for = now.mono.since(session.up_since);
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
            let line = self.line(id);
            let (min, max) = (line.reconnect_min, line.reconnect_max);
            // Only a session that lasted makes the next try quick again; a peer that hangs up at once does not.
            if up_for >= max {
                self.state.sessions[slot].back_off = min;
            }
            self.tell_session(slot, Some(reason), written);
        }
        for (compartment, places) in taken {
            self.state.conversations[usize::from(protocol)].waiting.freed(&compartment, places);
        }
        let left = written.saturating_sub(kernel_unsent.unwrap_or(0));
        if left < written {
            self.unsent_behind(conn, left, now);
        }
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
                Cargo::Reply(notice) => self.reply_lost(notice, left > frame.start),
                Cargo::PollRequest | Cargo::PollAnswer | Cargo::SignRequest | Cargo::SignAnswer => {}
            }
        }
        self.reply_to_waiting_notices(protocol, now);
        self.pump(protocol, now);
    }

    /// A request will not leave any more, and no byte of it was written.
    pub(crate) fn unsent(&mut self, id: ExchangeId, refusal: Refusal, text: &str, now: Now) {
        let is_open =
            |one: &crate::exchange::Exchange| !one.state.is_final() && one.outcome.is_none_or(|it| !it.is_final());
        if self.state.exchanges.get(&id).is_some_and(is_open) && self.state.journal.failed.is_none() {
            self.not_sent(id, refusal, text, now);
        }
    }

    /// When the next connection is tried: after a random part of a wait that doubles.
    fn back_off(&mut self, slot: usize, now: Now) {
        let session = &self.state.sessions[slot];
        if session.side != LineSide::Initiator || !self.is_wanted(session.id.line) {
            return;
        }
        let (id, protocol, per_exchange) = (session.id, session.protocol, session.per_exchange);
        if per_exchange && !self.next_exchange(slot, now) {
            return;
        }
        let (min, max) = (self.line(id).reconnect_min, self.line(id).reconnect_max);
        let longest = self.state.sessions[slot].back_off.clamp(min, max.max(min));
        let spread = u64::try_from((longest - min).as_nanos()).unwrap_or(u64::MAX);
        let wait = min + Duration::from_nanos(self.state.dice.up_to(spread));
        self.state.sessions[slot].back_off = longest.saturating_mul(2).min(max.max(min));
        self.state.timers.set(TimerName::Reconnect(id), now.mono + wait);
        if per_exchange {
            self.refuse_if_none_is_makeable(protocol, now);
        }
    }

    /// Takes a session to its next state, and tells.
    pub(crate) fn change(&mut self, slot: usize, event: SessionEvent, reason: Option<CloseReason>) {
        let session = &mut self.state.sessions[slot];
        let from = session.state;
        session.state.step(event, &mut self.fired);
        if reason.is_some() {
            session.closed = reason;
        }
        let (conn, to) = (session.conn(), session.state);
        self.event(Event::Session { conn, from, to, reason });
    }
}

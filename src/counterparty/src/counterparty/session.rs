use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::Now;
use pabal_telegram::Deframer;

use super::send::{Delivery, What};
use super::{Counterparty, Timer};
use crate::chance::Chance;
use crate::fill::compute;
use crate::output::{Connection, Event, LineId, Output};
use crate::scenario::{Deed, Misdeed, Start};
use crate::settings::{Direction, Line, Side};
use crate::stamp::stamped;

/// One connection.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) line: LineId,
    pub(super) deframer: Deframer,
    pub(super) outbox: VecDeque<Item>,
    /// A piece waits for its time; what is behind it waits, too.
    pub(super) paused: bool,
    /// Half a telegram was sent on purpose; nothing may follow it.
    pub(super) stalled: bool,
    /// It carries nothing any more, and nobody was told.
    pub(super) dead: bool,
    /// Our FIN is sent or about to be.
    pub(super) closing: bool,
    /// It carries business: it is signed on, if the protocol has that.
    pub(super) signed: bool,
    /// Our sign-on that is not answered yet.
    pub(super) asked: Option<Vec<u8>>,
    /// A notice was given to it, where each connection is for one.
    pub(super) served: bool,
}

impl Wire {
    /// Whether bytes may be written.
    pub(super) const fn speaks(&self) -> bool {
        !self.closing && !self.stalled && !self.dead
    }
}

/// What a connection is to do next.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Bytes(Vec<u8>),
    Gap(core::time::Duration),
    /// Nothing more; a reset after this time, if one is given.
    Stall(Option<core::time::Duration>),
    Close,
    Reset,
}

/// What is remembered of a line.
#[derive(Clone, Debug, Default)]
pub(super) struct LineState {
    pub(super) open: bool,
    pub(super) connecting: u16,
}

impl Counterparty {
    /// A connection is there: accepted by an acceptor's line, or asked for by [`Output::Connect`].
    pub fn handle_connected(&mut self, connection: Connection, line: LineId, now: Now) {
        let Some(settings) = self.settings.lines.get(usize::from(line.0)) else { return };
        let (side, allowed) = (settings.side, settings.sessions);
        if let (Side::Initiator, Some(state)) = (side, self.lines.get_mut(usize::from(line.0))) {
            state.connecting = state.connecting.saturating_sub(1);
        }
        let over_limit = self.ledger.line(line).open >= u32::from(allowed);
        self.ledger.connected(line, over_limit);
        let wire = Wire {
            line,
            deframer: Deframer::new(self.protocol.framing.clone()),
            outbox: VecDeque::new(),
            paused: false,
            stalled: false,
            dead: false,
            closing: false,
            signed: false,
            asked: None,
            served: false,
        };
        let before = self.connections.insert(connection, wire);
        assert!(before.is_none(), "connections are numbered once");
        self.tell(Event::Connected { connection, line });
        if over_limit {
            self.tell(Event::OverLimit { connection, line });
        }
        let refused = !self.lines.get(usize::from(line.0)).is_some_and(|state| state.open);
        if refused || (over_limit && self.scenario.session.resets_over_limit) {
            self.reset(connection, now);
            return;
        }
        self.misbehave_session(connection, line, now);
        if side == Side::Initiator {
            self.rest(connection, now);
        }
        self.begin_sign_on(connection, now);
    }

    /// A connection that [`Output::Connect`] asked for could not be made.
    pub fn handle_connect_failed(&mut self, line: LineId, now: Now) {
        if let Some(state) = self.lines.get_mut(usize::from(line.0)) {
            state.connecting = state.connecting.saturating_sub(1);
        }
        self.reconnect_later(line, now);
    }

    /// A connection is over: the other side's FIN or RST was seen.
    pub fn handle_closed(&mut self, connection: Connection, now: Now) {
        self.forget(connection, now);
    }

    /// Accepts or makes connections by a line again. All lines are open at first.
    pub fn open_line(&mut self, line: LineId, now: Now) {
        let _ = now;
        if let Some(state) = self.lines.get_mut(usize::from(line.0)) {
            state.open = true;
        }
        self.connect(line);
    }

    /// Ends a line's connections, and resets those that are made from now on.
    pub fn close_line(&mut self, line: LineId, now: Now) {
        let _ = now;
        // Connections that the shell has not been told to make are not made.
        let before = self.outputs.len();
        self.outputs.retain(|output| *output != Output::Connect { line });
        let untold = u16::try_from(before - self.outputs.len()).unwrap_or(u16::MAX);
        if let Some(state) = self.lines.get_mut(usize::from(line.0)) {
            state.open = false;
            state.connecting = state.connecting.saturating_sub(untold);
        }
        self.timers.stop(&Timer::Reconnect(line));
        let on_line = |(connection, wire): (&Connection, &Wire)| (wire.line == line).then_some(*connection);
        let connections: Vec<_> = self.connections.iter().filter_map(on_line).collect();
        for connection in connections {
            self.close(connection);
        }
    }

    /// Makes the connections that an initiator's line lacks.
    pub(super) fn connect(&mut self, line: LineId) {
        let at = usize::from(line.0);
        let (Some(settings), Some(state)) = (self.settings.lines.get(at), self.lines.get_mut(at)) else { return };
        if settings.side != Side::Initiator || !state.open {
            return;
        }
        let mine = || self.connections.values().filter(|wire| wire.line == line);
        let have = mine().count() + usize::from(state.connecting);
        let wanted = if settings.per_exchange {
            let is_notice = |delivery: &&Delivery| matches!(delivery.what, What::Notice(..));
            let notices = self.waiting.iter().filter(is_notice).count();
            let coming = mine().filter(|wire| !wire.served).count() + usize::from(state.connecting);
            usize::from(settings.sessions).min(have + notices.saturating_sub(coming))
        } else {
            usize::from(settings.sessions)
        };
        for _ in have..wanted {
            state.connecting += 1;
            self.outputs.push_back(Output::Connect { line });
        }
    }

    fn reconnect_later(&mut self, line: LineId, now: Now) {
        let initiator = self.settings.lines.get(usize::from(line.0)).is_some_and(|line| line.side == Side::Initiator);
        let open = self.lines.get(usize::from(line.0)).is_some_and(|state| state.open);
        if initiator && open && self.timers.get(&Timer::Reconnect(line)).is_none() {
            self.timers.set(Timer::Reconnect(line), now.mono + self.scenario.session.reconnect);
        }
    }

    fn misbehave_session(&mut self, connection: Connection, line: LineId, now: Now) {
        let scenario = Arc::clone(&self.scenario);
        let conduct = &scenario.session.conduct;
        let nth = u64::from(self.ledger.line(line).total);
        let mut chance = Chance::about(self.seed, &[b'S', line.0.to_le_bytes()[0]], nth);
        let sends = self.settings.lines.get(usize::from(line.0)).is_some_and(|line| line.direction.sends());
        let suits = |misdeed: &&Misdeed| misdeed.sends.is_none_or(|wanted| wanted == sends);
        match conduct.choose(&mut chance).filter(suits).map(|misdeed| &misdeed.deed) {
            Some(Deed::Cut(cut)) => {
                let after = chance.between(cut.after.0, cut.after.1);
                self.timers.set(Timer::Cut(connection, cut.reset), now.mono + after);
            }
            Some(Deed::Die { after, reset_after }) => {
                let after = chance.between(after.0, after.1);
                self.timers.set(Timer::Die(connection), now.mono + after);
                if let Some((shortest, longest)) = reset_after {
                    let reset = after.saturating_add(chance.between(*shortest, *longest));
                    self.timers.set(Timer::Cut(connection, true), now.mono + reset);
                }
            }
            _ => {}
        }
    }

    /// From now on a connection carries nothing, either way; neither side is told.
    pub(super) fn die(&mut self, connection: Connection) {
        if let Some(wire) = self.connections.get_mut(&connection) {
            wire.dead = true;
            wire.outbox.clear();
            self.tell(Event::Died { connection });
        }
    }

    pub(super) fn start_on_connected(&mut self, now: Now) {
        let scenario = Arc::clone(&self.scenario);
        for (at, notice) in scenario.notices.iter().enumerate() {
            if notice.start == Start::Connected
                && let Some(started @ false) = self.started.get_mut(at)
            {
                *started = true;
                self.start_notice(at, &[], now);
            }
        }
    }

    /// Sends FIN; the connection is counted until the other side's FIN or RST is seen.
    pub(super) fn close(&mut self, connection: Connection) {
        let Some(wire) = self.connections.get_mut(&connection) else { return };
        if wire.closing {
            return;
        }
        wire.closing = true;
        wire.outbox.clear();
        self.stop_timers(connection);
        self.outputs.push_back(Output::Close { connection });
    }

    /// Sends RST; the connection is over.
    pub(super) fn reset(&mut self, connection: Connection, now: Now) {
        if self.connections.contains_key(&connection) {
            self.outputs.push_back(Output::Reset { connection });
            self.forget(connection, now);
        }
    }

    fn forget(&mut self, connection: Connection, now: Now) {
        let Some(wire) = self.connections.remove(&connection) else { return };
        self.stop_timers(connection);
        self.ledger.closed(wire.line);
        self.tell(Event::Closed { connection, line: wire.line });
        self.reconnect_later(wire.line, now);
    }

    fn stop_timers(&mut self, connection: Connection) {
        for timer in [
            Timer::Piece(connection),
            Timer::SignOn(connection),
            Timer::PollIdle(connection),
            Timer::PollAnswer(connection),
            Timer::Cut(connection, false),
            Timer::Cut(connection, true),
            Timer::Die(connection),
        ] {
            self.timers.stop(&timer);
        }
    }

    /// Something was sent, or a connection began: it is idle from now on. Only the side that opened a connection probes it.
    pub(super) fn rest(&mut self, connection: Connection, now: Now) {
        let Some(poll) = self.protocol.rules.poll.as_ref().filter(|_| self.scenario.poll.sends) else { return };
        let Some(wire) = self.connections.get(&connection) else { return };
        let is_ours = |line: &Line| line.side == Side::Initiator && !line.per_exchange;
        if self.settings.lines.get(usize::from(wire.line.0)).is_some_and(is_ours) {
            self.timers.set(Timer::PollIdle(connection), now.mono + poll.after);
        }
    }

    /// Sends a poll telegram of ours.
    pub(super) fn probe(&mut self, connection: Connection, now: Now) {
        let protocol = Arc::clone(&self.protocol);
        let Some(poll) = protocol.rules.poll.as_ref() else { return };
        let civil = protocol.day.civil(now.wall);
        let mut telegram = poll.request.to_vec();
        for stamp in &poll.stamps {
            if let Some(place) = telegram.get_mut(stamp.at.range()) {
                let ascii = stamped(&stamp.pattern.pattern, civil);
                for (byte, ascii) in place.iter_mut().zip(ascii) {
                    *byte = stamp.charset.byte(ascii).unwrap_or(ascii);
                }
            }
        }
        compute(&protocol, pabal_telegram::Side::Asker, &mut telegram, &[]);
        self.timers.set(Timer::PollAnswer(connection), now.mono + poll.timeout);
        self.send_framed(connection, &telegram, now);
    }

    /// Whether a connection may carry what the institution sends.
    pub(super) fn carries(&self, wire: &Wire) -> bool {
        let direction =
            self.settings.lines.get(usize::from(wire.line.0)).map_or(Direction::Receive, |line| line.direction);
        direction.sends() && wire.signed && !wire.closing && !wire.stalled
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}

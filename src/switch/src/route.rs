//! What is known of a line as a whole, beside its sessions: whether it is wanted, which of its addresses is in use, how its tries went,
//! and when it stands in for another.

use alloc::vec::Vec;
use core::time::Duration;

use pabal_clock::Now;
use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::declare::declare;
use crate::drain::{Drain, Scope};
use crate::durable::Effect;
use crate::id::{LineId, SessionId};
use crate::output::Event;
use crate::session::{Session, SessionState};
use crate::settings::{LineSettings, LineSide};
use crate::timer::TimerName;

declare! {
    /// What an operator wants of a line.
    pub enum Wanted {
        Up = "up", "Its sessions are made, and made again.";
        Draining = "draining", "No session is made and no request is sent; what is in flight may still be answered.";
        Stopped = "stopped", "It has no sessions, and takes none.";
    }
}

/// A line as a whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LineState {
    /// What an operator wants of it.
    pub(crate) wanted: Wanted,
    /// The place of the address that the next connection goes to.
    pub(crate) address: u8,
    /// Tries in a row that failed while no session was up, since one was well.
    pub(crate) failed: u32,
    /// A backup stands in for its main line. `true` of all other lines.
    pub(crate) on_duty: bool,
}

impl LineState {
    /// One for each configured line.
    pub(crate) fn of(lines: &[LineSettings]) -> Vec<Self> {
        let one =
            |line: &LineSettings| Self { wanted: Wanted::Up, address: 0, failed: 0, on_duty: line.backup_of.is_none() };
        lines.iter().map(one).collect()
    }
}

declare! {
    /// For what a session waits before it connects, beside the time.
    #[derive(Default)]
    pub enum WaitsFor {
        #[default]
        Nothing = "nothing", "Nothing.";
        Turn = "turn", "It waits for its turn: limits.connects_per_second.";
        Room = "room", "It waits for room: all lines together have as many sessions as limits.sessions_max says.";
    }
}

impl Core {
    /// What operators want of each line, from what they have stopped and what is still drained.
    pub(crate) fn settle_wanted(&mut self) {
        for at in 0..self.state.lines.len() {
            let line = LineId(u16::try_from(at).unwrap_or(u16::MAX));
            let is_stopped =
                self.settings.lines.get(at).is_some_and(|it| self.state.stops.lines.contains_key(&it.name));
            let drains = |drain: &Drain| drain.scope == Scope::Line(line);
            self.state.lines[at].wanted = match is_stopped {
                false => Wanted::Up,
                true if self.state.drains.iter().any(drains) => Wanted::Draining,
                true => Wanted::Stopped,
            };
        }
    }

    /// Whether a line's sessions are to be made, and taken from a peer: the one answer for all who ask.
    #[must_use]
    pub fn is_wanted(&self, line: LineId) -> bool {
        !self.is_stopping()
            && self.state.journal.failed.is_none()
            && self.state.lines.get(usize::from(line.0)).is_some_and(|line| line.wanted == Wanted::Up && line.on_duty)
    }

    pub(crate) fn slots_of(&self, line: LineId) -> impl Iterator<Item = usize> + use<> {
        let first = self.state.sessions.iter().position(|session| session.id.line == line).unwrap_or(0);
        let count = self.state.sessions.iter().filter(|session| session.id.line == line).count();
        first..first + count
    }

    /// Whether all lines together have as many sessions as they may, connecting and closing ones counted.
    pub(crate) fn has_no_room(&self) -> bool {
        let is_used = |session: &&Session| session.state != SessionState::Down;
        let used = self.state.sessions.iter().filter(is_used).count();
        self.state.limits.sessions_max.is_some_and(|max| used >= usize::from(max))
    }

    /// A line begins: its sessions are made, as at the start, where that a slot may be in use is written down before it is.
    pub(crate) fn begin_line(&mut self, line: LineId) {
        for slot in self.slots_of(line) {
            let session = &self.state.sessions[slot];
            let (id, side, state) = (session.id, session.side, session.state);
            let waits = self.state.timers.get(&TimerName::Reconnect(id)).is_some();
            if side == LineSide::Initiator && state == SessionState::Down && !waits {
                self.tell_session(slot, None, 0);
                self.when_durable(Effect::Connect(id));
            }
        }
    }

    /// Whether a session may connect now; else its timer is set.
    pub(crate) fn has_turn(&mut self, slot: usize, now: Now) -> bool {
        let has_no_room = self.has_no_room();
        let session = &mut self.state.sessions[slot];
        let id = session.id;
        let waited_for = core::mem::take(&mut session.waits_for);
        if has_no_room {
            session.waits_for = WaitsFor::Room;
            let longest = self.line(id).reconnect_max;
            self.try_within(id, longest, now);
            return false;
        }
        // What connects for a request is as often as these are: they have rates of their own.
        if waited_for != WaitsFor::Turn && !self.state.sessions[slot].per_exchange {
            let turn = self.state.connects.book(self.state.limits.connects_per_second, now.mono);
            if turn > now.mono {
                self.state.sessions[slot].waits_for = WaitsFor::Turn;
                self.state.timers.set(TimerName::Reconnect(id), turn);
                return false;
            }
        }
        true
    }

    /// A slot is free: who waited for one tries again.
    pub(crate) fn room_again(&mut self, now: Now) {
        if self.state.limits.sessions_max.is_none() {
            return;
        }
        for session in self.state.sessions.iter() {
            if session.waits_for == WaitsFor::Room && session.state == SessionState::Down {
                self.state.timers.set(TimerName::Reconnect(session.id), now.mono);
            }
        }
    }

    /// When the next connection is tried: after a random part of a wait that doubles ("full jitter"), so that sessions that fell at
    /// once do not come back at once.
    pub(crate) fn back_off(&mut self, slot: usize, now: Now) {
        let id = self.state.sessions[slot].id;
        self.state.sessions[slot].waits_for = WaitsFor::Nothing;
        if self.state.sessions[slot].side != LineSide::Initiator || !self.is_wanted(id.line) {
            return;
        }
        let (protocol, per_exchange) = {
            let session = &self.state.sessions[slot];
            (session.protocol, session.per_exchange)
        };
        if per_exchange && !self.next_exchange(slot, now) {
            return;
        }
        let (min, max) = (self.line(id).reconnect_min, self.line(id).reconnect_max);
        let longest = self.state.sessions[slot].back_off.clamp(min, max.max(min));
        self.state.sessions[slot].back_off = longest.saturating_mul(2).min(max.max(min));
        self.try_within(id, longest, now);
        if per_exchange {
            self.refuse_if_none_is_makeable(protocol, now);
        }
    }

    fn try_within(&mut self, id: SessionId, longest: Duration, now: Now) {
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        let wait = Duration::from_micros(self.state.dice.up_to(micros));
        self.state.timers.set(TimerName::Reconnect(id), now.mono + wait);
    }

    /// The session is up, and has to show that it stays so.
    pub(crate) fn await_health(&mut self, slot: usize, now: Now) {
        let session = &self.state.sessions[slot];
        let id = session.id;
        // One that was made for a request is well when that is answered, however long it stays.
        if session.side == LineSide::Initiator && !session.per_exchange {
            self.state.timers.set(TimerName::Healthy(id), now.mono + self.line(id).healthy_after);
        }
    }

    /// It has stayed up: the next wait is short again, the line stays with its address, and its backups go.
    pub(crate) fn is_healthy(&mut self, id: SessionId, now: Now) {
        let Some(slot) = self.slot(id).filter(|slot| self.state.sessions[*slot].is_up()) else { return };
        let first = self.line(id).reconnect_min;
        let session = &mut self.state.sessions[slot];
        session.is_well = true;
        session.back_off = first;
        self.line_is_well(id.line, now);
    }

    /// The line has shown that it works.
    pub(crate) fn line_is_well(&mut self, line: LineId, now: Now) {
        self.state.lines[usize::from(line.0)].failed = 0;
        for backup in self.backups_of(line) {
            if self.set_duty(backup, false) {
                self.stand_by(backup, now);
            }
        }
    }

    /// A session could not be made, or did not stay.
    pub(crate) fn try_failed(&mut self, slot: usize) {
        let session = &self.state.sessions[slot];
        let (id, address, per_exchange) = (session.id, session.address, session.per_exchange);
        if session.side != LineSide::Initiator {
            return;
        }
        let addresses = self.line(id).addresses;
        let is_up = self.slots_of(id.line).any(|slot| self.state.sessions[slot].is_up());
        let stays = is_up && !per_exchange;
        let line = &mut self.state.lines[usize::from(id.line.0)];
        if !is_up {
            line.failed = line.failed.saturating_add(1);
        }
        // Another session may have moved it on already.
        if line.address == address && addresses > 1 && !stays {
            self.go_to(id.line, (address + 1) % addresses);
        }
        self.call_backups(id.line);
    }

    /// The place of the address that a session connects to. A line speaks with one centre: where one of its sessions is up, the next
    /// ones go, also when that one was on its way while another one failed there and the line had moved on. Connections for one
    /// exchange come and go: a line of such has no centre to keep to.
    pub(crate) fn next_address(&mut self, slot: usize) -> u8 {
        let session = &self.state.sessions[slot];
        let (line, per_exchange) = (session.id.line, session.per_exchange);
        let now_at = self.state.lines[usize::from(line.0)].address;
        if !per_exchange && !self.is_up_at(line, now_at) {
            let one_up = self.slots_of(line).map(|slot| &self.state.sessions[slot]).find(|one| one.is_up());
            if let Some(address) = one_up.map(|one| one.address) {
                self.go_to(line, address);
                return address;
            }
        }
        now_at
    }

    fn is_up_at(&self, line: LineId, address: u8) -> bool {
        self.slots_of(line).map(|slot| &self.state.sessions[slot]).any(|one| one.is_up() && one.address == address)
    }

    fn go_to(&mut self, line: LineId, address: u8) {
        self.state.lines[usize::from(line.0)].address = address;
        self.event(Event::Address { line, address });
    }

    /// The lines that stand in for this one.
    fn backups_of(&self, main: LineId) -> Vec<LineId> {
        let is_backup = |(_, line): &(u16, &LineSettings)| line.backup_of == Some(main);
        (0..).zip(&self.settings.lines).filter(is_backup).map(|(at, _)| LineId(at)).collect()
    }

    /// Backups begin when their main line has failed as often as they wait for, or an operator does not want it.
    pub(crate) fn call_backups(&mut self, main: LineId) {
        let line = &self.state.lines[usize::from(main.0)];
        let (failed, is_left) = (line.failed, line.wanted != Wanted::Up);
        for backup in self.backups_of(main) {
            let after = u32::from(self.settings.lines[usize::from(backup.0)].backup_after);
            if (is_left || failed >= after) && self.set_duty(backup, true) {
                // What is still on its way out ends by itself, and not what is made from now on.
                self.drain_no_more(&Scope::Standby(backup));
                self.begin_line(backup);
            }
        }
    }

    /// An operator may have stopped the main line of some.
    pub(crate) fn call_all_backups(&mut self) {
        for line in 0..u16::try_from(self.settings.lines.len()).unwrap_or(u16::MAX) {
            self.call_backups(LineId(line));
        }
    }

    /// An operator starts a line: its first address is tried first. A backup stays until the line is well.
    pub(crate) fn forget_tries(&mut self, line: LineId) {
        let line = &mut self.state.lines[usize::from(line.0)];
        (line.address, line.failed) = (0, 0);
    }

    /// Whether that is new.
    fn set_duty(&mut self, line: LineId, on_duty: bool) -> bool {
        let state = &mut self.state.lines[usize::from(line.0)];
        let is_new = core::mem::replace(&mut state.on_duty, on_duty) != on_duty;
        if is_new {
            self.event(Event::Duty { line, on_duty });
        }
        is_new
    }
}

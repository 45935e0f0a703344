//! Waiting ends: the caller's, the institution's, and ours.
//!
//! Ours is a drain: something takes nothing new, what waits for it is refused, what is in flight may still be answered, and at the
//! deadline at the latest it ends. One machine does it for a session, a line, a compartment, the institution and the process.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use pabal_clock::{Mono, Now};
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::conclude::Conclusion;
use crate::core::Core;
use crate::depart::TOO_LATE_TO_LEAVE;
use crate::entry::Origin;
use crate::exchange::Exchange;
use crate::id::{Conn, ExchangeId, LineId};
use crate::outcome::{Cause, Outcome};
use crate::refusal::Refusal;
use crate::session::{CloseReason, Session, SessionEvent, SessionState};
use crate::timer::TimerName;

/// What is drained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Scope {
    /// All, because the process is to end. The next one begins as if nothing had been.
    Process,
    /// All, by an operator.
    Institution,
    /// The sessions of a line.
    Line(LineId),
    /// The sessions of a backup line whose main line is up again.
    Standby(LineId),
    /// One connection; not the next one of its slot.
    Session(Conn),
    /// The requests of a compartment. Sessions stay as they are.
    Compartment(Bytes),
}

impl Scope {
    fn has(&self, session: &Session) -> bool {
        match self {
            Self::Process | Self::Institution => true,
            Self::Line(line) | Self::Standby(line) => session.id.line == *line,
            Self::Session(conn) => session.conn() == *conn,
            Self::Compartment(_) => false,
        }
    }
}

/// Something that takes nothing new and is to end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Drain {
    pub(crate) scope: Scope,
    pub(crate) until: Mono,
}

impl Core {
    /// The caller stops waiting soon. What has not left is not sent; what has is UNKNOWN to the caller, and goes on.
    pub(crate) fn caller_leaves(&mut self, id: ExchangeId, now: Now) {
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        if exchange.state.is_waiting() {
            match exchange.leave_by {
                Some(_) => self.refuse_waiting_for(id, Refusal::DeadlineTooShort, TOO_LATE_TO_LEAVE, now),
                None => self.refuse_waiting(id, Refusal::DeadlinePassed, now),
            }
        } else if exchange.state.is_in_flight() && exchange.outcome.is_none() {
            let outcome = Outcome::Unknown { cause: Cause::CallerDeadline };
            self.conclude(id, Conclusion { event: None, outcome, refused: None, answer: None, conn: None }, now);
        }
    }

    /// The institution's time is over.
    pub(crate) fn answer_missing(&mut self, id: ExchangeId, now: Now) {
        let Some(exchange) = self.state.exchanges.get(&id) else { return };
        if exchange.state.is_in_flight() {
            self.lapse(id, Cause::NoAnswer, now);
        }
    }

    /// Whether the process is to end.
    pub(crate) fn is_ending(&self) -> bool {
        self.state.drains.iter().any(|drain| drain.scope == Scope::Process)
    }

    /// Whether nothing new is taken in at all.
    pub(crate) fn is_stopping(&self) -> bool {
        self.state.stops.institution.is_some() || self.is_ending()
    }

    /// Whether this process makes no session of a line any more, unless an operator starts it.
    pub(crate) fn is_given_up(&self, line: LineId) -> bool {
        self.is_ending() || self.stopped(line).is_some()
    }

    pub(crate) fn drain_process(&mut self, deadline: Mono, now: Now) {
        if !self.is_ending() {
            self.begin_drain(Scope::Process, deadline, now);
        }
    }

    /// An operator drains something, within a time; without any, it ends at once.
    pub(crate) fn drain_scope(&mut self, scope: Scope, within: Duration, now: Now) {
        self.state.drains.retain(|drain| drain.scope != scope);
        self.begin_drain(scope, now.mono + within, now);
    }

    /// Something is started again. Connections that take nothing new already go to their end; the next ones are as ever.
    pub(crate) fn drain_no_more(&mut self, scope: &Scope) {
        let until = self.state.drains.iter().find(|drain| drain.scope == *scope).map(|drain| drain.until);
        self.state.drains.retain(|drain| drain.scope != *scope);
        if let Some(until) = until {
            let is_draining = |one: &&Session| scope.has(one) && one.state == SessionState::Draining;
            let ends = self.state.sessions.iter().filter(is_draining);
            self.state.drains.extend(ends.map(|one| Drain { scope: Scope::Session(one.conn()), until }));
        }
        self.settle_wanted();
    }

    /// A backup goes: what is in flight on it ends there, in the institution's time.
    pub(crate) fn stand_by(&mut self, backup: LineId, now: Now) {
        self.begin_drain(Scope::Standby(backup), Mono::NEVER, now);
    }

    fn begin_drain(&mut self, scope: Scope, until: Mono, now: Now) {
        let is_at_once = until <= now.mono && scope != Scope::Process;
        self.state.drains.push(Drain { scope: scope.clone(), until });
        self.settle_wanted();
        if let Scope::Line(line) = scope {
            // What waits may go by them.
            self.call_backups(line);
        }
        let first = self.state.timers.get(&TimerName::Drain).map_or(until, |first| first.min(until));
        if first < Mono::NEVER {
            self.state.timers.set(TimerName::Drain, first);
        }
        for slot in 0..self.state.sessions.len() {
            let session = &self.state.sessions[slot];
            if !scope.has(session) {
                continue;
            }
            let id = session.id;
            if !matches!(scope, Scope::Session(_)) {
                // It ends with all of the scope, which says by whom.
                self.state.sessions[slot].stopped = None;
            }
            let session = &self.state.sessions[slot];
            match session.state {
                // Also of what ends at once: while one closes, nothing departs by the next.
                SessionState::Up | SessionState::Probing => self.change(slot, SessionEvent::Drain, None),
                SessionState::Down | SessionState::Draining | SessionState::SigningOff | SessionState::Closing => {}
                _ if is_at_once => {}
                SessionState::Connecting | SessionState::SigningOn => {
                    let reason = match scope {
                        Scope::Standby(_) => CloseReason::Standby,
                        _ => CloseReason::Drained,
                    };
                    self.close(slot, reason, now);
                }
            }
            if self.state.sessions[slot].state == SessionState::Down && self.is_given_up(id.line) {
                self.state.timers.stop(&TimerName::Reconnect(id));
                self.tell_session(slot, None, 0);
            }
        }
        self.refuse_what_waits(&scope, now);
        if is_at_once {
            // Behind the refusals: what is in flight makes room as it ends, and nothing that waits may leave by it.
            self.end_drain(&scope, CloseReason::Commanded, now);
        }
        self.drain_on(now);
    }

    /// What waits is refused if it cannot leave any more by anything that stays.
    fn refuse_what_waits(&mut self, scope: &Scope, now: Now) {
        for protocol in self.protocols() {
            let has_protocol = |one: &Session| one.protocol == protocol && scope.has(one);
            let is_cut = match scope {
                Scope::Process | Scope::Institution => true,
                Scope::Line(_) | Scope::Standby(_) | Scope::Session(_) => {
                    self.state.sessions.iter().any(has_protocol) && self.halves(protocol) != (true, true)
                }
                Scope::Compartment(_) => false,
            };
            let waiting = &self.state.conversations[usize::from(protocol)].waiting;
            let ids: Vec<ExchangeId> = match scope {
                Scope::Compartment(compartment) => waiting.iter_of(compartment).collect(),
                _ if is_cut => waiting.iter().collect(),
                _ => Vec::new(),
            };
            if ids.is_empty() {
                continue;
            }
            let told = self.drain_told(scope, protocol);
            for id in ids {
                self.refuse_waiting_for(id, Refusal::Draining, &told, now);
            }
        }
    }

    /// Why what waits is refused, for people: by whom, as whoever comes after it is told.
    fn drain_told(&self, scope: &Scope, protocol: u16) -> String {
        let no_pair = || match self.pair_is_up(protocol) {
            Ok(()) => String::from(Refusal::Draining.sentence()),
            Err((_, text)) => text,
        };
        match scope {
            Scope::Process | Scope::Institution => self.stop_told(),
            Scope::Line(_) | Scope::Standby(_) | Scope::Session(_) => no_pair(),
            Scope::Compartment(compartment) => {
                let taken = self.is_taken_for(&Origin::Caller, compartment);
                taken.err().map_or_else(|| String::from(Refusal::Draining.sentence()), |(_, text)| text)
            }
        }
    }

    /// Ends what has nothing to wait for any more.
    pub(crate) fn drain_on(&mut self, now: Now) {
        if self.state.drains.is_empty() || self.state.journal.failed.is_some() {
            return;
        }
        for drain in self.state.drains.clone() {
            if !self.is_awaited(&drain.scope) {
                let reason = match drain.scope {
                    Scope::Standby(_) => CloseReason::Standby,
                    _ => CloseReason::Drained,
                };
                self.end_drain(&drain.scope, reason, now);
            }
        }
    }

    fn is_awaited(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Process | Scope::Institution => {
                !self.state.journal.undurable.is_empty()
                    || !self.entries.is_empty()
                    || self.state.exchanges.values().any(|exchange| exchange.state.is_in_flight())
                    || (self.state.notices.is_reply_awaited()
                        && self.state.sessions.iter().any(|one| one.is_connected() && one.may_send()))
                    || self.state.sessions.iter().any(|session| session.out.unsent_bytes() > 0)
            }
            Scope::Line(_) | Scope::Standby(_) | Scope::Session(_) => {
                self.state.sessions.iter().any(|session| scope.has(session) && self.is_used(session))
            }
            Scope::Compartment(compartment) => {
                self.state.exchanges.values().any(|one| is_in_flight_of(one, compartment))
            }
        }
    }

    /// Whether a connection that takes nothing new still carries, or may bring, what no other one does.
    fn is_used(&self, session: &Session) -> bool {
        let protocol = session.protocol;
        let (sends, receives) = self.halves(protocol);
        let in_flight = |one: &Exchange| one.protocol == protocol && one.state.is_in_flight();
        session.is_connected()
            && (session.out.unsent_bytes() > 0
                || session.in_flight > 0
                || (!receives && session.may_receive() && self.state.exchanges.values().any(in_flight))
                || (!sends && session.may_send() && self.state.notices.is_reply_awaited_of(protocol)))
    }

    /// The deadlines that have come: what is still with the institution is UNKNOWN.
    pub(crate) fn drains_over(&mut self, now: Now) {
        for drain in self.state.drains.clone() {
            if drain.until <= now.mono {
                self.end_drain(&drain.scope, CloseReason::Stopped, now);
            }
        }
        let is_later = |until: &Mono| *until > now.mono && *until < Mono::NEVER;
        let later = self.state.drains.iter().map(|drain| drain.until).filter(is_later).min();
        if let Some(until) = later {
            self.state.timers.set(TimerName::Drain, until);
        }
    }

    /// Closes what is drained. What may have left and is not answered is UNKNOWN, unless some line may still bring its answer.
    fn end_drain(&mut self, scope: &Scope, reason: CloseReason, now: Now) {
        for slot in 0..self.state.sessions.len() {
            match scope.has(&self.state.sessions[slot]) {
                // Nothing is awaited, so that there is time to say it.
                true if matches!(reason, CloseReason::Drained | CloseReason::Standby) => self.part(slot, reason, now),
                true => self.close(slot, reason, now),
                false => {}
            }
        }
        // Behind the close: it may prove of some that they have not left.
        let is_lost = |one: &Exchange| match scope {
            Scope::Process | Scope::Institution => true,
            Scope::Line(line) => {
                let mut brings =
                    self.state.sessions.iter().filter(|it| it.protocol == one.protocol && it.may_receive());
                let brought = brings.clone().any(|session| session.id.line == *line);
                brought && brings.all(|session| self.is_given_up(session.id.line))
            }
            // The next connection of its slot may bring it, or one of the main line.
            Scope::Session(_) | Scope::Standby(_) => false,
            Scope::Compartment(compartment) => one.about.compartment == *compartment,
        };
        let lost: Vec<ExchangeId> = match reason {
            // Nothing of it is in flight.
            CloseReason::Drained | CloseReason::Standby => Vec::new(),
            _ => {
                let lost = self.state.exchanges.values().filter(|one| one.state.is_in_flight() && is_lost(one));
                lost.map(|one| one.id).collect()
            }
        };
        let cause = if *scope == Scope::Process { Cause::Restarted } else { Cause::Drained };
        for id in lost {
            self.lapse(id, cause, now);
        }
        // The process stays what it is: it ends.
        if *scope != Scope::Process {
            self.state.drains.retain(|drain| drain.scope != *scope);
            self.settle_wanted();
        }
    }

    /// Why nothing new is taken in, for people.
    pub(crate) fn stop_told(&self) -> String {
        match &self.state.stops.institution {
            Some(stopped) if !self.is_ending() => format!("the institution is {stopped}"),
            _ => String::from("the gateway is being stopped"),
        }
    }
}

pub(crate) fn is_in_flight_of(exchange: &Exchange, compartment: &Bytes) -> bool {
    exchange.state.is_in_flight() && exchange.about.compartment == *compartment
}

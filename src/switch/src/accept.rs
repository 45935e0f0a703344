//! Peers that connect to us: taken while there is a slot; and what becomes of one that connects though there is none.

use alloc::vec::Vec;

use pabal_clock::Now;

use crate::core::Core;
use crate::id::{Conn, Epoch, LineId};
use crate::session::{CloseReason, Session, SessionEvent, SessionState};
use crate::settings::{LineSide, SecondConnection};

impl Core {
    pub(crate) fn accept(&mut self, line: LineId, now: Now) -> Result<Conn, CloseReason> {
        let is_ours = |session: &Session| session.id.line == line && session.side == LineSide::Acceptor;
        let free = |session: &Session| is_ours(session) && session.state == SessionState::Down;
        let slot = self.state.sessions.iter().position(free);
        match slot {
            _ if self.state.journal.failed.is_some() => Err(CloseReason::JournalFailed),
            // A peer that comes and goes would have entry upon entry wait.
            _ if self.journal_is_full() => Err(CloseReason::JournalFull),
            _ if self.is_ending() => Err(CloseReason::Drained),
            _ if !self.is_wanted(line) => Err(CloseReason::Commanded),
            None => {
                self.second_connection(line, now);
                Err(CloseReason::OverLimit)
            }
            Some(_) if self.has_no_room() => Err(CloseReason::OverLimit),
            Some(slot) => {
                let session = &mut self.state.sessions[slot];
                session.epoch = Epoch(session.epoch.0.wrapping_add(1));
                session.gone = false;
                self.come_up(slot, SessionEvent::Accept, now);
                Ok(self.state.sessions[slot].conn())
            }
        }
    }

    /// A peer that connects to a full line may have lost a connection that we still hold. It is turned away, since the line may have no
    /// more; but by then an old one may be ended, so that a later try finds its slot free.
    fn second_connection(&mut self, line: LineId, now: Now) {
        let Some(settings) = self.settings.lines.get(usize::from(line.0)) else { return };
        let policy = settings.second_connection;
        let slots: Vec<usize> = self.slots_of(line).collect();
        let is_ours = |slot: &usize| self.state.sessions[*slot].side == LineSide::Acceptor;
        let is_ending = |slot: &usize| !self.state.sessions[*slot].is_connected();
        // One that ends is enough for one that comes.
        if !slots.iter().all(is_ours) || slots.iter().any(is_ending) {
            return;
        }
        let heard = |slot: &usize| self.state.sessions[*slot].heard_at();
        match policy {
            SecondConnection::Refuse => {}
            SecondConnection::Replace => {
                if let Some(oldest) = slots.iter().copied().min_by_key(heard) {
                    self.close(oldest, CloseReason::Replaced, now);
                }
            }
            SecondConnection::Probe => self.probe_the_silent(&slots, now),
        }
    }

    /// The peer would have polled a quiet connection: one that brought nothing for longer is dead. Of one that brought nothing just now the peer
    /// is asked by a poll telegram, and it is ended if it brings nothing until the answer's time is over.
    fn probe_the_silent(&mut self, slots: &[usize], now: Now) {
        let Some(first) = slots.first() else { return };
        let book = &self.books[usize::from(self.state.sessions[*first].protocol)];
        let Some(poll) = &book.protocol.rules.poll else { return };
        let (after, timeout) = (poll.after, poll.timeout);
        let is_dead = |slot: &usize| self.state.sessions[*slot].heard_at() + after + timeout < now.mono;
        if let Some(dead) = slots.iter().copied().find(is_dead) {
            self.close(dead, CloseReason::Replaced, now);
            return;
        }
        for slot in slots.iter().copied() {
            let session = &self.state.sessions[slot];
            if session.state == SessionState::Up && session.heard_at() + timeout <= now.mono {
                self.ask_poll(slot, now);
            }
        }
    }
}

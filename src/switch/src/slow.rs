//! Peers that take nothing: how long and how much may be unsent, and what is true of the requests when that is over.
//!
//! The shell says with [`Core::handle_wrote`] and no bytes that a socket takes no more. From then on two bounds hold, and the session
//! closes with [`CloseReason::SlowPeer`] when one of them is reached:
//!
//! ```text
//! time    what was there when the socket was full has not all been taken within `unsent_time_max`. A peer that takes nothing at all
//!         has exactly this long; of one that takes a little at a time the oldest byte waits less than twice as long
//! bytes   `unsent_bytes_max` are unsent, so that nothing more is read or queued, and not one byte is taken for PATIENCE_AT_BOUND
//! ```
//!
//! What the socket never took has not left. Of what it took, the kernel may prove the same: [`Core::handle_aborted`].

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use pabal_clock::{Mono, Now};
use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::id::{Conn, ExchangeId, SessionId};
use crate::refusal::Refusal;
use crate::session::CloseReason;
use crate::timer::TimerName;

/// How long a session at its bound of bytes may not move at all: what waits for it could go elsewhere, or be refused.
const PATIENCE_AT_BOUND: Duration = Duration::from_secs(1);

/// A socket that takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Full {
    /// Since when what is before `mark` waits.
    since: Mono,
    /// How far the stream was ready then.
    mark: u64,
    /// When it took a byte last, or was full first.
    moved_at: Mono,
}

impl Core {
    /// The socket of a session takes no more for now.
    pub(crate) fn is_full(&mut self, slot: usize, now: Now) {
        let session = &mut self.state.sessions[slot];
        if session.full.is_none() && session.is_connected() && !session.out.ready_bytes().is_empty() {
            session.full = Some(Full { since: now.mono, mark: session.out.ready(), moved_at: now.mono });
            self.set_unsent(slot);
        }
    }

    /// The socket of a session took bytes.
    pub(crate) fn has_moved(&mut self, slot: usize, now: Now) {
        let session = &mut self.state.sessions[slot];
        let Some(full) = &mut session.full else { return };
        full.moved_at = now.mono;
        if session.out.ready_bytes().is_empty() {
            session.full = None;
        } else if session.out.written() >= full.mark {
            (full.since, full.mark) = (now.mono, session.out.ready());
        }
        self.set_unsent(slot);
    }

    /// More was queued, and may be too much.
    pub(crate) fn has_grown(&mut self, slot: usize) {
        let session = &self.state.sessions[slot];
        if session.full.is_some() && session.out.unsent_bytes() >= session.unsent_bytes_max {
            self.set_unsent(slot);
        }
    }

    fn set_unsent(&mut self, slot: usize) {
        let timer = TimerName::Unsent(self.state.sessions[slot].id);
        match self.unsent_until(slot) {
            Some(until) => self.state.timers.set(timer, until),
            None => self.state.timers.stop(&timer),
        }
    }

    /// When a session whose socket is full is given up.
    fn unsent_until(&self, slot: usize) -> Option<Mono> {
        let session = &self.state.sessions[slot];
        let full = session.full?;
        let by_time = full.since + self.line(session.id).unsent_time_max;
        let is_at_bound = session.out.unsent_bytes() >= session.unsent_bytes_max;
        Some(if is_at_bound { by_time.min(full.moved_at + PATIENCE_AT_BOUND) } else { by_time })
    }

    /// A bound may be reached.
    pub(crate) fn unsent_due(&mut self, id: SessionId, now: Now) {
        let Some(slot) = self.slot(id) else { return };
        match self.unsent_until(slot) {
            Some(until) if until <= now.mono => self.close(slot, CloseReason::SlowPeer, now),
            _ => self.set_unsent(slot),
        }
    }

    /// The kernel proves that the stream of a connection has left up to this place at most: what begins behind it, and was given to the
    /// kernel whole, is not sent. What was partly given is told where the stream itself is ended.
    pub(crate) fn unsent_behind(&mut self, conn: Conn, left: u64, now: Now) {
        let is_behind = |sent: crate::exchange::Sent| sent.conn == conn && sent.start >= left;
        let exchanges = self.state.exchanges.values().filter(|exchange| exchange.sent.is_some_and(is_behind));
        let behind: Vec<ExchangeId> = exchanges.map(|exchange| exchange.id).collect();
        for id in behind {
            let text = format!(
                "the session ended ({}) before the first byte of the request left, by the kernel's count",
                CloseReason::SlowPeer
            );
            self.unsent(id, Refusal::SessionLost, &text, now);
        }
    }
}

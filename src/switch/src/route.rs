//! What is known of a line as a whole, beside its sessions.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::declare::declare;
use crate::drain::{Drain, Scope};
use crate::id::LineId;
use crate::settings::LineSettings;

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
}

impl LineState {
    /// One for each configured line.
    pub(crate) fn of(lines: &[LineSettings]) -> Vec<Self> {
        lines.iter().map(|_| Self { wanted: Wanted::Up }).collect()
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
            && self.state.lines.get(usize::from(line.0)).is_some_and(|line| line.wanted == Wanted::Up)
    }
}

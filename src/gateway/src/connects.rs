//! Tries to connect, over all institutions of the process: bounded, so that a network that comes back is not stormed.

use std::sync::{Mutex, PoisonError};

use pabal_clock::{Mono, Pace};

/// Hands out turns to connect, in the order of asking.
#[derive(Debug)]
pub(crate) struct Connects {
    per_second: u32,
    pace: Mutex<Pace>,
}

impl Connects {
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second, pace: Mutex::default() }
    }

    /// When a connection may begin that is asked for now. The turn is taken.
    pub(crate) fn turn(&self, now: Mono) -> Mono {
        // A driver that fell while it asked has booked its turn or none: both are fine.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).book(self.per_second, now)
    }
}

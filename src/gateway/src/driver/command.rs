//! What handles ask of a driver, and how they hear.

use std::sync::{Arc, OnceLock};

use pabal_clock::Deadline;
use pabal_switch::{ExchangeId, ExchangeState, ExchangeStatus, Inquire, Open, Refusal, Report, Status};
use tokio::sync::{mpsc, oneshot};

/// Names one who waits for an exchange. Several may wait for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WaiterId(pub(crate) u64);

/// Something that a handle wants of a driver.
pub(crate) enum Command {
    /// Take in a request.
    Open {
        open: Box<Open>,
        /// Only if its idempotency key is in memory; otherwise [`Heard::KeyNotInMemory`].
        only_if_known: bool,
        waiter: Waiter,
    },
    /// Ask what became of an exchange.
    Inquire { inquire: Box<Inquire>, waiter: Waiter },
    /// Look at an exchange.
    Look { key: LookKey, reply: oneshot::Sender<Option<ExchangeStatus>> },
    /// Bind an unused idempotency key; replies when it is bound durably.
    Fence { caller: Box<str>, key: Box<str>, reply: oneshot::Sender<Fenced> },
    /// Look at everything.
    Status { reply: oneshot::Sender<Status> },
    /// Take nothing new, and stop when all is done or the deadline has come.
    Drain { deadline: Deadline },
    /// A fault of ours, to see that it stays its institution's own.
    #[cfg(test)]
    Panic,
}

/// By what an exchange is looked up in memory.
pub(crate) enum LookKey {
    Exchange(ExchangeId),
    Idempotency { caller: Box<str>, key: Box<str> },
}

/// What a fence found.
pub(crate) enum Fenced {
    /// The key was unused, and is bound durably.
    Bound,
    /// The key is used.
    Used(ExchangeId),
    /// Nothing can be bound durably any more.
    JournalFailed(String),
}

/// One who waits, as the driver holds it.
pub(crate) struct Waiter {
    pub(crate) id: WaiterId,
    /// Set as soon as there is an exchange, so that the call knows of it even if the driver dies.
    pub(crate) exchange: Arc<OnceLock<ExchangeId>>,
    pub(crate) heard: oneshot::Sender<Heard>,
}

/// What one who waits hears.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Not taken in: nothing was journaled, no byte left.
    Refused(Refusal, String),
    /// What became of the exchange, and how far it is.
    Report(Report, Option<ExchangeState>),
    /// The idempotency key is not in memory, and nothing was opened.
    KeyNotInMemory,
}

/// The other end of a [`Waiter`]. Dropped before it has heard, it tells the driver that nobody waits any more.
pub(crate) struct Waiting {
    id: WaiterId,
    exchange: Arc<OnceLock<ExchangeId>>,
    heard: oneshot::Receiver<Heard>,
    /// Bounded by the calls that wait: each sends at most once.
    abandons: mpsc::UnboundedSender<WaiterId>,
    is_done: bool,
}

impl Waiting {
    pub(crate) fn new(id: WaiterId, abandons: mpsc::UnboundedSender<WaiterId>) -> (Waiter, Self) {
        let exchange = Arc::new(OnceLock::new());
        let (sender, heard) = oneshot::channel();
        let waiter = Waiter { id, exchange: Arc::clone(&exchange), heard: sender };
        (waiter, Self { id, exchange, heard, abandons, is_done: false })
    }

    /// What was heard; `None` if the driver is gone.
    pub(crate) async fn hear(&mut self) -> Option<Heard> {
        let heard = (&mut self.heard).await.ok();
        self.is_done = true;
        heard
    }

    /// The exchange, once there is one.
    pub(crate) fn exchange(&self) -> Option<ExchangeId> {
        self.exchange.get().copied()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.is_done {
            // First this, so that a request that the driver has not yet looked at is seen to be abandoned.
            self.heard.close();
            let _ = self.abandons.send(self.id);
        }
    }
}

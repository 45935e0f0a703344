//! What handles ask of a driver, and how they hear.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use pabal_clock::Deadline;
use pabal_switch::control::Standing;
use pabal_switch::{
    By, CommandRefused, ExchangeId, ExchangeState, ExchangeStatus, Inquire, NoticeId, Open, OpenNotice, Refusal,
    Report, ServiceReply, Status, Unresolved,
};
use tokio::sync::{mpsc, oneshot};

use super::subscribers::{Subscriber, SubscriberId};
use crate::reload::Hindered;
use crate::versions::Reading;

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
    /// Go on by another version of the spec; replies when that is durable.
    Reload { reading: Reading, actor: String, reason: String, reply: oneshot::Sender<Result<(), Refused>> },
    /// Take in somebody who wants notices.
    Subscribe { id: SubscriberId, subscriber: Subscriber, taken: Taken },
    /// A service replies to a notice.
    Reply { reply: Box<ServiceReply>, subscriber: SubscriberId, taken: Taken },
    /// A service has a notice for good.
    NoticeTaken { notice: NoticeId, subscriber: SubscriberId, taken: Taken },
    /// Look at what is UNKNOWN.
    Unresolved { after: Option<ExchangeId>, max: usize, reply: oneshot::Sender<Vec<Unresolved>> },
    /// Look at notices about which something is still to be done.
    OpenNotices { max: usize, reply: oneshot::Sender<Vec<OpenNotice>> },
    /// Look at everything.
    Status { reply: oneshot::Sender<Status> },
    /// Look which coming versions of the spec a control will hold.
    Hindered { reply: oneshot::Sender<Vec<Hindered>> },
    /// An operator's command; replies when it is durable.
    Act { command: Box<pabal_switch::Command>, by: By, reply: ActReply },
    /// Take nothing new, and stop when all is done or the deadline has come.
    Drain { deadline: Deadline },
    /// An operator starts what a fault of ours has left down; replies whether there is, or will be, a core.
    Start { reply: oneshot::Sender<bool> },
    /// A fault of ours, to see that it stays its institution's own.
    #[cfg(test)]
    Panic,
}

/// Who asked hears whether it was taken in.
pub(crate) type Taken = oneshot::Sender<Result<(), (Refusal, String)>>;

/// Why a version is not in force.
pub(crate) enum Refused {
    /// Sessions would have to be made anew; what differs.
    NeedsReconnect(String),
    /// A control that stands could not be judged by it; which, and what to do.
    Control(String),
    /// There is no core, or nothing becomes durable any more; why.
    Stopped(String),
}

/// An operator's command is durable: the control whose place another one took by it, if there was one.
pub(crate) type Acted = Option<Box<Standing>>;

/// Who gave one hears whether it is durable.
pub(crate) type ActReply = oneshot::Sender<Result<Acted, Unable>>;

/// Why an operator's command is not taken.
pub(crate) enum Unable {
    /// By the core.
    Refused(CommandRefused),
    /// There is no core, or nothing becomes durable any more; why.
    Stopped(String),
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
    /// Nothing can be bound durably now, or any more.
    Refused(Refusal, String),
}

/// One who waits, as the driver holds it.
pub(crate) struct Waiter {
    pub(crate) id: WaiterId,
    shared: Arc<Shared>,
    heard: oneshot::Sender<Heard>,
}

/// What both ends of a wait see.
#[derive(Default)]
struct Shared {
    /// Set once, by the driver that begins or by the caller that gives up, whoever comes first: after the one nothing
    /// more can be called off, after the other nothing begins.
    is_decided: AtomicBool,
    /// Set as soon as there is an exchange, so that the call knows of it even if the driver dies.
    exchange: OnceLock<ExchangeId>,
}

impl Shared {
    fn decide(&self) -> bool {
        !self.is_decided.swap(true, Ordering::SeqCst)
    }
}

impl Waiter {
    /// The driver begins with what is asked for; `None` if the caller has given up.
    pub(crate) fn begin(self) -> Option<Self> {
        self.shared.decide().then_some(self)
    }

    /// There is an exchange that is waited for.
    pub(crate) fn waits_for(&self, exchange: ExchangeId) {
        // It is set once: a waiter waits for one exchange.
        let _ = self.shared.exchange.set(exchange);
    }

    /// Ends the wait. Who is gone hears nothing.
    pub(crate) fn tell(self, heard: Heard) {
        let _ = self.heard.send(heard);
    }
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
    shared: Arc<Shared>,
    heard: oneshot::Receiver<Heard>,
    /// Bounded by the calls that wait: each sends at most once.
    abandons: mpsc::UnboundedSender<WaiterId>,
    is_done: bool,
}

impl Waiting {
    pub(crate) fn new(id: WaiterId, abandons: mpsc::UnboundedSender<WaiterId>) -> (Waiter, Self) {
        let shared = Arc::new(Shared::default());
        let (sender, heard) = oneshot::channel();
        let waiter = Waiter { id, shared: Arc::clone(&shared), heard: sender };
        (waiter, Self { id, shared, heard, abandons, is_done: false })
    }

    /// What was heard; `None` if the driver is gone.
    pub(crate) async fn hear(&mut self) -> Option<Heard> {
        let heard = (&mut self.heard).await.ok();
        self.is_done = true;
        heard
    }

    /// Calls off what the driver has not begun. Afterwards nothing of it is done, if this says `true`.
    pub(crate) fn give_up(&mut self) -> bool {
        let is_called_off = self.shared.decide();
        self.is_done |= is_called_off;
        is_called_off
    }

    /// The exchange, once there is one.
    pub(crate) fn exchange(&self) -> Option<ExchangeId> {
        self.shared.exchange.get().copied()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.is_done && !self.give_up() {
            let _ = self.abandons.send(self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_called_off_does_not_begin_and_what_has_begun_is_not_called_off() {
        let (abandons, mut left) = mpsc::unbounded_channel();
        let (waiter, mut waiting) = Waiting::new(WaiterId(1), abandons.clone());
        assert!(waiting.give_up());
        assert!(waiter.begin().is_none());
        drop(waiting);
        let (waiter, waiting) = Waiting::new(WaiterId(2), abandons.clone());
        drop(waiting);
        assert!(waiter.begin().is_none());
        assert!(left.try_recv().is_err(), "there is nothing to abandon");

        let (waiter, mut waiting) = Waiting::new(WaiterId(3), abandons);
        let waiter = waiter.begin().unwrap();
        assert!(!waiting.give_up());
        waiter.tell(Heard::KeyNotInMemory);
        assert!(matches!(waiting.hear().await, Some(Heard::KeyNotInMemory)));
    }
}

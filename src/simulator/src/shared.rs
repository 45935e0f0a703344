use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pabal_clock::Now;
use pabal_counterparty::{Counterparty, Event, Ledger, LineId, Output};
use tokio::sync::{Notify, broadcast, watch};

/// What driver and handle share.
#[derive(Debug)]
pub(crate) struct Shared {
    counterparty: Mutex<Counterparty>,
    addresses: Mutex<Vec<Option<SocketAddr>>>,
    clock: fn() -> Now,
    poke: Notify,
    version: watch::Sender<u64>,
    events: broadcast::Sender<Event>,
}

impl Shared {
    pub(crate) fn new(
        counterparty: Counterparty,
        addresses: Vec<Option<SocketAddr>>,
        clock: fn() -> Now,
        events_max: usize,
    ) -> Self {
        Self {
            counterparty: Mutex::new(counterparty),
            addresses: Mutex::new(addresses),
            clock,
            poke: Notify::new(),
            version: watch::Sender::new(0),
            events: broadcast::Sender::new(events_max.max(1)),
        }
    }

    /// Gives the counterparty an input or a command; the driver does what follows from it.
    pub(crate) fn with<T>(&self, input: impl FnOnce(&mut Counterparty, Now) -> T) -> T {
        let now = (self.clock)();
        input(&mut lock(&self.counterparty), now)
    }

    /// The same, from outside of the driver.
    pub(crate) fn command<T>(&self, input: impl FnOnce(&mut Counterparty, Now) -> T) -> T {
        let result = self.with(input);
        self.poke.notify_one();
        result
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(lock(&self.counterparty).ledger())
    }

    pub(crate) async fn poked(&self) {
        self.poke.notified().await;
    }

    pub(crate) fn take_outputs(&self) -> Vec<Output> {
        let mut counterparty = lock(&self.counterparty);
        std::iter::from_fn(|| counterparty.poll_output()).collect()
    }

    /// How long until the counterparty wants the time; `None` if it waits for nothing.
    pub(crate) fn until_timeout(&self) -> Option<Duration> {
        let (at, _) = lock(&self.counterparty).poll_timeout()?;
        Some(at.since((self.clock)().mono))
    }

    pub(crate) fn address(&self, line: LineId) -> Option<SocketAddr> {
        lock(&self.addresses).get(usize::from(line.0)).copied().flatten()
    }

    pub(crate) fn change_address(&self, line: LineId, address: SocketAddr) {
        if let Some(place) = lock(&self.addresses).get_mut(usize::from(line.0)) {
            *place = Some(address);
        }
    }

    pub(crate) fn tell(&self, event: Event) {
        tracing::trace!(%event);
        // Nobody listens: that is fine.
        let _ = self.events.send(event);
    }

    pub(crate) fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    pub(crate) fn versions(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }
}

/// A panic while the lock was held has been told already; what is behind it is still the best there is.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pabal_clock::Now;
use pabal_counterparty::{Counterparty, Event, Later, Ledger, LineId, Scenario, Settings, Side};
use pabal_spec::Protocol;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::driver::Driver;
use crate::shared::Shared;

/// What a simulator is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// What it speaks.
    pub protocol: Arc<Protocol>,
    /// How it behaves.
    pub scenario: Arc<Scenario>,
    /// What it speaks from later instants on, in their order.
    pub later: Vec<Later>,
    /// Its lines and bounds.
    pub settings: Settings,
    /// One for each line of the settings, in their order: where an acceptor's line listens (port 0: any free one), where an
    /// initiator's line connects to. An initiator's line without an address waits for [`Simulator::connect_to`].
    pub addresses: Vec<Option<SocketAddr>>,
    /// The same seed gives the same choices for the same telegrams.
    pub seed: u64,
    /// Reads the time: [`crate::computer_clock`], or the gateway's own.
    pub clock: fn() -> Now,
    /// Events that may wait for a listener; one that is slower misses some.
    pub events_max: usize,
    /// How long a connection that we have closed is held open for the other side's FIN.
    pub close_grace: Duration,
}

impl Options {
    /// With the computer's clock, seed 0, ten thousand events and five seconds of grace. One address for each line of the settings.
    #[must_use]
    pub fn new(
        protocol: Arc<Protocol>,
        scenario: Arc<Scenario>,
        settings: Settings,
        addresses: Vec<Option<SocketAddr>>,
    ) -> Self {
        Self {
            protocol,
            scenario,
            later: Vec::new(),
            settings,
            addresses,
            seed: 0,
            clock: crate::computer_clock,
            events_max: 10_000,
            close_grace: Duration::from_secs(5),
        }
    }
}

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There are not as many addresses as lines.
    #[error("{addresses} addresses for {lines} lines; give one for each line, or None for one that is told later")]
    Addresses {
        /// Of the settings.
        lines: usize,
        /// Of the options.
        addresses: usize,
    },
    /// A line that accepts connections has no address.
    #[error("line {line} accepts connections, so it needs an address; port 0 takes any free one")]
    NoAddress {
        /// Its name.
        line: Box<str>,
    },
    /// A line cannot listen.
    #[error("line {line} cannot listen at {address}: {source}")]
    Listen {
        /// Its name.
        line: Box<str>,
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// The simulator was stopped while somebody waited for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the simulator was stopped")]
pub struct Stopped;

/// A simulated institution on real sockets. It ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    driver: JoinHandle<()>,
    local_addresses: Vec<Option<SocketAddr>>,
}

impl Simulator {
    /// Starts to listen and to connect. To be called on a tokio runtime.
    ///
    /// # Errors
    /// A line has no address, or cannot listen at it.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Options { protocol, scenario, later, settings, addresses, seed, clock, events_max, close_grace } = options;
        if addresses.len() != settings.lines.len() {
            return Err(StartError::Addresses { lines: settings.lines.len(), addresses: addresses.len() });
        }
        let mut listeners = Vec::new();
        let mut local_addresses = Vec::new();
        for ((at, line), address) in (0_u16..).map(LineId).zip(&settings.lines).zip(&addresses) {
            if line.side == Side::Initiator {
                local_addresses.push(None);
                continue;
            }
            let name = || line.name.clone();
            let address = address.ok_or_else(|| StartError::NoAddress { line: name() })?;
            let listen = |source| StartError::Listen { line: name(), address, source };
            let listener = TcpListener::bind(address).await.map_err(listen)?;
            local_addresses.push(Some(listener.local_addr().map_err(listen)?));
            listeners.push((at, listener));
        }
        let mut counterparty = Counterparty::new(protocol, scenario, settings, seed, clock());
        counterparty.follow(later);
        for (line, address) in (0_u16..).map(LineId).zip(&addresses) {
            if address.is_none() {
                counterparty.close_line(line, clock());
            }
        }
        let shared = Arc::new(Shared::new(counterparty, addresses, clock, events_max));
        let driver = Driver { shared: Arc::clone(&shared), listeners, close_grace };
        Ok(Self { shared, driver: tokio::spawn(driver.run()), local_addresses })
    }

    /// Where an acceptor's line listens; `None` for an initiator's.
    #[must_use]
    pub fn local_address(&self, line: LineId) -> Option<SocketAddr> {
        self.local_addresses.get(usize::from(line.0)).copied().flatten()
    }

    /// Has an initiator's line connect to this address from now on.
    pub fn connect_to(&self, line: LineId, address: SocketAddr) {
        self.shared.change_address(line, address);
        self.shared.command(|counterparty, now| counterparty.open_line(line, now));
    }

    /// Ends a line's connections; those that are made from now on are reset.
    pub fn close_line(&self, line: LineId) {
        self.shared.command(|counterparty, now| counterparty.close_line(line, now));
    }

    /// Accepts, or makes, connections by a line again.
    pub fn open_line(&self, line: LineId) {
        self.shared.command(|counterparty, now| counterparty.open_line(line, now));
    }

    /// Starts the notices of this name that wait for a trigger. `false`: the scenario has none.
    #[must_use]
    pub fn trigger(&self, name: &str) -> bool {
        self.shared.command(|counterparty, now| counterparty.trigger(name, now))
    }

    /// Looks at the ledger. The institution stands still meanwhile.
    pub fn read<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        self.shared.read(look)
    }

    /// A copy of the ledger.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.read(Clone::clone)
    }

    /// Waits until the ledger holds something: for tests, instead of sleeping. Put a timeout around it.
    ///
    /// # Errors
    /// The simulator was stopped.
    pub async fn wait_for<T>(&self, mut look: impl FnMut(&Ledger) -> Option<T>) -> Result<T, Stopped> {
        let mut versions = self.shared.versions();
        loop {
            versions.borrow_and_update();
            if let Some(found) = self.read(&mut look) {
                return Ok(found);
            }
            if self.driver.is_finished() {
                return Err(Stopped);
            }
            versions.changed().await.map_err(|_| Stopped)?;
        }
    }

    /// What happens from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        Events { events: self.shared.events(), missed: 0 }
    }

    /// Ends all connections (FIN, or RST where bytes were not read) and stops to listen.
    pub async fn stop(self) {
        self.driver.abort();
        self.shared.changed();
        // Waits until its sockets are closed.
        let mut driver = self;
        let _ = (&mut driver.driver).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What happens at the institution, in order.
#[derive(Debug)]
pub struct Events {
    events: broadcast::Receiver<Event>,
    missed: u64,
}

impl Events {
    /// The next event; `None` once the simulator is gone.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.events.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(count)) => self.missed += count,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// Events that were lost because this listener was too slow.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.missed
    }
}

//! The running whole.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use pabal_clock::Deadline;
use pabal_journal::Writer;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::clock::now;
use crate::config::Config;
use crate::driver::Drained;
use crate::driver::command::Command;
use crate::handle::Handle;
use crate::start::{StartError, prepare};

/// A running gateway: its drivers, its listeners, its journal. Dropped without [`Gateway::drain`], its drivers go on until the runtime ends.
#[derive(Debug)]
pub struct Gateway {
    handle: Handle,
    drivers: BTreeMap<String, JoinHandle<Drained>>,
    writer: Writer,
    effective: String,
}

/// What a stop left behind, and whether the journal was closed well.
#[derive(Debug)]
pub struct DrainSummary {
    /// Of each institution, in the order of their names.
    pub institutions: Vec<Drained>,
    /// Why the journal's writer had failed, if it had.
    pub journal_failure: Option<String>,
}

/// How long after the deadline a driver may take to end.
const DRAIN_GRACE: Duration = Duration::from_secs(3);

async fn drain(
    institution: String,
    mut driver: JoinHandle<Drained>,
    commands: Option<mpsc::Sender<Command>>,
    deadline: Deadline,
    longest: Duration,
) -> Drained {
    let ended = tokio::time::timeout(longest, async {
        if let Some(commands) = commands {
            // A driver that is gone has drained.
            let _ = commands.send(Command::Drain { deadline }).await;
        }
        (&mut driver).await
    });
    if let Ok(Ok(drained)) = ended.await {
        return drained;
    }
    driver.abort();
    Drained::unknown(institution)
}

impl DrainSummary {
    /// Whether the stop was an orderly one: every session was closed and every entry durable in time.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.journal_failure.is_none() && self.institutions.iter().all(|institution| institution.is_complete)
    }

    /// Whether also nothing is left with which the next start has to go on ([`Drained::leaves_nothing_open`]).
    #[must_use]
    pub fn leaves_nothing_open(&self) -> bool {
        self.journal_failure.is_none() && self.institutions.iter().all(Drained::leaves_nothing_open)
    }
}

impl Gateway {
    /// Loads the specs, takes the lock of the data directory, recovers from the journal, opens listeners and starts a driver for
    /// each institution. Must be called on a runtime with time and IO.
    ///
    /// # Errors
    /// What does not fit, with its place and the fix.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let (writer, ready) = prepare(&config).await?;
        let effective = config.effective();
        for line in effective.lines() {
            tracing::debug!("in force: {line}");
        }
        let mut drivers = BTreeMap::new();
        let mut desks = BTreeMap::new();
        for institution in ready {
            let name = institution.desk.name.clone();
            drivers.insert(name.clone(), tokio::spawn(institution.driver.run(institution.recovery)));
            desks.insert(name, institution.desk);
        }
        let handle = Handle::new(desks, config.data_dir().to_owned(), config.default_timeout());
        Ok(Self { handle, drivers, writer, effective })
    }

    /// For everybody else.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The settings in force, a line each, with the place that says so.
    #[must_use]
    pub fn effective_limits(&self) -> String {
        self.effective.clone()
    }

    /// Where the lines to which institutions connect are bound: institution, line, address.
    #[must_use]
    pub fn local_addresses(&self) -> Vec<(String, String, SocketAddr)> {
        self.handle.local_addresses()
    }

    /// The journal's writer: to hold it (see [`Writer::pause`]), and to ask how it is.
    #[must_use]
    pub const fn journal(&self) -> &Writer {
        &self.writer
    }

    /// Stops taking requests, lets what is in flight be answered until the deadline, closes sessions (business stays open) and the
    /// journal. Tells what is still open.
    pub async fn drain(self, within: Duration) -> DrainSummary {
        let deadline = now().mono + within;
        let mut drains = Vec::new();
        for (institution, driver) in self.drivers {
            let commands = self.handle.commands(&institution);
            // Side by side: each has the same deadline.
            drains.push(tokio::spawn(drain(institution, driver, commands, deadline, within + DRAIN_GRACE)));
        }
        let mut institutions = Vec::new();
        for drain in drains {
            match drain.await {
                Ok(drained) => institutions.push(drained),
                Err(error) => tracing::error!(%error, "a drain fell"),
            }
        }
        let writer = self.writer;
        let closed = tokio::task::spawn_blocking(move || writer.close().map_err(|failure| failure.to_string())).await;
        let journal_failure = closed.unwrap_or_else(|error| Err(error.to_string())).err();
        DrainSummary { institutions, journal_failure }
    }
}

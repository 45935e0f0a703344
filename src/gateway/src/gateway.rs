use std::time::Duration;

use pabal_switch::Status;

use crate::call::{Answer, Call, CallError, Find, Found, InquireCall};
use crate::config::Config;

/// A running gateway: its drivers, its listeners, its journal.
#[derive(Debug)]
pub struct Gateway {
    _state: (),
}

/// Why a gateway cannot start.
#[derive(Debug)]
pub struct StartError(pub String);

/// What others hold of a gateway; cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    _state: (),
}

/// Whether an institution can be called now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Sessions are up and the journal works.
    Serving,
    /// Not, and why.
    NotServing(String),
}

impl Gateway {
    /// Loads the specs, takes the lock of the data directory, recovers from the journal, opens listeners and starts a driver for each institution.
    ///
    /// # Errors
    /// What does not fit, with its place and the fix.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let _ = config;
        unimplemented!()
    }

    /// For everybody else.
    #[must_use]
    pub fn handle(&self) -> Handle {
        unimplemented!()
    }

    /// The limits in force, as lines for people.
    #[must_use]
    pub fn effective_limits(&self) -> String {
        unimplemented!()
    }

    /// Stops taking requests, lets what is in flight be answered until the deadline, closes sessions (business stays open) and the journal.
    pub async fn drain(self, within: Duration) {
        let _ = within;
    }
}

impl Handle {
    /// The institutions' names, in order.
    #[must_use]
    pub fn institutions(&self) -> Vec<String> {
        unimplemented!()
    }

    /// Sends a request and waits for its outcome. Dropping the future abandons the call: what has not left will not leave.
    ///
    /// # Errors
    /// Refused; no byte left.
    pub async fn exchange(&self, call: Call) -> Result<Answer, CallError> {
        let _ = call;
        unimplemented!()
    }

    /// What is known of an exchange, from memory or the journal.
    ///
    /// # Errors
    /// The institution is not known, or the journal cannot be read or written.
    pub async fn find(&self, find: Find) -> Result<Found, CallError> {
        let _ = find;
        unimplemented!()
    }

    /// Asks the institution what became of an UNKNOWN exchange: the inquiry's own answer, and what the original is now.
    ///
    /// # Errors
    /// It cannot be asked; no byte left.
    pub async fn inquire(&self, call: InquireCall) -> Result<(Answer, Found), CallError> {
        let _ = call;
        unimplemented!()
    }

    /// What an operator sees of an institution; `None` if it is not configured.
    pub async fn status(&self, institution: &str) -> Option<Status> {
        let _ = institution;
        None
    }

    /// Whether an institution can be called now, and every change of that. `None` if it is not configured.
    #[must_use]
    pub fn health(&self, institution: &str) -> Option<tokio::sync::watch::Receiver<Health>> {
        let _ = institution;
        None
    }

    /// The default of how long a caller waits that does not say.
    #[must_use]
    pub fn default_timeout(&self) -> Duration {
        Duration::from_secs(30)
    }
}

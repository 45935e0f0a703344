//! One institution's driver: a task that owns the core, its sockets, and everybody who waits.
//!
//! A turn looks at each source of inputs once, with a fixed budget for each, so that none starves the others; a source with more to give has the
//! next turn at once. After every input the core's outputs are drained. The driver encodes nothing, masks nothing, logs nothing and
//! waits for nothing: entries go to the [`bridge`], events to the [`observer`].
//!
//! A panic in here (ours, by definition) is caught: the institution's sockets close, its health says so, and the core is made anew from
//! the journal. Other institutions do not notice.

mod acks;
mod bridge;
pub(crate) mod command;
pub(crate) mod health;
mod life;
mod observer;
mod socket;
mod waiters;

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use pabal_journal::Writer;
use pabal_spec::Institution;
use pabal_switch::{Recovery, Refusal, Settings};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::coop::unconstrained;

use crate::config::{Endpoint, LineConfig};
use crate::digest::DigestKey;
use crate::recovery::recover;
use command::{Command, Fenced, Heard, WaiterId};
use health::Health;
use life::{End, Life};
use socket::SocketOptions;

/// What survives a core: everything but its sockets and waiters.
pub(crate) struct Driver {
    pub(crate) institution: Arc<Institution>,
    pub(crate) settings: Settings,
    pub(crate) lines: Vec<Line>,
    pub(crate) node: String,
    pub(crate) journal: pabal_journal::Options,
    pub(crate) writer: Writer,
    pub(crate) digest: Arc<DigestKey>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) abandons: mpsc::UnboundedReceiver<WaiterId>,
    pub(crate) health: watch::Sender<Health>,
}

/// A configured route as the shell knows it.
pub(crate) struct Line {
    pub(crate) name: String,
    /// Whose connections are taken; anybody's if there is none.
    from: Vec<IpAddr>,
    endpoint: LineEndpoint,
    options: SocketOptions,
}

enum LineEndpoint {
    Connect(Vec<String>),
    Listen(TcpListener),
}

/// What a stop left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drained {
    /// The institution's name.
    pub institution: String,
    /// Requests that were sent and are not answered: UNKNOWN, until an answer or an inquiry says more.
    pub in_flight: u32,
    /// Requests that waited for room: not sent.
    pub waiting: u32,
    /// UNKNOWN exchanges, those in flight not counted.
    pub unknown: u32,
    /// Every session was closed and every entry durable before the deadline.
    pub is_complete: bool,
}

impl Line {
    /// Binds the listener of an acceptor line.
    pub(crate) async fn open(config: &LineConfig) -> std::io::Result<Self> {
        let endpoint = match &config.endpoint {
            Endpoint::Connect(addresses) => LineEndpoint::Connect(addresses.clone()),
            Endpoint::Listen(address) => LineEndpoint::Listen(TcpListener::bind(address).await?),
        };
        let options = SocketOptions {
            keepalive_idle: config.keepalive_idle,
            keepalive_interval: config.keepalive_interval,
            user_timeout: config.user_timeout,
        };
        Ok(Self { name: config.name.clone(), from: config.from.clone(), endpoint, options })
    }

    /// The address that an acceptor line has got.
    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        match &self.endpoint {
            LineEndpoint::Connect(_) => None,
            LineEndpoint::Listen(listener) => listener.local_addr().ok(),
        }
    }
}

/// How long a stop waits until everything is appended.
const FINISH_MAX: Duration = Duration::from_secs(1);
/// The longest wait between a core that fell and the next.
const REBUILD_WAIT_MAX: Duration = Duration::from_secs(60);

impl Driver {
    fn name(&self) -> &str {
        &self.institution.name
    }

    /// Drives until it has drained.
    pub(crate) async fn run(mut self, recovery: Recovery) -> Drained {
        let mut life = match self.begin(recovery) {
            Ok(life) => life,
            Err(why) => return self.refuse_all(&why).await,
        };
        let mut wait = Duration::from_secs(1);
        loop {
            let turns = poll_fn(|cx| {
                // What a fall may have left half done is dropped whole.
                catch_unwind(AssertUnwindSafe(|| life.turn(&mut self, cx)))
                    .unwrap_or_else(|panic| Poll::Ready(End::Fell(panic_text(&*panic))))
            });
            // A turn has budgets of its own; the runtime's would fall on whichever source comes last.
            let why = match unconstrained(turns).await {
                End::Drained(drained) => {
                    // Closing the journal makes durable what is appended by then, and says so if it has failed.
                    let _ = tokio::time::timeout(FINISH_MAX, life.finish()).await;
                    return drained;
                }
                End::Fell(why) => why,
            };
            tracing::error!(
                institution = self.name(),
                why,
                "a fault of ours ended this institution's core; it is made anew from the journal"
            );
            self.health
                .send_replace(Health::NotServing(format!("a fault of ours: {why}; starting anew from the journal")));
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(REBUILD_WAIT_MAX);
            life = match self.rebuild(life).await {
                Ok(life) => life,
                Err(why) => return self.refuse_all(&why).await,
            };
        }
    }

    /// A new core, once everything that the old one wrote is durable and can be read.
    async fn rebuild(&self, old: Life) -> Result<Life, String> {
        old.finish().await?;
        let (directory, name) = (self.journal.directory.clone(), self.name().to_owned());
        let recovery = tokio::task::spawn_blocking(move || recover(&directory, &name))
            .await
            .map_err(|error| error.to_string())??;
        self.begin(recovery)
    }

    fn begin(&self, recovery: Recovery) -> Result<Life, String> {
        catch_unwind(AssertUnwindSafe(|| Life::begin(self, recovery)))
            .map_err(|panic| format!("a fault of ours at the start: {}", panic_text(&*panic)))
    }

    /// There is no core, and none can be made: says so until the gateway stops.
    async fn refuse_all(mut self, why: &str) -> Drained {
        tracing::error!(
            institution = self.name(),
            why,
            "this institution stays down until the gateway is started again"
        );
        self.health.send_replace(Health::NotServing(format!("down until the gateway is started again: {why}")));
        while let Some(command) = self.commands.recv().await {
            match command {
                // Of a key that was used before, bytes may have left: the journal has to say.
                Command::Open { only_if_known: true, waiter, .. } => waiter.tell(Heard::KeyNotInMemory),
                Command::Open { waiter, .. } | Command::Inquire { waiter, .. } => {
                    waiter.tell(Heard::Refused(Refusal::Stopped, why.to_owned()));
                }
                Command::Fence { reply, .. } => _ = reply.send(Fenced::JournalFailed(why.to_owned())),
                Command::Look { .. } | Command::Status { .. } => {}
                Command::Drain { .. } => break,
                #[cfg(test)]
                Command::Panic => {}
            }
        }
        let institution = self.name().to_owned();
        Drained { institution, in_flight: 0, waiting: 0, unknown: 0, is_complete: false }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no text".to_owned())
}

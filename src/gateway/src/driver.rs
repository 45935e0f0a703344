//! One institution's driver: a task that owns the core, its sockets, and everybody who waits.
//!
//! A turn looks at each source of inputs once, with a fixed budget for each, so that none starves the others; a source with more to give has the
//! next turn at once. After every input the core's outputs are drained. The driver encodes nothing, masks nothing, logs nothing and
//! waits for nothing: entries go to the [`bridge`], events to the [`observer`].
//!
//! A panic in here (ours, by definition) is caught: the institution's sockets close, its health says so, and the core is made anew from
//! the journal. Other institutions do not notice. One that falls again within [`AGAIN`] stays down until an operator starts it: what
//! makes it fall is still there, and each try would be another login at the institution.

mod acks;
mod bridge;
pub(crate) mod command;
mod ends;
mod found;
pub(crate) mod health;
mod life;
mod log;
mod observer;
pub(crate) mod own;
mod socket;
pub(crate) mod subscribers;
mod unsent;
mod waiters;

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use pabal_clock::{Deadline, Mono};
use pabal_journal::Writer;
use pabal_spec::Institution;
use pabal_switch::{Recovery, Refusal, Settings, Status};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::coop::unconstrained;

use crate::clock::now;
use crate::config::{Endpoint, LineConfig};
use crate::connects::Connects;
use crate::digest::DigestKey;
use crate::recovery::recover;
use crate::versions::{Shelf, Versions};
use command::{Command, Fenced, Heard, Refused, Unable, WaiterId};
use health::Health;
use life::{End, Life};
use socket::SocketOptions;
use subscribers::SubscriberId;

/// What survives a core: everything but its sockets and waiters.
pub(crate) struct Driver {
    pub(crate) versions: Arc<Versions>,
    pub(crate) shelf: Shelf,
    pub(crate) name: String,
    pub(crate) settings: Settings,
    pub(crate) lines: Vec<Line>,
    pub(crate) node: String,
    pub(crate) journal: pabal_journal::Options,
    pub(crate) writer: Writer,
    pub(crate) digest: Arc<DigestKey>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) abandons: mpsc::UnboundedReceiver<WaiterId>,
    pub(crate) leaves: mpsc::UnboundedReceiver<SubscriberId>,
    pub(crate) health: watch::Sender<Health>,
}

/// A configured route as the shell knows it.
pub(crate) struct Line {
    pub(crate) name: String,
    /// Whose connections are taken; anybody's if there is none.
    from: Vec<IpAddr>,
    endpoint: LineEndpoint,
    options: SocketOptions,
    /// The turns of the process; none where it connects for each request.
    connects: Option<Arc<Connects>>,
}

enum LineEndpoint {
    /// To these in turn, as the core says, from there.
    Connect { addresses: Vec<String>, source: Option<SocketAddr> },
    /// At this address; not while the institution is down until an operator starts it, so that a peer sees that nobody is there.
    Listen { listener: Option<TcpListener>, address: SocketAddr },
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
    /// Those of them that were listed before the stop began: a person looks at them, whoever runs.
    pub listed: u32,
    /// Notices whose reply has not left: the next start goes on with them.
    pub notices_unreplied: u32,
    /// Every session was closed and every entry durable before the deadline.
    pub is_complete: bool,
}

impl Drained {
    /// Of an institution that has no core to be asked, or did not end in time.
    pub(crate) const fn unknown(institution: String) -> Self {
        let (in_flight, waiting, unknown, listed, notices_unreplied) = (0, 0, 0, 0, 0);
        Self { institution, in_flight, waiting, unknown, listed, notices_unreplied, is_complete: false }
    }

    /// Whether nothing is left that the next start has to go on with: no request, no UNKNOWN that is not on the list of a person since
    /// before the stop, no notice without its reply; and every session was closed in time.
    #[must_use]
    pub const fn leaves_nothing_open(&self) -> bool {
        self.is_complete
            && self.in_flight == 0
            && self.waiting == 0
            && self.unknown <= self.listed
            && self.notices_unreplied == 0
    }
}

impl Line {
    /// Binds the listener of an acceptor line.
    pub(crate) async fn open(config: &LineConfig, connects: &Arc<Connects>) -> std::io::Result<Self> {
        let endpoint = match &config.endpoint {
            Endpoint::Connect(addresses) => {
                LineEndpoint::Connect { addresses: addresses.clone(), source: config.source }
            }
            Endpoint::Listen(address) => {
                let listener = TcpListener::bind(address).await;
                // The system does not say where.
                let listener =
                    listener.map_err(|error| std::io::Error::new(error.kind(), format!("{address}: {error}")))?;
                let address = listener.local_addr()?;
                LineEndpoint::Listen { listener: Some(listener), address }
            }
        };
        let is_kept = config.connects == pabal_switch::Connects::Kept;
        let connects = is_kept.then(|| Arc::clone(connects));
        let options = SocketOptions {
            keepalive_idle: config.keepalive_idle,
            keepalive_interval: config.keepalive_interval,
            user_timeout: config.user_timeout,
        };
        Ok(Self { name: config.name.clone(), from: config.from.clone(), endpoint, options, connects })
    }

    /// The address that an acceptor line has got.
    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        match &self.endpoint {
            LineEndpoint::Connect { .. } => None,
            LineEndpoint::Listen { address, .. } => Some(*address),
        }
    }

    /// Takes nobody any more: who connects is refused.
    fn shut(&mut self) {
        if let LineEndpoint::Listen { listener, .. } = &mut self.endpoint {
            *listener = None;
        }
    }

    /// Listens where it did, after [`Line::shut`].
    async fn listen_again(&mut self) -> std::io::Result<()> {
        if let LineEndpoint::Listen { listener: listener @ None, address } = &mut self.endpoint {
            *listener = Some(TcpListener::bind(*address).await?);
        }
        Ok(())
    }
}

/// How long a stop waits until everything is appended.
const FINISH_MAX: Duration = Duration::from_secs(1);
/// The wait between a core that fell and the next.
const REST: Duration = Duration::from_secs(1);
/// A core that falls so soon after the fall before it is not made anew by itself.
const AGAIN: Duration = Duration::from_secs(60);

impl Driver {
    fn name(&self) -> &str {
        &self.name
    }

    /// Drives until it has drained.
    pub(crate) async fn run(mut self, recovery: Recovery) -> Drained {
        let needed = self.with_versions(recovery).await;
        let mut life = match needed.and_then(|(recovery, versions)| self.begin(recovery, versions)) {
            Ok(life) => life,
            Err(why) => return self.refuse_all(&why).await,
        };
        life.tell_found(&self);
        let mut fell_before = None;
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
            let fell = now().mono;
            let is_again = is_again(fell_before, fell);
            fell_before = Some(fell);
            if is_again {
                self.lines.iter_mut().for_each(Line::shut);
            }
            self.tell_fall(&why, is_again);
            let ended = match self.rest(life, (!is_again).then_some(REST), &why).await {
                Ok(drain) => {
                    self.recovered().await.and_then(|(recovery, versions)| Ok((self.begin(recovery, versions)?, drain)))
                }
                Err(why) => Err(why),
            };
            life = match ended {
                Ok((life, None)) => life,
                Ok((mut life, Some(deadline))) => {
                    life.drain(deadline, now());
                    life
                }
                Err(why) => return self.refuse_all(&why).await,
            };
        }
    }

    fn tell_fall(&self, why: &str, is_again: bool) {
        let (institution, minutes) = (self.name(), AGAIN.as_secs() / 60);
        let health = if is_again {
            tracing::error!(
                institution,
                why,
                "a fault of ours ended this institution's core again; it stays down until an operator starts it"
            );
            format!(
                "a fault of ours, twice within {minutes} minute: {why}; down until an operator starts the institution"
            )
        } else {
            tracing::error!(
                institution,
                why,
                "a fault of ours ended this institution's core; it is made anew from the journal"
            );
            format!("a fault of ours: {why}; starting anew from the journal")
        };
        self.health.send_replace(Health::NotServing(health));
    }

    /// Ends a life: its sockets close and who waits hears of it at once, then all that it wrote becomes durable. Then rests, for good if no
    /// time is given, unless an operator starts it or the gateway is to stop; says until when. What is asked meanwhile is refused.
    async fn rest(&mut self, old: Life, wait: Option<Duration>, why: &str) -> Result<Option<Deadline>, String> {
        let (is_hurried, mut drain) = (Notify::new(), None);
        let rested = async {
            old.finish().await?;
            let over = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => {}
                () = is_hurried.notified() => {}
            }
            Ok(())
        };
        let mut rested = pin!(rested);
        loop {
            tokio::select! {
                biased;
                ended = &mut rested => return ended.map(|()| drain),
                Some(command) = self.commands.recv() => match command {
                    Command::Start { reply } => {
                        let listens = self.listen_again().await;
                        // Who is gone hears nothing.
                        let _ = reply.send(listens);
                        if listens {
                            is_hurried.notify_one();
                        }
                    }
                    command => if let Some(deadline) = refuse(command, why) {
                        drain = Some(deadline);
                        is_hurried.notify_one();
                    },
                },
            }
        }
    }

    /// Listens again where nobody was taken. `false` if one line cannot; its place is told, and the institution stays down.
    async fn listen_again(&mut self) -> bool {
        for at in 0..self.lines.len() {
            if let Err(error) = self.lines[at].listen_again().await {
                let line = &self.lines[at].name;
                let text = format!("down: line {line} cannot listen again: {error}; start the institution when it can");
                tracing::error!(institution = self.name(), line, %error, "a line cannot listen again; the institution stays down");
                self.health.send_replace(Health::NotServing(text));
                self.lines.iter_mut().for_each(Line::shut);
                return false;
            }
        }
        true
    }

    /// What the next core begins with.
    async fn recovered(&self) -> Result<(Recovery, Vec<Arc<Institution>>), String> {
        let (directory, name) = (self.journal.directory.clone(), self.name().to_owned());
        let recovered = tokio::task::spawn_blocking(move || recover(&directory, &name)).await;
        self.with_versions(recovered.map_err(|error| error.to_string())??).await
    }

    /// The versions of the spec that a recovery needs, the one in force first.
    async fn with_versions(&self, recovery: Recovery) -> Result<(Recovery, Vec<Arc<Institution>>), String> {
        let (versions, shelf) = (Arc::clone(&self.versions), self.shelf.clone());
        let needed = recovery.specs();
        let read = tokio::task::spawn_blocking(move || versions.institutions(&needed, &shelf)).await;
        Ok((recovery, read.map_err(|error| error.to_string())?))
    }

    fn begin(&self, recovery: Recovery, versions: Vec<Arc<Institution>>) -> Result<Life, String> {
        catch_unwind(AssertUnwindSafe(|| Life::begin(self, recovery, versions)))
            .map_err(|panic| format!("a fault of ours at the start: {}", panic_text(&*panic)))
    }

    /// There is no core, and none can be made: says so until the gateway stops.
    async fn refuse_all(mut self, why: &str) -> Drained {
        tracing::error!(
            institution = self.name(),
            why,
            "this institution stays down until the gateway is started again"
        );
        self.lines.iter_mut().for_each(Line::shut);
        self.health.send_replace(Health::NotServing(format!("down until the gateway is started again: {why}")));
        while let Some(command) = self.commands.recv().await {
            if refuse(command, why).is_some() {
                break;
            }
        }
        Drained::unknown(self.name().to_owned())
    }
}

/// Answers a command without a core. Returns the deadline if it is to drain.
fn refuse(command: Command, why: &str) -> Option<Deadline> {
    match command {
        // Of a key that was used before, bytes may have left: the journal has to say.
        Command::Open { only_if_known: true, waiter, .. } => waiter.tell(Heard::KeyNotInMemory),
        Command::Open { waiter, .. } | Command::Inquire { waiter, .. } => {
            waiter.tell(Heard::Refused(Refusal::Stopped, why.to_owned()));
        }
        Command::Fence { reply, .. } => _ = reply.send(Fenced::Refused(Refusal::JournalFailed, why.to_owned())),
        Command::Subscribe { taken, .. } | Command::Reply { taken, .. } | Command::NoticeTaken { taken, .. } => {
            _ = taken.send(Err((Refusal::Stopped, why.to_owned())));
        }
        Command::Act { reply, .. } => _ = reply.send(Err(Unable::Stopped(why.to_owned()))),
        Command::Reload { reply, .. } => _ = reply.send(Err(Refused::Stopped(why.to_owned()))),
        // Without a core there is nothing to be seen; the health says why.
        Command::Status { reply } => _ = reply.send(Status::default()),
        Command::Hindered { reply } => _ = reply.send(Vec::new()),
        // There is no core, and none can be made: a start of the whole gateway may help.
        Command::Start { reply } => _ = reply.send(false),
        Command::Look { .. } | Command::Unresolved { .. } | Command::OpenNotices { .. } => {}
        Command::Drain { deadline } => return Some(deadline),
        #[cfg(test)]
        Command::Panic => {}
    }
    None
}

/// Whether a core falls again, too soon after the fall before it.
fn is_again(before: Option<Mono>, fell: Mono) -> bool {
    before.is_some_and(|before| fell.since(before) < AGAIN)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fall_within_a_minute_of_another_is_one_again() {
        let at = |secs| Mono::ZERO + Duration::from_secs(secs);
        assert!(!is_again(None, at(1)));
        assert!(is_again(Some(at(1)), at(60)));
        assert!(!is_again(Some(at(1)), at(61)));
    }
}

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::{Deadline, Mono, Now};
use pabal_spec::Institution;

use crate::entry::Entry;
use crate::id::{Conn, ExchangeId, LineId, Ticket};
use crate::image::Image;
use crate::output::Output;
use crate::plan::Plan;
use crate::recovery::Recovery;
use crate::refusal::Refusal;
use crate::session::CloseReason;
use crate::settings::{Limits, Settings};
use crate::status::{ExchangeStatus, Status};
use crate::timer::TimerName;

/// A request of a caller.
#[derive(Clone, Debug)]
pub struct Open {
    /// What it is, pinned.
    pub plan: Arc<Plan>,
    /// Who asks; scopes the idempotency key.
    pub caller: Box<str>,
    /// The caller's own name for the request, if it wants to be able to ask again.
    pub idempotency_key: Option<Box<str>>,
    /// Which party asks; `None` is the first that is configured.
    pub party: Option<Box<str>>,
    /// The telegram as encoded, length prefix not included; what is stamped is still unset.
    pub telegram: Vec<u8>,
    /// When the caller stops waiting.
    pub deadline: Deadline,
    /// The caller's `traceparent` (W3C Trace Context), as it came.
    pub trace: Option<Box<str>>,
}

/// How a request was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// As a new exchange.
    New(ExchangeId),
    /// The idempotency key is known: this exchange's outcome answers. If there is one already, [`Output::Finish`] repeats it.
    Known(ExchangeId),
}

/// An inquiry by hand.
#[derive(Clone, Debug)]
pub struct Inquire {
    /// About which UNKNOWN exchange.
    pub exchange: ExchangeId,
    /// Who asks.
    pub actor: Box<str>,
    /// And why.
    pub reason: Box<str>,
    /// The asking service's trace, if it has one.
    pub trace: Option<Box<str>>,
    /// When the actor stops waiting.
    pub deadline: Deadline,
}

/// One institution's machine: plain values, no IO, no clock, no randomness but the seed that it is born with.
///
/// Methods are of four kinds. *Getters* change nothing. *`handle_*`* tell what happened in the world. *Commands* ([`Core::open`],
/// [`Core::abandon`], [`Core::inquire`], [`Core::fence`], [`Core::drain`]) tell what somebody wants. *`poll_*`* tell what the shell must do. After every call of the second and third kind, drain
/// [`Core::poll_output`], then pull [`Core::poll_write`] of the connections whose sockets take bytes, then set one timer by [`Core::poll_timeout`].
#[derive(Debug)]
pub struct Core {
    _state: (),
}

impl Core {
    /// A core for an institution, from settings that were checked, what the journal knows, and a seed for ids and jitter.
    /// Its first outputs are entries about what a stop left behind, and connections.
    #[must_use]
    pub fn new(institution: Arc<Institution>, settings: Settings, recovery: Recovery, seed: u64, now: Now) -> Self {
        let _ = (institution, settings, recovery, seed, now);
        unimplemented!()
    }

    /// The whole core as data.
    #[must_use]
    pub fn image(&self) -> Image {
        unimplemented!()
    }

    /// A core that goes on where an image stood.
    ///
    /// # Errors
    /// The image is of another version or institution.
    pub fn restore(image: Image, institution: Arc<Institution>, settings: Settings) -> Result<Self, Box<str>> {
        let _ = (image, institution, settings);
        unimplemented!()
    }

    // ---- getters ----

    /// Whether bytes of this connection should be read now; `false` pushes back on the peer through TCP.
    #[must_use]
    pub fn wants_read(&self, conn: Conn) -> bool {
        let _ = conn;
        unimplemented!()
    }

    /// What an operator sees.
    #[must_use]
    pub fn status(&self) -> Status {
        unimplemented!()
    }

    /// One exchange, if memory knows it.
    #[must_use]
    pub fn exchange(&self, exchange: ExchangeId) -> Option<ExchangeStatus> {
        let _ = exchange;
        unimplemented!()
    }

    /// The exchange that a caller's idempotency key names, if memory knows it.
    #[must_use]
    pub fn exchange_of_key(&self, caller: &str, key: &str) -> Option<ExchangeId> {
        let _ = (caller, key);
        unimplemented!()
    }

    /// Everything that a recovery needs, as one entry.
    #[must_use]
    pub fn checkpoint(&self) -> Entry {
        unimplemented!()
    }

    // ---- the world ----

    /// The connection that [`Output::Connect`] asked for is made.
    pub fn handle_connected(&mut self, conn: Conn, now: Now) {
        let _ = (conn, now);
    }

    /// It could not be made.
    pub fn handle_connect_failed(&mut self, conn: Conn, now: Now) {
        let _ = (conn, now);
    }

    /// A peer has connected to an acceptor line. The slot is taken by this call.
    ///
    /// # Errors
    /// The line is full or draining: reset the socket at once.
    pub fn handle_accepted(&mut self, line: LineId, now: Now) -> Result<Conn, CloseReason> {
        let _ = (line, now);
        unimplemented!()
    }

    /// Bytes came. At most [`Core::read_bytes_max`] at a time.
    pub fn handle_received(&mut self, conn: Conn, bytes: &[u8], now: Now) {
        let _ = (conn, bytes, now);
    }

    /// The kernel took so many of the bytes that [`Core::poll_write`] gave. Said before anything else about the connection.
    pub fn handle_wrote(&mut self, conn: Conn, bytes: usize, now: Now) {
        let _ = (conn, bytes, now);
    }

    /// The connection is gone (the peer's FIN or RST was seen, or reading or writing failed), or the close that we asked for is done.
    pub fn handle_closed(&mut self, conn: Conn, reason: CloseReason, now: Now) {
        let _ = (conn, reason, now);
    }

    /// A batch of entries is durable, and all before it.
    pub fn handle_durable(&mut self, ticket: Ticket, now: Now) {
        let _ = (ticket, now);
    }

    /// Nothing will become durable any more: stop sending at once.
    pub fn handle_journal_failed(&mut self, why: &str, now: Now) {
        let _ = (why, now);
    }

    /// The time of [`Core::poll_timeout`] has come, or may have.
    pub fn handle_timeout(&mut self, now: Now) {
        let _ = now;
    }

    // ---- commands ----

    /// Takes in a request.
    ///
    /// # Errors
    /// Refused: nothing was journaled and no byte will leave. The text is for people.
    pub fn open(&mut self, open: Open, now: Now) -> Result<Opened, (Refusal, String)> {
        let _ = (open, now);
        unimplemented!()
    }

    /// The caller is gone. What has not left will not leave; what has left goes on.
    pub fn abandon(&mut self, exchange: ExchangeId, now: Now) {
        let _ = (exchange, now);
    }

    /// Asks the institution what became of an UNKNOWN exchange, by the exchange that its spec names. Waiters of the returned exchange hear the
    /// inquiry's own outcome; waiters of the original hear its new one.
    ///
    /// # Errors
    /// It cannot be asked: not known, not UNKNOWN, no inquiry in the spec, or refused as any request may be.
    pub fn inquire(&mut self, inquire: Inquire, now: Now) -> Result<ExchangeId, (Refusal, String)> {
        let _ = (inquire, now);
        unimplemented!()
    }

    /// Binds an unused idempotency key, so that a request that still comes with it is refused. Durable when the ticket is.
    ///
    /// # Errors
    /// The key is used: this is its exchange.
    pub fn fence(&mut self, caller: &str, key: &str, now: Now) -> Result<Ticket, ExchangeId> {
        let _ = (caller, key, now);
        unimplemented!()
    }

    /// Takes nothing new, lets what is in flight be answered until the deadline, then closes all sessions. Business stays open.
    pub fn drain(&mut self, deadline: Mono, now: Now) {
        let _ = (deadline, now);
    }

    /// Whether a drain is done: every session is closed and every entry durable.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        unimplemented!()
    }

    /// New bounds, at once.
    pub fn set_limits(&mut self, limits: Limits, now: Now) {
        let _ = (limits, now);
    }

    // ---- what the shell must do ----

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    /// Bytes that a connection's socket may take now: only what is durable. Empty if there are none.
    #[must_use]
    pub fn poll_write(&self, conn: Conn) -> &[u8] {
        let _ = conn;
        &[]
    }

    /// When to call [`Core::handle_timeout`], and for what.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Mono, TimerName)> {
        None
    }

    /// The most bytes that one [`Core::handle_received`] takes.
    #[must_use]
    pub const fn read_bytes_max() -> usize {
        64 * 1_024
    }
}

use alloc::boxed::Box;
use core::time::Duration;

use pabal_clock::Mono;
use pabal_telegram::Deframer;
use serde::{Deserialize, Serialize};

use crate::byte_table::ByteTable;
use crate::command::Stopped;
use crate::declare::declare;
use crate::id::{Conn, Epoch, ExchangeId, SessionId};
use crate::route::WaitsFor;
use crate::settings::{Direction, LineSide};
use crate::slow::Full;
use crate::stream::Outgoing;
use crate::transition::transitions;

declare! {
    /// The state of a session. Business needs [`SessionState::Up`] and an open opening.
    pub enum SessionState {
        Down = "down", "No connection, and none is being made; a back-off may be running.";
        Connecting = "connecting", "We are connecting.";
        SigningOn = "signing_on", "Connected; the sign-on of the session is not done yet, and no business goes before.";
        Up = "up", "Connected, and signed on where the protocol has a sign-on.";
        Probing = "probing", "A poll telegram is not answered yet; requests wait.";
        Draining = "draining", "No new request is sent; what is in flight may still be answered.";
        SigningOff = "signing_off", "Our sign-off is not answered yet; nothing else leaves, and then we close.";
        Closing = "closing", "We are closing, or have closed; the peer may still count the connection.";
    }
}

declare! {
    /// What changes the state of a session.
    pub enum SessionEvent {
        Connect = "connect", "A connection is asked for.";
        Accept = "accept", "The peer has connected, and the protocol has no sign-on.";
        Connected = "connected", "Our connection is made, and the protocol has no sign-on.";
        ConnectFailed = "connect_failed", "Our connection could not be made.";
        SignOn = "sign_on", "A connection is there, and the protocol has a sign-on.";
        SignedOn = "signed_on", "The sign-on was answered, by them or by us.";
        Probe = "probe", "A poll telegram was queued.";
        Answered = "answered", "It was answered.";
        Drain = "drain", "We take nothing new.";
        SignOff = "sign_off", "We want to close, and our sign-off was queued.";
        Close = "close", "We close.";
        Broken = "broken", "Reading or writing failed; the peer's FIN or RST was not seen.";
        Gone = "gone", "The peer's FIN or RST was seen.";
        Freed = "freed", "The close grace is over.";
        Held = "held", "An earlier process left a connection that the peer may still count.";
    }
}

transitions!(SessionState, SessionEvent, sessions {
    Down + Connect => Connecting;
    Down + Accept => Up;
    Down + SignOn => SigningOn;
    Down + Held => Closing;
    Connecting + Connected => Up;
    Connecting + SignOn => SigningOn;
    Connecting + ConnectFailed => Down;
    Connecting + Close => Closing;
    SigningOn + SignedOn => Up;
    SigningOn + Close => Closing;
    SigningOn + Broken => Closing;
    SigningOn + Gone => Down;
    Up + Probe => Probing;
    Up + Drain => Draining;
    Up + SignOff => SigningOff;
    Up + Close => Closing;
    Up + Broken => Closing;
    Up + Gone => Down;
    Probing + Answered => Up;
    Probing + Drain => Draining;
    Probing + SignOff => SigningOff;
    Probing + Close => Closing;
    Probing + Broken => Closing;
    Probing + Gone => Down;
    Draining + SignOff => SigningOff;
    Draining + Close => Closing;
    Draining + Broken => Closing;
    Draining + Gone => Down;
    SigningOff + Close => Closing;
    SigningOff + Broken => Closing;
    SigningOff + Gone => Down;
    Closing + Gone => Down;
    Closing + Freed => Down;
});

declare! {
    /// Why a connection ended.
    pub enum CloseReason {
        ConnectFailed = "connect_failed", "The connection could not be made.";
        PeerClosed = "peer_closed", "The institution closed it.";
        Reset = "reset", "The institution reset it, or the network did.";
        IoError = "io_error", "Reading or writing failed.";
        BadFrame = "bad_frame", "The stream cannot be cut into telegrams.";
        PollUnanswered = "poll_unanswered", "A poll telegram was not answered in time.";
        SlowPeer = "slow_peer", "The institution takes nothing, or too little, of what we send: too much is unsent, or for too long.";
        SignOnFailed = "sign_on_failed", "The session was not signed on: refused, not answered in time, or answered by something else.";
        SignedOff = "signed_off", "The institution signed off, and left it to us to close.";
        AnswerMissed = "answer_missed", "Answers have no key here, and one did not come in time, or one too many came: the next could be another's.";
        Answered = "answered", "It was made for one exchange, which is over.";
        Replaced = "replaced", "The peer connected anew.";
        OverLimit = "over_limit", "The line has as many sessions as it may.";
        Standby = "standby", "The line for which it stood in is up again.";
        Drained = "drained", "We stopped the line and nothing was left to wait for.";
        Stopped = "stopped", "We stopped before everything was answered.";
        Commanded = "commanded", "An operator closed it.";
        JournalFull = "journal_full", "More waits to become durable than the institution may have waiting.";
        JournalFailed = "journal_failed", "The journal cannot make anything durable.";
    }
}

impl CloseReason {
    /// Whether the peer surely no longer counts the connection.
    pub(crate) const fn is_seen_by_peer(self) -> bool {
        matches!(self, Self::PeerClosed | Self::Reset)
    }

    /// Whether we ended it for reasons of our own: that says nothing against the address or the line.
    pub(crate) const fn is_our_wish(self) -> bool {
        matches!(
            self,
            Self::Standby
                | Self::Commanded
                | Self::Drained
                | Self::Stopped
                | Self::JournalFull
                | Self::JournalFailed
                | Self::Answered
        )
    }
}

/// One slot of a line and the connection that fills it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// Which conversation it belongs to.
    pub(crate) protocol: u16,
    pub(crate) side: LineSide,
    pub(crate) direction: Direction,
    pub(crate) window: u32,
    pub(crate) state: SessionState,
    /// Of the connection that fills the slot, or of the last one.
    pub(crate) epoch: Epoch,
    /// The socket of a closing connection is gone; only the peer may still count it.
    pub(crate) gone: bool,
    pub(crate) deframer: Option<Deframer>,
    pub(crate) out: Outgoing,
    /// As its line says.
    pub(crate) unsent_bytes_max: u64,
    /// Its socket takes no more.
    pub(crate) full: Option<Full>,
    /// Requests that are unanswered on this connection.
    pub(crate) in_flight: u32,
    /// The same by compartment.
    pub(crate) taken: ByteTable<u32>,
    pub(crate) up_since: Mono,
    pub(crate) received_at: Option<Mono>,
    pub(crate) wrote_at: Option<Mono>,
    pub(crate) closed: Option<CloseReason>,
    /// More about it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<Box<str>>,
    /// Who drains or closes this one connection by hand, and why, until it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stopped: Option<Stopped>,
    /// The longest that the next wait before connecting may be.
    pub(crate) back_off: Duration,
    /// For what else it waits before it connects.
    pub(crate) waits_for: WaitsFor,
    /// The place of the address of the connection, or of the last one.
    pub(crate) address: u8,
    /// This connection has been up for the line's healthy time.
    pub(crate) is_well: bool,
    /// The poll telegram that is not answered yet.
    pub(crate) probe: Option<Box<[u8]>>,
    /// Our sign-on or sign-off that is not answered yet.
    pub(crate) sign: Option<Box<[u8]>>,
    /// Why we close, once our sign-off is answered.
    pub(crate) parting: Option<CloseReason>,
    /// The request whose answer comes next, where answers have no key.
    pub(crate) asked: Option<ExchangeId>,
    /// Its line connects for each exchange.
    pub(crate) per_exchange: bool,
    /// A request was given to this connection, or to the last one.
    pub(crate) served: bool,
    /// And answered.
    pub(crate) answered: bool,
    /// It is written down durably that the slot may be in use.
    pub(crate) is_told: bool,
}

impl Session {
    pub(crate) fn conn(&self) -> Conn {
        Conn { session: self.id, epoch: self.epoch }
    }

    /// Whether there is a connection that carries bytes.
    pub(crate) const fn is_connected(&self) -> bool {
        matches!(
            self.state,
            SessionState::SigningOn
                | SessionState::Up
                | SessionState::Probing
                | SessionState::Draining
                | SessionState::SigningOff
        )
    }

    /// Its stream is full and it is being closed for that: what has left of it, nobody has said yet.
    pub(crate) const fn is_stuck(&self) -> bool {
        matches!(self.state, SessionState::Closing) && self.full.is_some()
    }

    /// Whether business may count on it, now or as soon as a poll telegram is answered.
    pub(crate) const fn is_up(&self) -> bool {
        matches!(self.state, SessionState::Up | SessionState::Probing)
    }

    /// When the peer was last heard; at the beginning of the connection, if it never was.
    pub(crate) fn heard_at(&self) -> Mono {
        self.received_at.unwrap_or(self.up_since)
    }

    pub(crate) const fn may_send(&self) -> bool {
        matches!(self.direction, Direction::Send | Direction::Duplex)
    }

    pub(crate) const fn may_receive(&self) -> bool {
        matches!(self.direction, Direction::Receive | Direction::Duplex)
    }

    /// Whether requests may be queued now, if there is room.
    pub(crate) fn sends(&self) -> bool {
        self.may_send() && self.state == SessionState::Up
    }

    /// Whether a request may be queued now.
    pub(crate) fn has_room(&self) -> bool {
        let serves_one = self.per_exchange && self.served;
        self.sends() && !serves_one && self.in_flight < self.window && self.out.unsent_bytes() < self.unsent_bytes_max
    }
}

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use pabal_clock::Holidays;
use pabal_spec::HoursRules;
use serde::{Deserialize, Serialize};

use crate::control::Standing;
use crate::declare::declare;
use crate::id::LineId;
use crate::rate::Rates;

/// What contract and site decide about an institution. Addresses are the shell's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Configured routes.
    pub lines: Vec<LineSettings>,
    /// Who we are to them.
    pub parties: Vec<Party>,
    /// Days on which banks do not work, beside Saturdays and Sundays.
    pub holidays: Holidays,
    /// When the site takes work for the institution; it must be in its hours ([`pabal_spec::Rules::hours`]) and in these.
    pub hours: HoursRules,
    /// Bounds.
    pub limits: Limits,
    /// What the site blocks for good, or in windows that come again.
    pub controls: Vec<Standing>,
    /// How many requests of each compartment may leave.
    pub rates: Rates,
}

declare! {
    /// Who opens the TCP connection.
    pub enum LineSide {
        Initiator = "initiator", "We connect.";
        Acceptor = "acceptor", "They connect.";
    }
}

declare! {
    /// What a session carries of requests and their answers. Poll telegrams are answered where they came from.
    pub enum Direction {
        Send = "send", "What we send: our requests, and our replies to notices.";
        Receive = "receive", "What they send: their answers and their notices.";
        Duplex = "duplex", "Both.";
    }
}

declare! {
    /// When an initiator line connects.
    pub enum Connects {
        Kept = "kept", "At once, and again whenever a connection is lost.";
        PerExchange = "per_exchange", "For each request, and closes when that is answered or its time is over.";
    }
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineSettings {
    /// Unique in the institution.
    pub name: Box<str>,
    /// The protocol's name.
    pub protocol: Box<str>,
    /// Who connects.
    pub side: LineSide,
    /// What its sessions carry.
    pub direction: Direction,
    /// Connections that the institution allows, connecting and closing ones counted.
    pub sessions_max: u16,
    /// Requests that may be unanswered on one session.
    pub window: u32,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// Before the first try to connect again.
    pub reconnect_min: Duration,
    /// The longest wait between tries.
    pub reconnect_max: Duration,
    /// How long the peer may count a connection that we have closed, if its FIN was not seen.
    pub close_grace: Duration,
    /// Bytes that a session's socket has not taken beyond which nothing more is read from the peer and nothing is queued; if the socket
    /// does not move then, the session closes with [`crate::CloseReason::SlowPeer`].
    pub unsent_bytes_max: u64,
    /// How long what a session's full socket has not taken may wait before the session closes with [`crate::CloseReason::SlowPeer`].
    pub unsent_time_max: Duration,
    /// When it connects. One that connects per exchange is an initiator's, and its window is 1.
    pub connects: Connects,
    /// How many addresses an initiator's line has; the shell knows them.
    pub addresses: u8,
    /// How long a session has to be up before it counts as well: then the next wait is short again, the line stays with its address, and
    /// its backups go.
    pub healthy_after: Duration,
    /// The initiator's line for which this one stands in: its sessions are made only while that one has none.
    pub backup_of: Option<LineId>,
    /// After how many failed tries of that one.
    pub backup_after: u16,
    /// What becomes of a peer that connects to an acceptor's line whose sessions are all in use.
    pub second_connection: SecondConnection,
}

declare! {
    /// What becomes of a peer that connects to a line whose sessions are all in use. It is turned away in any case: the line may have
    /// no more sessions. But a session that it has lost may be ended, so that its next try finds a slot.
    pub enum SecondConnection {
        Probe = "probe", "A silent session is asked by a poll telegram, and ended if it stays silent.";
        Replace = "replace", "The session that was silent longest is ended at once.";
        Refuse = "refuse", "Nothing else.";
    }
}

impl LineSettings {
    /// A line with what `default.toml` of the gateway says about all that is not named here.
    #[must_use]
    pub fn new(name: &str, protocol: &str, side: LineSide, direction: Direction) -> Self {
        Self {
            name: name.into(),
            protocol: protocol.into(),
            side,
            direction,
            sessions_max: 1,
            window: 100,
            connect_timeout: Duration::from_secs(5),
            reconnect_min: Duration::from_secs(1),
            reconnect_max: Duration::from_secs(30),
            close_grace: Duration::from_secs(5),
            unsent_bytes_max: 256 * 1_024,
            unsent_time_max: Duration::from_secs(10),
            connects: Connects::Kept,
            addresses: 1,
            healthy_after: Duration::from_secs(30),
            backup_of: None,
            backup_after: 3,
            second_connection: SecondConnection::Probe,
        }
    }
}

/// One name under which the institution knows us: a company number for a bank, or for a service with it.
///
/// A call names its party, or gets the first that has its participant and is for its exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Name in configuration and calls.
    pub name: Box<str>,
    /// The bytes of the protocol's party fields, by field name, padded to the field.
    pub fields: Vec<(Box<str>, Box<[u8]>)>,
    /// Participants that are opened for it.
    pub participants: Vec<PartyParticipant>,
    /// Exchanges that it is for, by name; none: all of them.
    pub exchanges: Vec<Box<str>>,
}

/// A participant of a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartyParticipant {
    /// The bytes of the participant field.
    pub value: Box<[u8]>,
    /// What is not as [`Party::fields`] say for this participant.
    pub fields: Vec<(Box<str>, Box<[u8]>)>,
}

impl From<&[u8]> for PartyParticipant {
    /// One to which we are known as to all others.
    fn from(value: &[u8]) -> Self {
        Self { value: value.into(), fields: Vec::new() }
    }
}

/// Bounds, each with its unit last. Checked against each other when configuration is built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Requests that may wait for room, per compartment.
    pub waiting_max: u32,
    /// Requests that may wait for room, of all compartments together: who calls may name as many compartments as the field has values.
    pub waiting_total_max: u32,
    /// Settled keys that are kept for late answers.
    pub tombstones_max: u32,
    /// How long they are kept.
    pub tombstone_keep: Duration,
    /// Idempotency keys that are kept in memory; older ones are found in the journal.
    pub idempotency_keys_max: u32,
    /// Telegram numbers that one durable entry reserves.
    pub number_block: u32,
    /// How long before the caller's deadline UNKNOWN is told.
    pub caller_margin: Duration,
    /// Events that may wait for the observer; more are dropped and counted.
    pub events_max: u32,
    /// UNKNOWN exchanges that are kept in memory for late answers and inquiries.
    pub unknown_max: u32,
    /// Notices that are kept in memory: those that no service has yet, and older ones by which a repetition is known. Beyond it the
    /// oldest stays in the journal only.
    pub notices_max: u32,
    /// Entries that may wait to become durable before nothing more is read or accepted.
    pub undurable_entries_max: u32,
    /// Sessions of all lines together, connecting and closing ones counted; `None`: what the lines have.
    pub sessions_max: Option<u16>,
    /// Connections that are tried in any second, over all lines.
    pub connects_per_second: u32,
}

impl Default for Limits {
    /// As `default.toml` of the gateway has them.
    fn default() -> Self {
        Self {
            waiting_max: 1_000,
            waiting_total_max: 20_000,
            tombstones_max: 100_000,
            tombstone_keep: Duration::from_secs(24 * 3_600),
            idempotency_keys_max: 100_000,
            number_block: 1_000,
            caller_margin: Duration::from_millis(100),
            events_max: 10_000,
            unknown_max: 10_000,
            notices_max: 20_000,
            undurable_entries_max: 10_000,
            sessions_max: None,
            connects_per_second: 20,
        }
    }
}

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::key::Key;

/// One TCP connection, as the shell numbers it; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection(pub u64);

/// The place of a line in [`crate::Settings::lines`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(pub u16);

/// What the shell is to do. Take them in order, after every input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write these bytes, as a segment of their own.
    Send {
        /// Where.
        connection: Connection,
        /// What, in whole.
        bytes: Vec<u8>,
    },
    /// Connect to the gateway, and say how it went by [`crate::Counterparty::handle_connected`] or
    /// [`crate::Counterparty::handle_connect_failed`].
    Connect {
        /// By which line.
        line: LineId,
    },
    /// Send FIN behind what was sent. The connection is counted until [`crate::Counterparty::handle_closed`].
    Close {
        /// Which.
        connection: Connection,
    },
    /// Send RST now. The connection is over.
    Reset {
        /// Which.
        connection: Connection,
    },
    /// Something happened. For people and tests; nothing has to be done.
    Event(Event),
}

/// Something that happened at the institution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection is there.
    Connected {
        /// Which.
        connection: Connection,
        /// By which line.
        line: LineId,
    },
    /// A connection over the contract was made.
    OverLimit {
        /// Which.
        connection: Connection,
        /// By which line.
        line: LineId,
    },
    /// A connection is over.
    Closed {
        /// Which.
        connection: Connection,
        /// By which line.
        line: LineId,
    },
    /// A request came.
    Received {
        /// Its key.
        key: Key,
        /// The exchange's name in the spec.
        exchange: Arc<str>,
        /// How often it came, this time included.
        times: u32,
    },
    /// A request was executed.
    Executed {
        /// Its key.
        key: Key,
    },
    /// An answer was sent.
    Answered {
        /// The request's key.
        key: Key,
        /// The response code.
        response_code: Box<[u8]>,
        /// In which way it was sent: the word of `do`, or `as it should`.
        conduct: &'static str,
    },
    /// A request is not answered, or not yet.
    Unanswered {
        /// Its key.
        key: Key,
        /// Why: the word of `do`, or `no reply matches`.
        conduct: &'static str,
    },
    /// Business was opened.
    Opened {
        /// The key of the opening's request.
        key: Key,
    },
    /// A notice was sent.
    Notified {
        /// Its key.
        key: Key,
        /// Its name in the scenario.
        notice: Arc<str>,
        /// How often it was sent, this time included.
        times: u32,
    },
    /// A notice was made and is not sent.
    Withheld {
        /// Its key.
        key: Key,
        /// Its name in the scenario.
        notice: Arc<str>,
        /// The word of `do`.
        conduct: &'static str,
    },
    /// The gateway asks for a notice that it has not seen.
    GapAsked {
        /// The notice's key.
        key: Key,
        /// How often, this time included.
        times: u32,
        /// Whether the book has it.
        issued: bool,
    },
    /// A connection carries nothing any more, and does not end.
    Died {
        /// Which.
        connection: Connection,
    },
    /// A notice was answered.
    NoticeAnswered {
        /// Its key.
        key: Key,
        /// The response code.
        response_code: Box<[u8]>,
    },
    /// A poll telegram came.
    Polled {
        /// Where.
        connection: Connection,
    },
    /// Our poll telegram was answered.
    PollAnswered {
        /// Where.
        connection: Connection,
    },
    /// A connection is signed on, and carries business.
    SignedOn {
        /// Which.
        connection: Connection,
    },
    /// The gateway has signed off.
    SignedOff {
        /// Where.
        connection: Connection,
    },
    /// A frame that is no telegram which this side expects, or a stream that cannot be cut.
    Stranger {
        /// Where.
        connection: Connection,
        /// Why it is strange.
        why: String,
    },
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Event {
    /// One line for people. Keys and response codes are public fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = |code: &[u8]| alloc::format!("{}", code.trim_ascii().escape_ascii());
        match self {
            Self::Connected { connection, line } => write!(f, "connection {connection} on line {}", line.0),
            Self::OverLimit { connection, line } => {
                write!(f, "connection {connection} on line {} is one too many", line.0)
            }
            Self::Closed { connection, line } => write!(f, "connection {connection} on line {} is over", line.0),
            Self::Received { key, exchange, times: 1 } => write!(f, "{exchange} {key} received"),
            Self::Received { key, exchange, times } => write!(f, "{exchange} {key} received again ({times} times)"),
            Self::Executed { key } => write!(f, "{key} executed"),
            Self::Answered { key, response_code, conduct } => {
                write!(f, "{key} answered {} ({conduct})", code(response_code))
            }
            Self::Unanswered { key, conduct } => write!(f, "{key} not answered ({conduct})"),
            Self::Opened { key } => write!(f, "business opened by {key}"),
            Self::Notified { key, notice, times: 1 } => write!(f, "notice {notice} {key} sent"),
            Self::Notified { key, notice, times } => write!(f, "notice {notice} {key} sent again ({times} times)"),
            Self::Withheld { key, notice, conduct } => write!(f, "notice {notice} {key} not sent ({conduct})"),
            Self::GapAsked { key, times, issued } => {
                let known = if *issued { "the book has it" } else { "the book does not have it" };
                write!(f, "notice {key} asked for ({times} times), {known}")
            }
            Self::Died { connection } => write!(f, "connection {connection} carries nothing any more"),
            Self::NoticeAnswered { key, response_code } => write!(f, "notice {key} answered {}", code(response_code)),
            Self::Polled { connection } => write!(f, "poll telegram on connection {connection}"),
            Self::PollAnswered { connection } => write!(f, "poll telegram answered on connection {connection}"),
            Self::SignedOn { connection } => write!(f, "connection {connection} is signed on"),
            Self::SignedOff { connection } => write!(f, "the gateway signs off on connection {connection}"),
            Self::Stranger { connection, why } => write!(f, "on connection {connection}: {why}"),
        }
    }
}

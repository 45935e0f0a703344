use serde::{Deserialize, Serialize};

use crate::id::{ExchangeId, NoticeId, SessionId};

/// What a timer of the core is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TimerName {
    /// A connection takes too long.
    Connect(SessionId),
    /// The next try to connect.
    Reconnect(SessionId),
    /// A session has stayed up long enough to count as well.
    Healthy(SessionId),
    /// The peer no longer counts a closed connection.
    CloseGrace(SessionId),
    /// A session is not signed on.
    SignOn(SessionId),
    /// A sign-off is not answered, or not followed by a close.
    SignOff(SessionId),
    /// Nothing was sent for so long that a poll telegram is due.
    Poll(SessionId),
    /// A poll telegram is not answered.
    PollAnswer(SessionId),
    /// A socket takes nothing, or too little.
    Unsent(SessionId),
    /// The caller's deadline, less the margin.
    Caller(ExchangeId),
    /// The institution's time for an answer.
    Answer(ExchangeId),
    /// The next inquiry.
    Inquiry(ExchangeId),
    /// No service has replied to a notice in time.
    Notice(NoticeId),
    /// A compartment may send one more, by its rate; by the place of the protocol.
    Rate(u16),
    /// The next question for a number of theirs that is missing.
    Gap,
    /// The next try to open, by its place in the list of openings.
    Opening(u32),
    /// The business date changes.
    DateChange,
    /// Tombstones have expired.
    Tombstones,
    /// Draining ends.
    Drain,
}

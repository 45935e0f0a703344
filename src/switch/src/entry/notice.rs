//! What is written down of a notice: that it came, what it is about, who has it, what was replied, and which of its numbers is missing.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::{BusinessDate, Wall};
use pabal_spec::Digest;
use serde::{Deserialize, Serialize};

use super::{Frame, Place};
use crate::bytes::Bytes;
use crate::gap::GapEnd;
use crate::id::{ExchangeId, NoticeId};

/// What is known of a notice when it comes first, and never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeAbout {
    /// The protocol's name.
    pub protocol: Box<str>,
    /// The notice's rule, by name.
    pub rule: Box<str>,
    /// The version of the spec.
    pub spec: Digest,
    /// The bytes of the participant field; empty if the protocol has none.
    pub participant: Bytes,
    /// The business date on which it came.
    pub date: BusinessDate,
    /// When it came.
    pub received_at: Wall,
    /// The bytes of the header field that holds telegram numbers.
    pub number: Bytes,
    /// The exchange that it answers, if that asked for a hole in their numbers.
    pub recovered_by: Option<ExchangeId>,
    /// The `traceparent` that the gateway made for it, or that of the exchange which it answers.
    pub trace: Box<str>,
}

/// Where a notice stands among the institution's numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbered {
    /// The bytes that mark the notices which are numbered together.
    pub kind: Bytes,
    /// The bytes of the scope's fields.
    pub scope: Bytes,
    /// The number.
    pub number: u64,
    /// The first number of a scope, if the spec says it.
    pub first: Option<u64>,
}

/// The institution told us something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeReceived {
    /// Which; the same for each repetition.
    pub notice: NoticeId,
    /// What it is. A repetition has that of the first.
    pub about: Arc<NoticeAbout>,
    /// By which connection.
    pub place: Place,
    /// The correlation key's bytes.
    pub key: Bytes,
    /// Where it stands among their numbers, if these are followed.
    pub numbered: Option<Numbered>,
    /// It was here before.
    pub repeated: bool,
    /// A hash of the body but for its secret bytes: one that comes again has the same.
    pub content: u64,
    /// The telegram.
    pub telegram: Frame,
}

/// A service has a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeDelivered {
    /// Which.
    pub notice: NoticeId,
    /// For the columns only.
    #[serde(skip)]
    pub about: Option<Arc<NoticeAbout>>,
    /// Who has it.
    pub caller: Box<str>,
}

/// Our reply to a notice may leave as soon as this is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeReplied {
    /// To which.
    pub notice: NoticeId,
    /// For the columns only.
    #[serde(skip)]
    pub about: Option<Arc<NoticeAbout>>,
    /// The service that says what is replied; empty if the spec does.
    pub caller: Box<str>,
    /// By which connection.
    pub place: Place,
    /// Where its frame begins in the connection's stream.
    pub offset: u64,
    /// The reply.
    pub telegram: Frame,
}

/// A notice is about an exchange of ours, and everything that confirms it agrees. The exchange's outcome stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeJoined {
    /// Which notice.
    pub notice: NoticeId,
    /// For the columns only.
    #[serde(skip)]
    pub about: Option<Arc<NoticeAbout>>,
    /// About which exchange.
    pub exchange: ExchangeId,
}

/// A notice names an exchange of ours that it cannot be about: a person has to look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeNotJoined {
    /// Which notice.
    pub notice: NoticeId,
    /// For the columns only.
    #[serde(skip)]
    pub about: Option<Arc<NoticeAbout>>,
    /// The exchange that has the number, if one has.
    pub exchange: Option<ExchangeId>,
    /// The field that differs, or that there is no such exchange.
    pub reason: String,
}

/// Numbers of theirs are no longer missing, or no longer asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GapClosed {
    /// The protocol's name.
    pub protocol: Box<str>,
    /// The rule of the notices, by name.
    pub rule: Box<str>,
    /// The bytes that mark the notices which are numbered together.
    pub kind: Bytes,
    /// The bytes of the scope's fields.
    pub scope: Bytes,
    /// The business date.
    pub date: BusinessDate,
    /// First and last of each run of numbers.
    pub numbers: Vec<(u64, u64)>,
    /// Why.
    pub reason: GapEnd,
    /// The exchange that was answered so, if one was.
    pub exchange: Option<ExchangeId>,
}

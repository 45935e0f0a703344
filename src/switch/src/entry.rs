//! The lines of the journal that a core writes, and folds again after a restart.
//!
//! Bodies are JSON, then a line feed and the telegrams, one behind the other, if the entry holds some; the JSON says how many bytes each is.
//! In version 1 a telegram stood in the JSON, as hexadecimal digits. What a reader can search by is in [`Columns`]; a body does not repeat it if an
//! earlier entry of the same exchange has it. The bytes of secret fields are replaced by `*` before a body is made; a keyed digest of the
//! whole stays.

mod columns;
mod frame;
mod notice;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_clock::{BusinessDate, Wall};
use pabal_spec::Digest;
use serde::{Deserialize, Serialize};

pub use columns::Columns;
pub use frame::Frame;
pub(crate) use frame::hide;
pub use notice::{
    GapClosed, NoticeAbout, NoticeDelivered, NoticeJoined, NoticeNotJoined, NoticeReceived, NoticeReplied, Numbered,
};

use crate::bytes::Bytes;
use crate::command::{By, Command};
use crate::id::ExchangeId;
use crate::opening::{OpeningKey, OpeningState};
use crate::outcome::Outcome;
use crate::recovery::Recovery;
use crate::session::{CloseReason, SessionState};
use crate::text::Text;

/// Who started an exchange of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A caller.
    Caller,
    /// The gateway, to open business.
    Opening,
    /// The gateway, to learn of a notice whose number is missing.
    Gap {
        /// The rule of the notices, by name.
        notice: Box<str>,
        /// The number.
        number: u64,
    },
    /// An operator or the spec's schedule, to learn what became of another exchange.
    Inquiry {
        /// That exchange.
        original: ExchangeId,
        /// Who asks; empty for the schedule.
        actor: Box<str>,
        /// And why.
        reason: Box<str>,
    },
}

/// What is known of an exchange when it is accepted, and never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The protocol's name.
    pub protocol: Arc<str>,
    /// The exchange's rule, by name.
    pub rule: Arc<str>,
    /// The version of the spec.
    pub spec: Digest,
    /// Who asked for it.
    pub origin: Origin,
    /// Scopes the idempotency key; empty if the gateway asked.
    pub caller: Box<str>,
    /// The caller's own name for it.
    pub idempotency_key: Option<Box<str>>,
    /// A hash of the content but for secret bytes: tells whether two requests with one key ask for the same.
    pub content: u64,
    /// The party's name.
    pub party: Arc<str>,
    /// The bytes of the participant field; empty if the protocol has none.
    pub participant: Bytes,
    /// The bytes of the compartment field; empty if the protocol has none.
    pub compartment: Bytes,
    /// The business date on which it was accepted.
    pub date: BusinessDate,
    /// When it was accepted.
    pub accepted_at: Wall,
    /// The caller's `traceparent`.
    pub trace: Option<Arc<str>>,
}

impl About {
    /// The exchange that this one asks about.
    #[must_use]
    pub const fn parent(&self) -> Option<ExchangeId> {
        match self.origin {
            Origin::Inquiry { original, .. } => Some(original),
            Origin::Caller | Origin::Opening | Origin::Gap { .. } => None,
        }
    }
}

/// One connection, by the name of its line, which outlives an edit of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The line's name.
    pub line: Arc<str>,
    /// Its slot.
    pub slot: u16,
    /// The connection's epoch.
    pub epoch: u32,
}

/// A request was taken in. Without a [`Sending`] behind it, no byte of it left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Which.
    pub exchange: ExchangeId,
    /// What it is.
    pub about: Arc<About>,
    /// Its telegram before numbering; `None` if the `sending` entry follows in the same batch and has it.
    pub telegram: Option<Frame>,
}

/// A request is numbered and stamped, and its bytes may leave as soon as this is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    /// Which.
    pub exchange: ExchangeId,
    /// For the columns only.
    #[serde(skip)]
    pub about: Option<Arc<About>>,
    /// By which connection.
    pub place: Place,
    /// Where its frame begins in the connection's stream, in bytes; the length prefix is the first of them.
    pub offset: u64,
    /// How far the system had taken the stream: what ends before has left.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub written: u64,
    /// Our telegram number, as its digits.
    pub number: Text,
    /// The correlation key's bytes.
    pub key: Bytes,
    /// The telegram as it is sent.
    pub telegram: Frame,
}

/// What became of an exchange. The last one of an exchange holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concluded {
    /// Which.
    pub exchange: ExchangeId,
    /// For the columns only.
    #[serde(skip)]
    pub about: Option<Arc<About>>,
    /// What became of it.
    pub outcome: Outcome,
    /// When the spec's schedule asks about it first, by the wall clock, so that a start does not count anew. `None` if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks_at: Option<Wall>,
    /// Our telegram number, if it had one.
    pub number: Option<Text>,
    /// By which connection the answer came, its own or that of the inquiry which settled it.
    pub place: Option<Place>,
    /// Its own answer, if that is what says it. What an inquiry was answered is in the inquiry's own entry.
    pub answer: Option<Frame>,
}

/// An unused idempotency key was bound: a request that still comes with it is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fence {
    /// Whose key.
    pub caller: Box<str>,
    /// The key.
    pub key: Box<str>,
}

/// Telegram numbers below `until` may be in use. A restart goes on from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberBlock {
    /// The protocol's name.
    pub protocol: Box<str>,
    /// The bytes of the scope's fields.
    pub scope: Bytes,
    /// The business date.
    pub date: BusinessDate,
    /// The first number that is not reserved.
    pub until: u64,
}

/// An opening was gained or lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpeningChanged {
    /// The protocol's name.
    pub protocol: Box<str>,
    /// The party's name.
    pub party: Box<str>,
    /// What is opened, and on which day.
    pub key: OpeningKey,
    /// Its state now.
    pub state: OpeningState,
    /// What the answer said, if it was not "open".
    pub reason: Option<String>,
}

/// An operator has commanded something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commanded {
    /// When.
    pub at: Wall,
    /// What.
    pub command: Command,
    /// Who, and why.
    pub by: By,
    /// Of a control by fields, the exchanges in whose requests these can be read ([`crate::control::Standing::read_in`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_in: Vec<Box<str>>,
    /// Of an opening by hand: it was not open. It is asked for as soon as there is a session to ask by, until the institution was asked.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub waits: bool,
}

/// A session came up, or ended, or its slot became free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionChanged {
    /// Which.
    pub place: Place,
    /// Its state now.
    pub state: SessionState,
    /// Why it ended.
    pub reason: Option<CloseReason>,
    /// How far the system had taken its stream when it ended; else 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub written: u64,
    /// We are stopping: this process makes no other connection in the slot.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub is_last: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A telegram came that nobody waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unclaimed {
    /// The protocol's name.
    pub protocol: Box<str>,
    /// By which connection.
    pub place: Place,
    /// The computed key, the nearest pending key and the field that differs; or why there is no key. Masked by classes.
    pub reason: String,
    /// The exchange that it was all but one field of the key an answer to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near: Option<ExchangeId>,
    /// The telegram.
    pub telegram: Frame,
}

impl Unclaimed {
    /// What the journal's column of outcomes holds of every one: by it they are found.
    pub const OUTCOME: &'static str = "UNCLAIMED";
}

/// An answer came again, or one that adds nothing to what is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeated {
    /// To which exchange.
    pub exchange: ExchangeId,
    /// For the columns only.
    #[serde(skip)]
    pub about: Option<Arc<About>>,
    /// By which connection.
    pub place: Place,
    /// The answer.
    pub telegram: Frame,
}

/// An answer says the opposite of what had been said. The outcome stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contradiction {
    /// Of which exchange.
    pub exchange: ExchangeId,
    /// For the columns only.
    #[serde(skip)]
    pub about: Option<Arc<About>>,
    /// What had been said, and stays.
    pub said: Outcome,
    /// What the answer would say.
    pub answered: Outcome,
    /// By which connection.
    pub place: Place,
    /// The answer; empty if an inquiry was answered so, since that answer is in the inquiry's own entry.
    pub telegram: Frame,
}

/// Nothing more is done by itself about an UNKNOWN: a person has to look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Which.
    pub exchange: ExchangeId,
    /// For the columns only.
    #[serde(skip)]
    pub about: Option<Arc<About>>,
}

macro_rules! kinds {
    ($( $(#[doc = $doc:literal])+ $variant:ident($body:ty) = $word:literal; )+) => {
        /// One line of the journal, as the switch writes it and folds it again after a restart.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Entry {
            $( $(#[doc = $doc])+ $variant($body), )+
        }

        impl Entry {
            /// Every kind, as the journal's column holds it.
            pub const KINDS: &'static [&'static str] = &[$($word),+];

            /// Its kind, as the journal's column holds it.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $word),+ }
            }

            fn json(&self) -> serde_json::Result<Vec<u8>> {
                match self { $(Self::$variant(body) => serde_json::to_vec(body)),+ }
            }

            /// What the JSON says, and how long it is.
            fn from_body(kind: &str, body: &[u8]) -> Option<serde_json::Result<(Self, usize)>> {
                match kind {
                    $($word => Some(json(body).map(|(body, end)| (Self::$variant(body), end))),)+
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// See [`Accepted`].
    Accepted(Accepted) = "accepted";
    /// See [`Sending`].
    Sending(Sending) = "sending";
    /// See [`Concluded`].
    Outcome(Concluded) = "outcome";
    /// See [`Fence`].
    Fence(Fence) = "fence";
    /// See [`NumberBlock`].
    NumberBlock(NumberBlock) = "number_block";
    /// See [`OpeningChanged`].
    Opening(OpeningChanged) = "opening";
    /// See [`SessionChanged`].
    Session(SessionChanged) = "session";
    /// See [`Commanded`].
    Commanded(Commanded) = "commanded";
    /// See [`NoticeReceived`].
    NoticeReceived(NoticeReceived) = "notice_received";
    /// See [`NoticeReplied`].
    NoticeReplied(NoticeReplied) = "notice_replied";
    /// See [`NoticeDelivered`].
    NoticeDelivered(NoticeDelivered) = "notice_delivered";
    /// See [`NoticeJoined`].
    NoticeJoined(NoticeJoined) = "notice_joined";
    /// See [`NoticeNotJoined`].
    NoticeNotJoined(NoticeNotJoined) = "notice_not_joined";
    /// See [`GapClosed`].
    GapClosed(GapClosed) = "gap_closed";
    /// See [`Unclaimed`].
    Unclaimed(Unclaimed) = "unclaimed";
    /// See [`Repeated`].
    Repeated(Repeated) = "repeated";
    /// See [`Contradiction`].
    Contradiction(Contradiction) = "contradiction";
    /// See [`Listed`].
    Listed(Listed) = "listed";
    /// All that a recovery needs, so that older entries need not be read.
    Checkpoint(Box<Recovery>) = "checkpoint";
}

/// The JSON at the beginning of a body, and how long it is.
fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> serde_json::Result<(T, usize)> {
    let mut values = serde_json::Deserializer::from_slice(body).into_iter();
    let first = values.next().unwrap_or_else(|| Err(serde::de::Error::custom("there is nothing")))?;
    Ok((first, values.byte_offset()))
}

impl Entry {
    /// The family of all kinds that the switch writes.
    pub const FAMILY: &'static str = "switch";

    /// The version of all bodies that are written. Those of version 1, whose telegrams are in the JSON, are read as well.
    pub const VERSION: u32 = 2;

    /// The version of its kind's body.
    #[must_use]
    pub const fn version(&self) -> u32 {
        Self::VERSION
    }

    /// What it can be found by.
    #[must_use]
    pub fn columns(&self) -> Columns {
        columns::of(self).into_owned()
    }

    /// The same, without a copy of the texts that are this entry's.
    #[must_use]
    pub fn borrowed_columns(&self) -> Columns<Cow<'_, str>> {
        columns::of(self)
    }

    /// The body as it is stored: the bytes of secret fields are replaced; a whole frame is named by the keyed digest that `digest` gives for
    /// its bytes.
    #[must_use]
    pub fn encode(&self, digest: &dyn Fn(&[u8]) -> [u8; 32]) -> Vec<u8> {
        self.clone().seal_and_encode(digest)
    }

    /// The same, without a copy: the secret bytes of this entry itself are replaced.
    #[must_use]
    pub fn seal_and_encode(&mut self, digest: &dyn Fn(&[u8]) -> [u8; 32]) -> Vec<u8> {
        let mut telegrams = None;
        self.each_frame(&mut |frame| {
            frame.seal(digest);
            *telegrams.get_or_insert(0) += frame.stand_behind();
        });
        // Maps have keys of text only and no number is a float, so that nothing can fail.
        let mut body = self.json().unwrap_or_default();
        if let Some(telegrams) = telegrams {
            body.reserve_exact(1 + telegrams);
            body.push(b'\n');
            self.each_frame(&mut |frame| frame.put_behind(&mut body));
        }
        body
    }

    /// Reads a stored body again.
    ///
    /// # Errors
    /// Not a body of this kind and version; the text says what is wrong.
    pub fn decode(kind: &str, version: u32, body: &[u8]) -> Result<Self, Box<str>> {
        if !(1..=Self::VERSION).contains(&version) {
            return Err(format!("version {version} of kind `{kind}` was not written by this release").into());
        }
        let (mut entry, end) = match Self::from_body(kind, body) {
            Some(Ok(read)) => read,
            Some(Err(error)) => return Err(error.to_string().into()),
            None => return Err(format!("no entry has the kind `{kind}`").into()),
        };
        let rest = body.get(end..).unwrap_or_default();
        let telegrams = rest.strip_prefix(b"\n").filter(|_| version > 1).unwrap_or_default();
        let (mut left, mut has_some) = (Ok(telegrams), false);
        entry.each_frame(&mut |frame| {
            has_some = true;
            left = left.and_then(|left| frame.take_behind(left));
        });
        let is_right = match version {
            1 => rest.trim_ascii().is_empty(),
            _ if has_some => rest.starts_with(b"\n"),
            _ => rest.is_empty(),
        };
        match left {
            Ok([]) if is_right => Ok(entry),
            _ => Err("the bytes behind the JSON are not those of its telegrams".into()),
        }
    }

    fn each_frame(&mut self, act: &mut dyn FnMut(&mut Frame)) {
        match self {
            Self::Accepted(Accepted { telegram, .. }) | Self::Outcome(Concluded { answer: telegram, .. }) => {
                telegram.iter_mut().for_each(act);
            }
            Self::Sending(Sending { telegram, .. })
            | Self::NoticeReceived(NoticeReceived { telegram, .. })
            | Self::NoticeReplied(NoticeReplied { telegram, .. })
            | Self::Unclaimed(Unclaimed { telegram, .. })
            | Self::Repeated(Repeated { telegram, .. })
            | Self::Contradiction(Contradiction { telegram, .. }) => act(telegram),
            Self::Checkpoint(recovery) => recovery.each_frame(act),
            Self::Fence(_) | Self::NumberBlock(_) | Self::Opening(_) | Self::Session(_) | Self::Listed(_) => {}
            Self::Commanded(_) => {}
            Self::NoticeDelivered(_) | Self::NoticeJoined(_) | Self::NoticeNotJoined(_) | Self::GapClosed(_) => {}
        }
    }
}

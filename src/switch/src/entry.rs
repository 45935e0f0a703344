use alloc::boxed::Box;
use alloc::vec::Vec;

use pabal_telegram::Slice;
use serde::{Deserialize, Serialize};

/// A telegram as an entry holds it: the bytes of secret fields are replaced before it is stored ([`Entry::encode`]).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The telegram, length prefix not included.
    pub bytes: Vec<u8>,
    /// Bytes that are never stored.
    pub secrets: Vec<Slice>,
}

impl core::fmt::Debug for Frame {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Frame({} bytes)", self.bytes.len())
    }
}

/// What is found about an entry without reading its body. Text as people search for it; dates as `yyyymmdd`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what its name says; the journal's own columns have the docs")]
pub struct Columns {
    pub exchange: Option<Box<str>>,
    pub caller: Option<Box<str>>,
    pub idempotency_key: Option<Box<str>>,
    pub party: Option<Box<str>>,
    pub protocol: Option<Box<str>>,
    pub participant: Option<Box<str>>,
    pub compartment: Option<Box<str>>,
    pub business_date: Option<u32>,
    pub session: Option<Box<str>>,
    pub epoch: Option<u32>,
    pub stream_offset: Option<u64>,
    pub spec_digest: Option<Box<str>>,
    pub our_number: Option<Box<str>>,
    pub their_number: Option<Box<str>>,
    pub correlation_key: Option<Box<str>>,
    pub trace_context: Option<Box<str>>,
    pub parent: Option<Box<str>>,
    pub outcome: Option<Box<str>>,
    pub cause: Option<Box<str>>,
}

/// One line of the journal, as the switch writes it and folds it again after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// (the switch's author declares the kinds: accepted, sending, outcome, fence, number_block, opening, session, notice_received,
    /// notice_replied, unclaimed, contradiction, checkpoint)
    Fence {
        /// Whose key.
        caller: Box<str>,
        /// The key.
        key: Box<str>,
    },
}

impl Entry {
    /// The family of all kinds that the switch writes.
    pub const FAMILY: &'static str = "switch";

    /// Its kind, as the journal's column holds it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Fence { .. } => "fence",
        }
    }

    /// The version of its kind's body.
    #[must_use]
    pub const fn version(&self) -> u32 {
        1
    }

    /// What it can be found by.
    #[must_use]
    pub fn columns(&self) -> Columns {
        unimplemented!()
    }

    /// The body as it is stored: JSON in which the bytes of secret fields are replaced; a whole frame is named by the keyed digest that
    /// `digest` gives for its bytes.
    #[must_use]
    pub fn encode(&self, digest: &dyn Fn(&[u8]) -> [u8; 32]) -> Vec<u8> {
        let _ = digest;
        unimplemented!()
    }

    /// Reads a stored body again.
    ///
    /// # Errors
    /// Not a body of this kind and version; the text says what is wrong.
    pub fn decode(kind: &str, version: u32, body: &[u8]) -> Result<Self, Box<str>> {
        let _ = (kind, version, body);
        unimplemented!()
    }
}

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use pabal_clock::DayRule;
use pabal_telegram::Framing;
use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::rules::Rules;

/// Names one version of a spec: a hash of the files' bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub u64);

impl fmt::Display for Digest {
    /// Sixteen hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// An institution whose spec has no mistake.
#[derive(Clone, Debug)]
pub struct Institution {
    /// Name in configuration, calls and metrics.
    pub name: Box<str>,
    /// Its own name.
    pub label: Box<str>,
    /// In the order of the files.
    pub protocols: Vec<Arc<Protocol>>,
}

/// One way to speak with an institution: how frames are cut, which telegrams there are, and the rules of conversation.
#[derive(Debug)]
pub struct Protocol {
    /// The institution's name.
    pub institution: Box<str>,
    /// Name in configuration and metrics.
    pub name: Box<str>,
    /// The version of the spec that this was made from.
    pub digest: Digest,
    /// How the stream is cut.
    pub framing: Framing,
    /// When the business date changes.
    pub day: DayRule,
    /// The telegrams.
    pub catalog: Catalog,
    /// The conversation.
    pub rules: Rules,
}

use alloc::vec::Vec;

use crate::field::Slice;

/// The key under which a caller's trace is kept while its telegram is away: bytes of fields that the answer echoes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceKey(pub Vec<u8>);

impl TraceKey {
    /// Reads the key from a telegram; `None` if the telegram is too short to have it.
    #[must_use]
    pub fn of(telegram: &[u8], fields: &[Slice]) -> Option<Self> {
        let mut key = Vec::new();
        for field in fields {
            key.extend_from_slice(field.of(telegram)?);
        }
        Some(Self(key))
    }
}

use alloc::boxed::Box;
use alloc::sync::Arc;

use pabal_telegram::Slice;
use serde::{Deserialize, Serialize};

use crate::bytes::{Bytes, hex};

/// A telegram as an entry holds it: the bytes of secret fields are replaced before it is stored ([`crate::Entry::encode`]).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// The telegram, length prefix not included.
    #[serde(rename = "hex")]
    pub bytes: Bytes,
    /// Bytes that are never stored.
    pub secrets: Arc<[Slice]>,
    /// A keyed digest of the whole, in hexadecimal digits; `None` until the secret bytes are replaced.
    pub digest: Option<Box<str>>,
}

impl Frame {
    /// A telegram and the bytes of it that are never stored.
    #[must_use]
    pub fn new(bytes: &[u8], secrets: &[Slice]) -> Self {
        Self::sharing(Bytes::from(bytes), Arc::from(secrets))
    }

    /// The same of what others have as well.
    pub(crate) const fn sharing(bytes: Bytes, secrets: Arc<[Slice]>) -> Self {
        Self { bytes, secrets, digest: None }
    }

    /// Replaces the secret bytes; the digest of what was there stays. Once is enough.
    pub(crate) fn seal(&mut self, digest: &dyn Fn(&[u8]) -> [u8; 32]) {
        if self.digest.is_none() {
            self.digest = Some(hex(&digest(&self.bytes)).into());
            if !self.secrets.is_empty() {
                // Not in the memory that others share.
                hide(self.bytes.for_writing(), &self.secrets);
            }
        }
    }
}

/// Replaces bytes by `*`.
pub(crate) fn hide(bytes: &mut [u8], secrets: &[Slice]) {
    let end = bytes.len();
    for secret in secrets {
        let range = secret.range();
        if let Some(hidden) = bytes.get_mut(range.start.min(end)..range.end.min(end)) {
            hidden.fill(b'*');
        }
    }
}

impl core::fmt::Debug for Frame {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Frame({} bytes)", self.bytes.len())
    }
}

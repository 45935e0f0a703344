use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_telegram::Slice;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::bytes::{Bytes, hex};

/// A telegram as an entry holds it: the bytes of secret fields are replaced before it is stored ([`crate::Entry::encode`]).
///
/// Its JSON holds the bytes as hexadecimal digits, or only how many of them stand behind the JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// The telegram, length prefix not included.
    pub bytes: Bytes,
    /// Bytes that are never stored.
    pub secrets: Arc<[Slice]>,
    /// A keyed digest of the whole, in hexadecimal digits; `None` until the secret bytes are replaced.
    pub digest: Option<Box<str>>,
    /// So many bytes stand behind the JSON that it is just written to, or was just read from.
    behind: Option<u32>,
}

/// There are not so many bytes behind the JSON.
#[derive(Clone, Copy)]
pub(crate) struct NotBehind;

impl Frame {
    /// A telegram and the bytes of it that are never stored.
    #[must_use]
    pub fn new(bytes: &[u8], secrets: &[Slice]) -> Self {
        Self::sharing(Bytes::from(bytes), Arc::from(secrets))
    }

    /// The same of what others have as well.
    pub(crate) const fn sharing(bytes: Bytes, secrets: Arc<[Slice]>) -> Self {
        Self { bytes, secrets, digest: None, behind: None }
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

    /// From now on its JSON tells only how many bytes stand behind it: so many.
    pub(crate) fn stand_behind(&mut self) -> usize {
        // Of a telegram that is longer than a number tells, which none is, the JSON has the digits.
        self.behind = u32::try_from(self.bytes.len()).ok();
        self.behind.map_or(0, |_| self.bytes.len())
    }

    /// Puts these bytes behind a body; then it is as it was.
    pub(crate) fn put_behind(&mut self, body: &mut Vec<u8>) {
        if self.behind.take().is_some() {
            body.extend_from_slice(&self.bytes);
        }
    }

    /// Takes the bytes that stand in front of the others, if it was read without; those others are left.
    pub(crate) fn take_behind<'a>(&mut self, others: &'a [u8]) -> Result<&'a [u8], NotBehind> {
        let Some(count) = self.behind.take() else { return Ok(others) };
        let count = usize::try_from(count).map_err(|_| NotBehind)?;
        let (own, others) = others.split_at_checked(count).ok_or(NotBehind)?;
        self.bytes = Bytes::from(own);
        Ok(others)
    }
}

impl Serialize for Frame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut stored = serializer.serialize_struct("Frame", 3)?;
        match self.behind {
            Some(count) => stored.serialize_field("behind", &count)?,
            None => stored.serialize_field("hex", &self.bytes)?,
        }
        stored.serialize_field("secrets", &self.secrets)?;
        stored.serialize_field("digest", &self.digest)?;
        stored.end()
    }
}

impl<'de> Deserialize<'de> for Frame {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Stored {
            hex: Option<Bytes>,
            behind: Option<u32>,
            secrets: Arc<[Slice]>,
            digest: Option<Box<str>>,
        }
        let Stored { hex, behind, secrets, digest } = Stored::deserialize(deserializer)?;
        if hex.is_some() == behind.is_some() {
            return Err(de::Error::custom("a telegram has either `hex` or `behind`"));
        }
        Ok(Self { bytes: hex.unwrap_or_default(), secrets, digest, behind })
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

#[cfg(test)]
mod tests {
    use std::format;
    use std::vec::Vec;

    use crate::Entry;

    const PLACE: &str = r#""protocol":"firmbanking","place":{"line":"out","slot":1,"epoch":3},"reason":"no key""#;

    fn body(telegram: &str, behind: &str) -> Vec<u8> {
        let telegram = format!(r#"{{{telegram},"secrets":[{{"offset":4,"len":2}}],"digest":"ab"}}"#);
        format!(r#"{{{PLACE},"telegram":{telegram}}}{behind}"#).into_bytes()
    }

    #[test]
    fn a_telegram_stands_behind_the_json_and_in_it_in_version_1() {
        let (old, new) = (body(r#""hex":"303430302a2a""#, ""), body(r#""behind":6"#, "\n0400**"));
        let read = Entry::decode("unclaimed", 1, &old).unwrap();
        let Entry::Unclaimed(unclaimed) = &read else { panic!("of its kind") };
        assert_eq!(*unclaimed.telegram.bytes, *b"0400**");
        let written = read.encode(&|_| panic!("it has its digest"));
        assert_eq!(written, new);
        assert_eq!(Entry::decode("unclaimed", 2, &written).unwrap(), read);
        assert_eq!(read.encode(&|_| [0; 32]), new, "writing it changes nothing");
    }

    #[test]
    fn what_stands_behind_the_json_is_all_of_its_telegrams_and_nothing_else() {
        for (version, telegram, behind) in [
            (1, r#""behind":6"#, "\n0400**"),
            (1, r#""hex":"30""#, "\n"),
            (1, r#""hex":"30""#, "\n0"),
            (2, r#""behind":6"#, ""),
            (2, r#""behind":6"#, "0400**"),
            (2, r#""behind":6"#, "\n0400*"),
            (2, r#""behind":6"#, "\n0400** "),
            (2, r#""behind":4294967295"#, "\n0400**"),
            (2, r#""behind":0"#, "x"),
            (2, r#""behind":6,"hex":"30""#, "\n0400**"),
            (2, r#""secret":6"#, "\n0400**"),
            (3, r#""behind":6"#, "\n0400**"),
        ] {
            let read = Entry::decode("unclaimed", version, &body(telegram, behind));
            assert_eq!(read.is_err(), (version, behind) != (1, "\n"), "{version} {telegram} {behind:?}");
        }
    }
}

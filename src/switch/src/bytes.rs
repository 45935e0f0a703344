use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Bytes that are cheap to share, written as hexadecimal digits. `Debug` tells their number only, because they may be a telegram's.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub Arc<[u8]>);

impl Bytes {
    /// As text if they are printable ASCII, else as hexadecimal digits: how people search for a key or a bank code.
    #[must_use]
    pub fn readable(&self) -> String {
        readable(&self.0)
    }
}

pub(crate) fn readable(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) if bytes.iter().all(|byte| matches!(byte, 0x20..=0x7e)) => String::from(text.trim_end()),
        _ => hex(bytes),
    }
}

/// A hash of parts and of where each ends. For telling two contents apart, not against somebody who wants them to look the same.
pub(crate) fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hash = 0x243f_6a88_85a3_08d3_u64;
    let mut mix = |word: u64| hash = (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    for part in parts {
        mix(part.len() as u64);
        let (words, rest) = part.as_chunks();
        for word in words {
            mix(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            mix(u64::from_le_bytes(word));
        }
    }
    hash ^ hash >> 32
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + (nibble - 10) };
    let mut digits = alloc::vec![0; 2 * bytes.len()];
    for ([high, low], byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
        (*high, *low) = (digit(byte >> 4), digit(byte & 0xf));
    }
    // Digits are text.
    String::from_utf8(digits).unwrap_or_default()
}

pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => {
                let (high, low) = (char::from(*high).to_digit(16)?, char::from(*low).to_digit(16)?);
                u8::try_from(high << 4 | low).ok()
            }
            _ => None,
        })
        .collect()
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(Arc::from(bytes))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::from(bytes))
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <alloc::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        from_hex(&text).map(Self::from).ok_or_else(|| de::Error::custom("not pairs of hexadecimal digits"))
    }
}

/// The same for bytes that are not shared.
pub(crate) mod as_hex {
    use super::{Deserialize, Deserializer, Serializer, Vec, de, from_hex, hex};

    pub(crate) fn serialize<S: Serializer, T: AsRef<[u8]>>(bytes: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(bytes.as_ref()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: From<Vec<u8>>>(deserializer: D) -> Result<T, D::Error> {
        let text = <alloc::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        from_hex(&text).map(T::from).ok_or_else(|| de::Error::custom("not pairs of hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_come_back() {
        assert_eq!(hex(b"\x00\xabZ"), "00ab5a");
        assert_eq!(from_hex("00ab5A").unwrap(), b"\x00\xabZ");
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("0g"), None);
        assert_eq!(readable(b"088   "), "088");
        assert_eq!(readable(b"\xb0\xa1"), "b0a1");
    }
}

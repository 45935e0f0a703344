use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use core::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Bytes that are cheap to share, written as hexadecimal digits. `Debug` tells their number only, because they may be a telegram's.
///
/// A few of them, such as a bank's code, lie here as they are; more are shared.
#[derive(Clone)]
pub struct Bytes(Kept);

/// The most bytes that lie in place: a correlation key does.
const SHORT_MAX: usize = 46;

#[derive(Clone)]
enum Kept {
    /// The first so many of these; the others are 0. All that fit are kept so.
    Short(u8, [u8; SHORT_MAX]),
    /// Those from a place on.
    Long(Arc<[u8]>, u32),
}

impl Bytes {
    fn short(bytes: &[u8]) -> Option<Self> {
        let mut kept = [0; SHORT_MAX];
        kept.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self(Kept::Short(u8::try_from(bytes.len()).ok()?, kept)))
    }

    /// Parts, one behind the other.
    pub(crate) fn joined<'a>(parts: impl Iterator<Item = &'a [u8]> + Clone) -> Self {
        let mut kept = [0; SHORT_MAX];
        let mut len = 0;
        for part in parts.clone() {
            let end = len + part.len();
            match kept.get_mut(len..end) {
                Some(place) => place.copy_from_slice(part),
                None => {
                    let all: Vec<&[u8]> = parts.collect();
                    return Self::from(all.concat());
                }
            }
            len = end;
        }
        Self(Kept::Short(u8::try_from(len).unwrap_or(0), kept))
    }

    /// Those from a place on, which are shared with these; none, if there are not so many.
    pub(crate) fn behind(&self, count: usize) -> Self {
        let rest = self.get(count..).unwrap_or_default();
        match (&self.0, u32::try_from(count)) {
            (Kept::Long(whole, from), Ok(count)) if rest.len() > SHORT_MAX => {
                Self(Kept::Long(Arc::clone(whole), from.saturating_add(count)))
            }
            _ => Self::from(rest),
        }
    }

    /// The same bytes in memory that others may share.
    #[must_use]
    pub fn shared(&self) -> Arc<[u8]> {
        match &self.0 {
            Kept::Long(whole, 0) => Arc::clone(whole),
            _ => Arc::from(&**self),
        }
    }

    /// To be written to: copied first if others share them.
    pub(crate) fn for_writing(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Kept::Short(len, bytes) => bytes.get_mut(..usize::from(*len)).unwrap_or_default(),
            Kept::Long(whole, from) => {
                Arc::make_mut(whole).get_mut(usize::try_from(*from).unwrap_or(usize::MAX)..).unwrap_or_default()
            }
        }
    }

    /// As text if they are printable ASCII, else as hexadecimal digits: how people search for a key or a bank code.
    #[must_use]
    pub fn readable(&self) -> String {
        readable(self)
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Self(Kept::Short(0, [0; SHORT_MAX]))
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kept::Short(len, bytes), Kept::Short(others_len, others)) => {
                len == others_len && words(bytes) == words(others)
            }
            (Kept::Long(..), Kept::Long(..)) => **self == **other,
            (Kept::Short(..), Kept::Long(..)) | (Kept::Long(..), Kept::Short(..)) => false,
        }
    }
}

impl Eq for Bytes {}

impl PartialOrd for Bytes {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// All that is kept in place, as words that overlap.
fn words(kept: &[u8; SHORT_MAX]) -> [u128; 3] {
    let word = |bytes: Option<&[u8; 16]>| bytes.map_or(0, |word| u128::from_be_bytes(*word));
    [word(kept.first_chunk()), word(kept.get(16..).and_then(|rest| rest.first_chunk())), word(kept.last_chunk())]
}

/// As slices are ordered; of those that lie in place, words are compared.
impl Ord for Bytes {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Kept::Short(len, bytes), Kept::Short(others_len, others)) = (&self.0, &other.0) {
            // What is behind the end is 0, and so no greater than what another has there.
            return words(bytes).cmp(&words(others)).then_with(|| len.cmp(others_len));
        }
        (**self).cmp(&**other)
    }
}

pub(crate) fn readable(bytes: &[u8]) -> String {
    text_of(bytes).into_owned()
}

/// The same, borrowed where it can be.
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match core::str::from_utf8(bytes) {
        Ok(text) if bytes.iter().all(|byte| matches!(byte, 0x20..=0x7e)) => Cow::Borrowed(text.trim_end()),
        _ => Cow::Owned(hex(bytes)),
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

/// A hash of parts and of where each ends, by which they are found in memory. What is written down has [`hash`]. It begins with a secret
/// where others choose the bytes, so that nobody can find many that have the same.
pub(crate) fn spread<'a>(secret: u64, parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let hash = parts.into_iter().fold(secret, spread_behind);
    hash ^ hash >> 32
}

/// The same of one, of bytes that are few.
#[inline]
pub(crate) fn spread_one(part: &[u8]) -> u64 {
    let hash = spread_behind(0, part);
    hash ^ hash >> 32
}

#[inline]
fn spread_behind(hash: u64, part: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let (words, _) = part.as_chunks();
    let hash = words.iter().fold(hash, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    // What is left, with what stands before it, and where it ends.
    let last = match (part.last_chunk(), part.first_chunk(), part.last_chunk()) {
        (Some(last), ..) => u64::from_le_bytes(*last),
        (None, Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => match *part {
            [] => 0,
            [first, .., last] => u64::from(first) << 16 | u64::from(part[1]) << 8 | u64::from(last),
            [first] => u64::from(first),
        },
    };
    mix(mix(hash, last), part.len() as u64)
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
        match &self.0 {
            Kept::Short(len, bytes) => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Kept::Long(whole, from) => whole.get(usize::try_from(*from).unwrap_or(usize::MAX)..).unwrap_or_default(),
        }
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self::short(bytes).unwrap_or_else(|| Self(Kept::Long(Arc::from(bytes), 0)))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::short(&bytes).unwrap_or_else(|| Self(Kept::Long(Arc::from(bytes), 0)))
    }
}

impl From<Arc<[u8]>> for Bytes {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::short(&bytes).unwrap_or(Self(Kept::Long(bytes, 0)))
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(self))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        from_hex(&text).map(Self::from).ok_or_else(|| de::Error::custom("not pairs of hexadecimal digits"))
    }
}

/// The same for bytes that are not shared.
pub(crate) mod as_hex {
    use super::{Cow, Deserialize, Deserializer, Serializer, Vec, de, from_hex, hex};

    pub(crate) fn serialize<S: Serializer, T: AsRef<[u8]>>(bytes: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(bytes.as_ref()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: From<Vec<u8>>>(deserializer: D) -> Result<T, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        from_hex(&text).map(T::from).ok_or_else(|| de::Error::custom("not pairs of hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ones_and_long_ones_are_ordered_as_slices_are() {
        let long = [b'a'; SHORT_MAX + 1];
        let all: Vec<&[u8]> = std::vec![
            b"",
            b"\0",
            b"\0\0",
            b"\0a",
            b"004",
            b"004\0",
            b"088",
            b"0880000",
            b"08800000",
            b"088000000",
            b"088000001",
            b"20261122088COMPANY1",
            b"20261122088COMPANY2",
            &long[..9],
            &long[..SHORT_MAX],
            &long,
            b"b",
        ];
        for one in &all {
            for other in &all {
                let (left, right) = (Bytes::from(*one), Bytes::from(*other));
                assert_eq!((left.cmp(&right), left == right), (one.cmp(other), one == other), "{one:?} {other:?}");
            }
            assert_eq!((&*Bytes::from(*one), &*Bytes::from(one.to_vec()).shared()), (*one, *one));
        }
    }

    #[test]
    fn what_is_behind_is_shared_and_what_is_written_is_not() {
        let whole: Vec<u8> = (0..60).collect();
        let bytes = Bytes::from(&whole[..]);
        let mut rest = bytes.behind(9).behind(1);
        assert_eq!((&*rest, &*rest.shared(), rest == Bytes::from(&whole[10..])), (&whole[10..], &whole[10..], true));
        let parts = [&whole[..10], &[], &whole[10..40], &whole[40..]];
        assert_eq!(Bytes::joined(parts.into_iter()), bytes);
        assert_eq!(Bytes::joined([&b"08"[..], b"8"].into_iter()), Bytes::from(&b"088"[..]));
        let long = [&whole[..], &whole, &whole];
        assert_eq!(*Bytes::joined(long.into_iter()), *long.concat());
        rest.for_writing()[0] = 255;
        assert_eq!((rest[0], bytes[10]), (255, 10));
        assert_eq!((&*bytes.behind(50), &*bytes.behind(61), &*bytes.behind(60)), (&whole[50..], &b""[..], &b""[..]));
    }

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

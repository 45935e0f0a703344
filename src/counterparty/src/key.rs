use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use pabal_spec::Rules;
use pabal_telegram::Slice;

/// Between the parts of a key; a control character, so that no field of a telegram holds it.
const SEPARATOR: u8 = 0x1F;

/// What tells one request from every other: the bytes of the protocol's key fields, in their order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Box<[u8]>);

impl Key {
    /// From the bytes of each key field, padded as in the telegram.
    #[must_use]
    pub fn new(parts: &[&[u8]]) -> Self {
        Self(parts.join(&SEPARATOR).into_boxed_slice())
    }

    /// Reads the key from a telegram (length prefix not included); `None` if the telegram is too short to have it.
    #[must_use]
    pub fn of(telegram: &[u8], fields: &[Slice]) -> Option<Self> {
        let mut key = Vec::with_capacity(fields.iter().map(|field| field.range().len() + 1).sum());
        for (at, field) in fields.iter().enumerate() {
            if at > 0 {
                key.push(SEPARATOR);
            }
            key.extend_from_slice(field.of(telegram)?);
        }
        Some(Self(key.into_boxed_slice()))
    }

    /// Reads the key by which a protocol tells requests apart; where its answers have none, the request's own number and what that is
    /// counted by.
    #[must_use]
    pub fn of_request(telegram: &[u8], rules: &Rules) -> Option<Self> {
        if !rules.key.is_empty() {
            return Self::of(telegram, &rules.key);
        }
        let fields: Vec<Slice> = rules.number.scope.iter().copied().chain([rules.number.at]).collect();
        Self::of(telegram, &fields)
    }

    /// The bytes of each key field.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|byte| *byte == SEPARATOR)
    }

    /// All bytes, for hashing.
    pub(crate) const fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Key {
    /// The parts without their padding, a space between: `20261121 004 COMPANY 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.parts().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{}", part.trim_ascii().escape_ascii())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn a_key_is_read_from_its_places() {
        let fields = [Slice { offset: 4, len: 3 }, Slice { offset: 0, len: 2 }];
        let key = Key::of(b"AB..004", &fields).unwrap();
        assert_eq!(key, Key::new(&[b"004", b"AB"]));
        assert_eq!(key.to_string(), "004 AB");
        assert_eq!(Key::of(b"AB..00", &fields), None);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(Key::new(&[b"ab", b"c"]), Key::new(&[b"a", b"bc"]));
        assert_eq!(Key::new(&[b"COMPANY   ", b"000001"]).to_string(), "COMPANY 000001");
    }
}

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::decimal::Decimal;

/// A field's value as a caller gives it.
///
/// `Debug` tells kind and size only, because a value does not know how confidential it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Text; dates and times as their digits. A number may be given so, too: `150000`, `12.50`.
    Text(String),
    /// A number.
    Number(Decimal),
    /// Bytes as they shall be on the wire; only for fillers and text fields, of the field's exact length.
    Bytes(Vec<u8>),
    /// Left out on purpose; the same as not giving the field at all.
    Null,
}

/// A field's value as it is read: borrowed wherever the bytes allow.
///
/// `Debug` tells kind and size only, because a value does not know how confidential it is; `Display` shows all of it.
#[derive(Clone, PartialEq, Eq)]
pub enum ValueRef<'b> {
    /// Text without its padding; dates and times as their digits.
    Text(Cow<'b, str>),
    /// A number.
    Number(Decimal),
    /// A filler's bytes.
    Bytes(&'b [u8]),
    /// Left out by its side.
    Null,
}

impl Value {
    /// The same, borrowed.
    #[must_use]
    #[inline]
    pub fn to_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Text(text) => ValueRef::Text(Cow::Borrowed(text)),
            Self::Number(number) => ValueRef::Number(*number),
            Self::Bytes(bytes) => ValueRef::Bytes(bytes),
            Self::Null => ValueRef::Null,
        }
    }
}

impl ValueRef<'_> {
    /// The same, to be kept or to be given to [`crate::encode`].
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::Text(String::from(text.as_ref())),
            Self::Number(number) => Value::Number(*number),
            Self::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Self::Null => Value::Null,
        }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is a number.
    #[must_use]
    pub const fn number(&self) -> Option<Decimal> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether its side left it out.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// The whole content, unmasked: text as it is, numbers exactly, bytes in hex with a space between, nothing for `Null`.
impl fmt::Display for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Bytes(bytes) => {
                for (at, byte) in bytes.iter().enumerate() {
                    write!(f, "{}{byte:02x}", if at > 0 { " " } else { "" })?;
                }
                Ok(())
            }
            Self::Null => Ok(()),
        }
    }
}

impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} characters)", text.chars().count()),
            Self::Number(number) => write!(f, "Number({} digits, scale {})", number.digits(), number.scale),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Null => f.write_str("Null"),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_ref().fmt(f)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(String::from(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Decimal> for Value {
    fn from(number: Decimal) -> Self {
        Self::Number(number)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Text(text) => Self::Text(text.into_owned()),
            other => other.to_value(),
        }
    }
}

macro_rules! from_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Value {
            fn from(number: $integer) -> Self {
                Self::Number(Decimal::from(number))
            }
        }
    )*};
}
from_integers!(u8, u16, u32, u64, i8, i16, i32, i64, i128);

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn debug_tells_no_content() {
        let values = [Value::from("홍길동"), Value::from(150_000), Value::from(&b"1234"[..]), Value::Null];
        assert_eq!(format!("{values:?}"), "[Text(3 characters), Number(6 digits, scale 0), Bytes(4 bytes), Null]");
        let read = ValueRef::Text(Cow::Borrowed("홍길동"));
        assert_eq!(format!("{read:?}"), "Text(3 characters)");
    }

    #[test]
    fn display_tells_all() {
        assert_eq!(format!("{}", ValueRef::Text(Cow::Borrowed("홍길동"))), "홍길동");
        assert_eq!(format!("{}", ValueRef::Number(Decimal { units: -5, scale: 2 })), "-0.05");
        assert_eq!(format!("{}", ValueRef::Bytes(b"\x00\xAB")), "00 ab");
        assert_eq!(format!("{}", ValueRef::Null), "");
    }
}

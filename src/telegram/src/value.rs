use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// An exact number: `units` divided by ten to the power of `scale`. Never a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// All digits, up to 38.
    pub units: i128,
    /// How many of them follow the decimal point.
    pub scale: u8,
}

/// A field's value as a caller gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text; dates and times as their digits.
    Text(String),
    /// A number.
    Number(Decimal),
    /// Bytes as they shall be on the wire; only for fillers and text fields, of the field's exact length.
    Bytes(Vec<u8>),
    /// Left out on purpose.
    Null,
}

/// A field's value as it is read: borrowed wherever the bytes allow.
#[derive(Clone, Debug, PartialEq, Eq)]
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

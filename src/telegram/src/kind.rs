use alloc::boxed::Box;

use serde::{Deserialize, Serialize};

/// What the bytes of a field mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Kind {
    /// `X(n)`: text, left-aligned, padded with spaces.
    Text,
    /// `9(n)`, `9(m)V9(n)`: digits, right-aligned, zero-filled; the last `scale` digits are decimals.
    Number {
        /// Digits after the implied decimal point.
        scale: u8,
    },
    /// `code(n)`: exactly n digits that are a name, not a quantity. "004" stays "004".
    Code,
    /// `date(YYYYMMDD)`, `time(hhmmss)`, `time(MMDDhhmmss)`: digits that must be a real date or time.
    Stamp(Stamp),
    /// `filler(n)`: not used, or only echoed. Bytes are kept as they are.
    Filler,
}

/// The pattern of a date or time field, made of the parts `YYYY` `YY` `MM` `DD` `hh` `mm` `ss`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The pattern as the spec writes it; as long as the field.
    pub pattern: Box<str>,
}

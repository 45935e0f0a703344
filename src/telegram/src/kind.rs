mod binary;
mod lines;
mod number;
mod packed;
mod stamp;
mod zoned;

pub use number::{Blank, Form, Near, Number, NumberModes, Order, Sign, Zones};
pub use stamp::{Moment, Stamp, Year};

/// What the bytes of a field mean.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `X(n)`: text, left-aligned, padded with spaces, unless its [`TextRule`](crate::TextRule) says otherwise.
    Text,
    /// `9(n)`, `S9(m)V9(n) sign leading` and the like: a number, in one of the forms that numbers have.
    Number(Number),
    /// `code(n)`: exactly n digits that are a name, not a quantity. "004" stays "004".
    Code,
    /// `date(YYYYMMDD)`, `time(hhmmss)`, `time(MMDDhhmmss)`: digits that must be a real date or time.
    Stamp(Stamp),
    /// `X(3*35)`: lines of text of one width, one behind the other, each padded by itself; as a value with line feeds between.
    Lines {
        /// How wide a line is, in bytes.
        each: u32,
    },
    /// `filler(n)`: not used, or only echoed. Bytes are kept as they are.
    Filler,
}

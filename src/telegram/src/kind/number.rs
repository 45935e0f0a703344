use alloc::vec::Vec;
use core::fmt;

use crate::decimal::{DIGITS_MAX, Decimal};
use crate::fault::Rule;
use crate::kind::zoned;

/// A number as its bytes lie: how many digits, how many of them behind the point, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    /// All digits, 1 to 38, those behind the point included.
    pub digits: u8,
    /// Digits behind the point, which the bytes only imply.
    pub scale: u8,
    /// How digits and sign become bytes.
    pub form: Form,
}

/// How the digits and the sign of a number become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// A byte for each digit, right-aligned, zeros before them.
    Zoned(Sign),
}

/// Where a number of one byte for each digit has its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sign {
    /// Nowhere: it is 0 or more.
    Absent,
    /// `sign leading`: a byte before the digits, '+' or '-'.
    Leading,
    /// `sign trailing`: a byte behind the digits, '+' or '-'.
    Trailing,
}

/// As specs write it behind the digits; nothing for digits alone.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zoned(Sign::Absent) => "",
            Self::Zoned(Sign::Leading) => "sign leading",
            Self::Zoned(Sign::Trailing) => "sign trailing",
        })
    }
}

impl Sign {
    /// Bytes that it needs for itself.
    const fn len(self) -> u8 {
        match self {
            Self::Absent => 0,
            Self::Leading | Self::Trailing => 1,
        }
    }
}

impl Number {
    /// `9(m)V9(n)`: digits without a sign; `digits` are m and n together, `scale` is n.
    #[must_use]
    pub const fn plain(digits: u8, scale: u8) -> Self {
        Self { digits, scale, form: Form::Zoned(Sign::Absent) }
    }

    /// In bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a number has at least one byte")]
    pub const fn len(self) -> u32 {
        match self.form {
            Form::Zoned(sign) => self.digits as u32 + sign.len() as u32,
        }
    }

    /// Whether it can be less than 0.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        match self.form {
            Form::Zoned(Sign::Absent) => false,
            Form::Zoned(_) => true,
        }
    }

    /// Whether every number of so many digits is exact, and has its decimals among them.
    pub(crate) fn is_sound(self) -> bool {
        (1..=DIGITS_MAX).contains(&u32::from(self.digits)) && self.scale <= self.digits
    }

    /// Whether bytes that are all '0' are the number 0 and not the fill of a field that was left out.
    pub(crate) const fn is_zero_if_filled_with_zeros(self) -> bool {
        matches!(self.form, Form::Zoned(Sign::Absent))
    }

    /// The number that these bytes say; as many as [`Number::len`].
    #[inline]
    pub(crate) fn read(self, bytes: &[u8]) -> Result<Decimal, Rule> {
        let units = match self.form {
            Form::Zoned(Sign::Absent) => zoned::digits(bytes).ok_or(Rule::NotDigits)?,
            Form::Zoned(sign) => zoned::read(sign, bytes)?,
        };
        Ok(Decimal { units, scale: self.scale })
    }

    /// Writes a number behind what `out` holds; on error `out` may hold more than it did, and on [`Rule::Overflow`] what the number
    /// would have become.
    pub(crate) fn put(self, number: Decimal, out: &mut Vec<u8>) -> Result<(), Rule> {
        if number.units < 0 && !self.is_signed() {
            return Err(Rule::Negative);
        }
        // Zeros behind the last decimal say nothing, so that 150000.00 is 150000; a lost digit would.
        let mut number = number;
        while number.scale > self.scale {
            if number.units % 10 != 0 {
                return Err(Rule::TooPrecise { scale: number.scale });
            }
            number = Decimal { units: number.units / 10, scale: number.scale - 1 };
        }
        let missing = usize::from(self.scale - number.scale);
        match self.form {
            Form::Zoned(sign) => zoned::put(sign, number.units, missing, usize::from(self.digits), out),
        }
    }
}

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::cell::Cell;
use crate::decimal::Decimal;
use crate::decode::Telegram;
use crate::fault::{Fault, Rule};
use crate::field::{Field, FieldId, Fill, Slice};
use crate::kind::Near;
use crate::value::{Value, ValueRef};

mod check_digit;
mod checksum;
mod reckon;
mod settle;

pub use check_digit::CheckDigit;
pub use checksum::Checksum;
pub(crate) use reckon::{Reckoned, Seen};
pub(crate) use settle::{Later, order};
pub use settle::{recompute, recompute_from};

/// What a field says of the telegram that it stands in ([`Fill::Computed`]): written by itself on encode, checked on decode. A caller may
/// give it, too; then it must be right.
///
/// In a repeat whose number moves, it looks at what stands in the same occurrence of it, if all that it looks at stands in that repeat; else
/// at all there is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Computed {
    /// The sign of a number beside it, '+' or '-' ([`crate::Number::sign`]). Where the number is 0 it may be either, and is kept.
    Sign,
    /// The decimals of a number beside it ([`crate::Number::fraction`]), filled from the left.
    Fraction,
    /// How many bytes, and so many more (or fewer).
    Length {
        /// Of what.
        of: Span,
        /// Added to them.
        plus: i32,
    },
    /// How often there is one of these fields: of a repeat of a fixed number each occurrence is a field of its own.
    Count {
        /// The fields.
        of: Box<[FieldId]>,
    },
    /// The sum of these numbers, wherever they are; those that are left out add nothing.
    Sum {
        /// The fields.
        of: Box<[FieldId]>,
    },
    /// A checksum of bytes; in a text field in upper-case hexadecimal digits.
    Checksum {
        /// Of which.
        of: Span,
        /// How.
        by: Checksum,
    },
    /// The check digit of the digits beside it.
    CheckDigit {
        /// Where they are.
        of: Near,
        /// How.
        by: CheckDigit,
    },
    /// The last digit of the field is the check digit of those before it. The value is the caller's.
    OwnDigit {
        /// How.
        by: CheckDigit,
    },
}

/// Which bytes of a telegram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// All, length prefix not counted.
    Telegram,
    /// All but those of the field that says it.
    Others,
    /// From the first byte of one field to the last byte of another. Of fields that repeat, from the first of the one to the last of the
    /// other, with the room that is kept for more; where one of them is not there, from what stands behind it, or up to what stands
    /// before it.
    Fields {
        /// Where they begin.
        first: FieldId,
        /// Where they end; the same, or one behind it.
        last: FieldId,
    },
}

impl Computed {
    /// Whether it is written from the rest of the telegram, so that nobody must give it.
    #[must_use]
    pub const fn is_written(&self) -> bool {
        !matches!(self, Self::OwnDigit { .. })
    }

    /// Whether it looks at the whole telegram, and not only at what is beside it.
    #[must_use]
    pub const fn looks_far(&self) -> bool {
        matches!(self, Self::Length { .. } | Self::Count { .. } | Self::Sum { .. } | Self::Checksum { .. })
    }

    /// Whether it looks only at fields of a layout of so many.
    pub(crate) fn is_within(&self, count: u16) -> bool {
        match self {
            Self::Length { of: Span::Fields { first, last }, .. }
            | Self::Checksum { of: Span::Fields { first, last }, .. } => first <= last && last.0 < count,
            // A checksum does not cover itself.
            Self::Checksum { .. } => false,
            Self::Count { of } | Self::Sum { of } => of.iter().all(|id| id.0 < count),
            _ => true,
        }
    }

    /// What the field must hold; `None` for what is said by the number beside it. `seen`: what it looks at, if that is far.
    fn of(&self, telegram: &Telegram<'_, '_>, cell: &Cell<'_>, seen: &Seen) -> Result<Option<Value>, Rule> {
        let bytes = telegram.bytes();
        Ok(Some(match self {
            Self::Sign | Self::Fraction => return Ok(None),
            Self::Length { plus, .. } => Value::from(i128::from(seen.len) + i128::from(*plus)),
            Self::Count { .. } => Value::from(seen.count),
            Self::Sum { .. } => Value::Number(seen.sum.ok_or(Rule::Overflow { needed: 39 })?),
            Self::Checksum { by, .. } => {
                by.value(Slice { offset: seen.start, len: seen.len }.of(bytes).unwrap_or_default(), cell.field)
            }
            Self::CheckDigit { of, by } => {
                let digits = of.of(cell.at.offset, bytes).unwrap_or_default();
                Value::Text(String::from(char::from(b'0' + by.of(&digits_of(cell.field, digits)?))))
            }
            Self::OwnDigit { by } => {
                let digits = digits_of(cell.field, cell.at.of(bytes).unwrap_or_default())?;
                let Some((own, before)) = digits.split_last() else { return Err(Rule::NotDigits) };
                return if by.of(before) == *own { Ok(None) } else { Err(Rule::BadCheckDigit) };
            }
        }))
    }

    /// Whether the field holds what it must.
    #[cold]
    pub(crate) fn check(
        &self,
        telegram: &Telegram<'_, '_>,
        cell: &Cell<'_>,
        found: &ValueRef<'_>,
        seen: &Seen,
    ) -> Result<(), Rule> {
        if found.is_null() {
            return Ok(());
        }
        match self.of(telegram, cell, seen)? {
            Some(expected) if !is_same(found, &expected) => Err(disagrees(self, &expected)),
            _ => Ok(()),
        }
    }
}

fn disagrees(computed: &Computed, expected: &Value) -> Rule {
    let expected: Box<str> = match expected {
        Value::Number(number) => number.to_string().into(),
        Value::Text(text) => text.as_str().into(),
        _ => Box::default(),
    };
    match computed {
        Computed::CheckDigit { .. } => Rule::BadCheckDigit,
        _ => Rule::NotComputed { expected },
    }
}

fn is_same(found: &ValueRef<'_>, expected: &Value) -> bool {
    match (found, expected) {
        (ValueRef::Number(found), Value::Number(expected)) => expected.rescale(found.scale) == Some(*found),
        (ValueRef::Number(found), Value::Text(expected)) => expected.parse() == Ok(*found),
        (ValueRef::Text(found), Value::Text(expected)) => found == expected,
        _ => false,
    }
}

fn add(a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.scale.max(b.scale);
    let units = a.rescale(scale)?.units.checked_add(b.rescale(scale)?.units)?;
    Some(Decimal { units, scale })
}

/// The digits of a field, 0 to 9 each, without the dashes and spaces among them.
fn digits_of(field: &Field, bytes: &[u8]) -> Result<Vec<u8>, Rule> {
    let charset = field.charset.decode;
    let dash = charset.byte(b'-');
    let mut digits = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        let digit = byte.wrapping_sub(charset.digit_zero());
        if digit <= 9 {
            digits.push(digit);
        } else if byte != charset.blank() && Some(byte) != dash {
            return Err(Rule::NotDigits);
        }
    }
    Ok(digits)
}

impl Cell<'_> {
    /// Its value, whatever is wrong elsewhere.
    fn read<'b>(&self, telegram: &Telegram<'_, 'b>) -> Option<ValueRef<'b>> {
        let bytes = self.at.of(telegram.bytes())?;
        let value = self.field.read(bytes, self.field.by.fills(telegram.side()), |_| ()).ok()?;
        self.field.with_beside(value, self.at, telegram.bytes()).ok()
    }
}

impl Telegram<'_, '_> {
    /// The first thing that shows that these are not the bytes that were sent: a checksum that is not theirs, or one that is not there.
    /// `None` for a layout without checksums. What else is wrong is no damage: it was sent so.
    #[must_use]
    pub fn damage(&self) -> Option<Fault> {
        let is_checksum = |field: &Field| {
            matches!(field.fill, Fill::Computed(Computed::Checksum { .. })) && field.by.fills(self.side())
        };
        if !self.layout().computes() || !self.layout().fields().iter().any(is_checksum) {
            return None;
        }
        let mut cells = self.cells();
        let mut last = None;
        for (cell, value) in cells.by_ref() {
            last = value.err();
            if let Some(fault) = &last
                && (is_checksum(cell.field) || matches!(fault.rule, Rule::CutShort { .. }))
            {
                return last;
            }
        }
        // Behind a count or a key that cannot be, nobody finds one.
        if cells.end().is_none() { last } else { None }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Telegram => f.write_str("telegram"),
            Self::Others => f.write_str("telegram exclusive"),
            Self::Fields { first, last } => write!(f, "{first}..{last}"),
        }
    }
}

#[cfg(test)]
mod tests;

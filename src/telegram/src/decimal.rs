use core::fmt;
use core::str::FromStr;

/// An exact number: `units` divided by ten to the power of `scale`. Never a float.
///
/// It is written as people write it: `150000`, `-12.50`. Two values are the same only if their scales are: `1.5` is not `1.50`
/// until [`Decimal::rescale`] has made them alike. There is no negative zero: `-0` reads as `0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// All digits, up to 38; any i128 is printed right.
    pub units: i128,
    /// How many of them follow the decimal point.
    pub scale: u8,
}

/// Digits that fit [`Decimal::units`] whatever they are.
pub(crate) const DIGITS_MAX: u32 = 38;

impl Decimal {
    /// A whole number.
    #[must_use]
    pub const fn whole(units: i128) -> Self {
        Self { units, scale: 0 }
    }

    /// The same number with `scale` decimals, or `None` if it has more decimals than that (other than zeros), or more digits than
    /// fit.
    #[must_use]
    pub fn rescale(self, scale: u8) -> Option<Self> {
        let mut units = self.units;
        for _ in self.scale..scale {
            if units == 0 {
                break;
            }
            units = units.checked_mul(10)?;
        }
        for _ in scale..self.scale {
            if units % 10 != 0 {
                return None;
            }
            units /= 10;
        }
        Some(Self { units, scale })
    }

    /// Digits of the number without leading zeros; 0 has none.
    pub(crate) const fn digits(self) -> u32 {
        match self.units.unsigned_abs().checked_ilog10() {
            Some(log) => log + 1,
            None => 0,
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.units < 0 {
            f.write_str("-")?;
        }
        let scale = u32::from(self.scale);
        let units = self.units.unsigned_abs();
        // A scale past 38 leaves nothing before the point.
        let (before, after) = match 10_u128.checked_pow(scale) {
            Some(one) => (units / one, units % one),
            None => (0, units),
        };
        write!(f, "{before}")?;
        if scale > 0 {
            write!(f, ".{after:0width$}", width = usize::from(self.scale))?;
        }
        Ok(())
    }
}

/// Why text is not a [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// Not digits with at most one point among them and at most one '-' before them. No '+', no ',', no spaces, no exponent.
    NotNumber,
    /// More than 38 digits, leading zeros not counted.
    TooLong {
        /// How many.
        digits: u32,
    },
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNumber => {
                f.write_str("not a number; write digits, with one '.' before decimals and '-' before a negative number")
            }
            Self::TooLong { digits } => write!(f, "{digits} digits; a number has at most {DIGITS_MAX}"),
        }
    }
}

impl core::error::Error for DecimalError {}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (before, after) = digits.split_once('.').unwrap_or((digits, "0"));
        let scale = if digits.contains('.') { after.len() } else { 0 };
        if before.is_empty() || after.is_empty() || !(before.bytes().chain(after.bytes()).all(|b| b.is_ascii_digit())) {
            return Err(DecimalError::NotNumber);
        }
        let after = after.get(..scale).unwrap_or_default();
        let mut significant: u32 = 0;
        let mut units: i128 = 0;
        for digit in before.bytes().chain(after.bytes()).map(|b| b - b'0') {
            significant = significant.saturating_add(u32::from(significant > 0 || digit > 0));
            if significant <= DIGITS_MAX {
                units = units * 10 + i128::from(digit);
            }
        }
        if significant > DIGITS_MAX {
            return Err(DecimalError::TooLong { digits: significant });
        }
        let scale = u8::try_from(scale)
            .map_err(|_| DecimalError::TooLong { digits: u32::try_from(scale).unwrap_or(u32::MAX) })?;
        Ok(Self { units: if negative { -units } else { units }, scale })
    }
}

macro_rules! from_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Decimal {
            fn from(units: $integer) -> Self {
                Self::whole(i128::from(units))
            }
        }
    )*};
}
from_integers!(u8, u16, u32, u64, i8, i16, i32, i64, i128);

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, units: i128, scale: u8) {
        assert_eq!(text.parse(), Ok(Decimal { units, scale }), "{text}");
    }

    #[test]
    fn text_becomes_a_number_exactly() {
        check("0", 0, 0);
        check("-0", 0, 0);
        check("-0.00", 0, 2);
        check("150000", 150_000, 0);
        check("000150000", 150_000, 0);
        check("12.50", 1_250, 2);
        check("-0.05", -5, 2);
        check(&"9".repeat(38), 10_i128.pow(38) - 1, 0);
        check(&("0".repeat(60) + "1"), 1, 0);
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in ["", "-", ".", "1.", ".5", "+1", "1,000", " 1", "1 ", "1e3", "--1", "1.2.3", "1.-2", "가", "1_000"]
        {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError::NotNumber), "{text}");
        }
        assert_eq!("9".repeat(39).parse::<Decimal>(), Err(DecimalError::TooLong { digits: 39 }));
        assert_eq!(
            ("0.".to_string() + &"0".repeat(300)).parse::<Decimal>(),
            Err(DecimalError::TooLong { digits: 300 })
        );
    }

    #[test]
    fn scale_changes_only_if_nothing_is_lost() {
        let one_and_a_half = Decimal { units: 150, scale: 2 };
        assert_eq!(one_and_a_half.rescale(1), Some(Decimal { units: 15, scale: 1 }));
        assert_eq!(one_and_a_half.rescale(4), Some(Decimal { units: 15_000, scale: 4 }));
        assert_eq!(one_and_a_half.rescale(0), None);
        assert_eq!(Decimal::whole(i128::MAX).rescale(1), None);
        assert_eq!(Decimal::whole(0).rescale(255), Some(Decimal { units: 0, scale: 255 }));
    }

    #[test]
    fn digits_are_counted_without_leading_zeros() {
        for (units, digits) in [(0, 0), (9, 1), (-10, 2), (i128::MIN, 39)] {
            assert_eq!(Decimal::whole(units).digits(), digits);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(units in -(10_i128.pow(38) - 1)..10_i128.pow(38), scale in 0..=255_u8) {
            let number = Decimal { units, scale };
            prop_assert_eq!(number.to_string().parse(), Ok(number));
        }
    }
}

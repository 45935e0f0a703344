//! Binary numbers.

use alloc::vec::Vec;

use crate::decimal::DIGITS_MAX;
use crate::fault::Rule;
use crate::kind::number::{Number, Order};

/// How many digits the largest number has that so many bytes hold; 0 if there may not be so many bytes.
pub(crate) fn digits_max(bytes: u8, signed: bool) -> u32 {
    match bytes {
        1..=16 => (largest(bytes, signed).ilog10() + 1).min(DIGITS_MAX),
        _ => 0,
    }
}

/// The largest number of so many bytes; there are 1 to 16.
fn largest(bytes: u8, signed: bool) -> u128 {
    let largest = u128::MAX >> (128 - 8 * u32::from(bytes));
    if signed { largest >> 1 } else { largest }
}

/// Whether it is negative, and its digits.
pub(crate) fn read(number: Number, order: Order, signed: bool, bytes: &[u8]) -> Result<(bool, i128), Rule> {
    let add = |units: u128, byte: &u8| units << 8 | u128::from(*byte);
    let units = match order {
        Order::Big => bytes.iter().fold(0, add),
        Order::Little => bytes.iter().rev().fold(0, add),
    };
    let len = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    let negative = signed && units > largest(len, true);
    // The other half of the circle, counted from its end.
    let units = if negative { largest(len, false) - units + 1 } else { units };
    Ok((negative, number.bounded(units)?))
}

pub(crate) fn put(
    number: Number,
    order: Order,
    signed: bool,
    negative: bool,
    units: u128,
    out: &mut Vec<u8>,
) -> Result<(), Rule> {
    let len = u8::try_from(number.len()).unwrap_or(u8::MAX);
    // Of as many digits as the largest number that the bytes hold, and larger.
    if units > largest(len, signed) + u128::from(negative) {
        return Err(Rule::TooLarge { bytes: len });
    }
    let mut units = if negative { units.wrapping_neg() } else { units };
    let start = out.len();
    for _ in 0..len {
        out.push(u8::try_from(units & 0xFF).unwrap_or(0));
        units >>= 8;
    }
    if let (Order::Big, Some(written)) = (order, out.get_mut(start..)) {
        written.reverse();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::charset::Charset;
    use crate::decimal::Decimal;
    use crate::kind::number::Form;

    fn number(digits: u8, bytes: u8, order: Order, signed: bool) -> Number {
        Number::of(digits, 0, Form::Binary { bytes, order, signed })
    }

    fn both_ways(digits: u8, signed: bool, units: i128, big: &[u8]) {
        let bytes = u8::try_from(big.len()).unwrap();
        let little: Vec<u8> = big.iter().rev().copied().collect();
        for (order, bytes_of) in [(Order::Big, big), (Order::Little, &little)] {
            let number = number(digits, bytes, order, signed);
            assert!(number.is_sound(), "{digits} digits in {bytes} bytes");
            let mut out = Vec::new();
            assert_eq!(number.put(Decimal::whole(units), Charset::Ascii, &mut out), Ok(()));
            assert_eq!(out, bytes_of, "{units}");
            assert_eq!(number.read(bytes_of, Charset::Ebcdic037), Ok(Decimal::whole(units)));
        }
    }

    #[test]
    fn numbers_at_their_limits() {
        both_ways(4, true, 0, &[0, 0]);
        both_ways(4, true, 1_234, &[0x04, 0xD2]);
        both_ways(4, true, -1, &[0xFF, 0xFF]);
        both_ways(4, true, -9_999, &[0xD8, 0xF1]);
        both_ways(5, true, -32_768, &[0x80, 0x00]);
        both_ways(5, true, 32_767, &[0x7F, 0xFF]);
        both_ways(5, false, 65_535, &[0xFF, 0xFF]);
        both_ways(9, true, 999_999_999, &[0x3B, 0x9A, 0xC9, 0xFF]);
        both_ways(18, true, -999_999_999_999_999_999, &[0xF2, 0x1F, 0x49, 0x4C, 0x58, 0x9C, 0x00, 0x01]);
        both_ways(20, false, i128::from(u64::MAX), &[0xFF; 8]);
        both_ways(19, true, i128::from(i64::MIN), &[0x80, 0, 0, 0, 0, 0, 0, 0]);
        both_ways(3, false, 255, &[0xFF]);
        both_ways(38, true, 10_i128.pow(38) - 1, &(10_i128.pow(38) - 1).to_be_bytes());
        both_ways(38, true, 1 - 10_i128.pow(38), &(1 - 10_i128.pow(38)).to_be_bytes());
        both_ways(38, false, 10_i128.pow(38) - 1, &(10_i128.pow(38) - 1).to_be_bytes());
    }

    #[test]
    fn digits_are_those_that_are_stated() {
        let four = number(4, 2, Order::Big, true);
        // 10,000 and -10,000 fit the bytes, not the digits.
        for bytes in [[0x27, 0x10], [0xD8, 0xF0]] {
            assert_eq!(four.read(&bytes, Charset::Ascii), Err(Rule::TooManyDigits { digits: 5, max: 4 }));
        }
        let mut out = Vec::new();
        let put =
            |number: Number, units: i128, out: &mut Vec<u8>| number.put(Decimal::whole(units), Charset::Ascii, out);
        assert_eq!(put(four, 10_000, &mut out), Err(Rule::TooManyDigits { digits: 5, max: 4 }));
        // And the other way: 40,000 fits five digits, and not two bytes with a sign.
        assert_eq!(put(number(5, 2, Order::Big, true), 40_000, &mut out), Err(Rule::TooLarge { bytes: 2 }));
        assert_eq!(put(number(5, 2, Order::Big, true), 32_768, &mut out), Err(Rule::TooLarge { bytes: 2 }));
        assert_eq!(put(number(5, 2, Order::Big, false), -1, &mut out), Err(Rule::Negative));
        let widest = number(38, 16, Order::Big, true);
        assert_eq!(widest.read(&[0x80; 16], Charset::Ascii), Err(Rule::TooManyDigits { digits: 39, max: 38 }));
        assert_eq!(
            number(38, 16, Order::Big, false).read(&[0xFF; 16], Charset::Ascii),
            Err(Rule::TooManyDigits { digits: 39, max: 38 })
        );
    }

    #[test]
    fn digits_that_no_bytes_hold_are_refused_before() {
        for (bytes, unsigned, signed) in [(1, 3, 3), (2, 5, 5), (3, 8, 7), (4, 10, 10), (8, 20, 19), (16, 38, 38)] {
            assert_eq!((digits_max(bytes, false), digits_max(bytes, true)), (unsigned, signed), "{bytes} bytes");
        }
        assert_eq!((digits_max(0, true), digits_max(17, true)), (0, 0));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(units in any::<i64>(), little in any::<bool>()) {
            let order = if little { Order::Little } else { Order::Big };
            let number = number(19, 8, order, true);
            let mut out = Vec::new();
            prop_assert_eq!(number.put(Decimal::whole(units.into()), Charset::Ascii, &mut out), Ok(()));
            prop_assert_eq!(&out[..], &if little { units.to_le_bytes() } else { units.to_be_bytes() });
            prop_assert_eq!(number.read(&out, Charset::Ascii), Ok(Decimal::whole(units.into())));
        }
    }
}

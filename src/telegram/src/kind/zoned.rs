//! Numbers of one byte for each digit.

use alloc::vec::Vec;

use crate::fault::Rule;
use crate::kind::number::Sign;

/// The number that signed digits say.
pub(crate) fn read(sign: Sign, bytes: &[u8]) -> Result<i128, Rule> {
    let (mark, bytes) = match sign {
        Sign::Absent => (b'+', bytes),
        Sign::Leading => bytes.split_first().map(|(mark, rest)| (*mark, rest)).ok_or(Rule::NotSign)?,
        Sign::Trailing => bytes.split_last().map(|(mark, rest)| (*mark, rest)).ok_or(Rule::NotSign)?,
    };
    let units = digits(bytes).ok_or(Rule::NotDigits)?;
    match (mark, units) {
        (b'+', _) => Ok(units),
        (b'-', 0) => Err(Rule::NegativeZero),
        (b'-', _) => Ok(-units),
        _ => Err(Rule::NotSign),
    }
}

/// Writes `units`, and `missing` zeros behind them, as `width` digits with their sign.
pub(crate) fn put(sign: Sign, units: i128, missing: usize, width: usize, out: &mut Vec<u8>) -> Result<(), Rule> {
    let mark = if units < 0 { b'-' } else { b'+' };
    if sign == Sign::Leading {
        out.push(mark);
    }
    let needed = put_digits(units.unsigned_abs(), missing, width, out);
    if sign == Sign::Trailing {
        out.push(mark);
    }
    if needed > width {
        let needed = needed.saturating_add(usize::from(sign != Sign::Absent));
        return Err(Rule::Overflow { needed: u32::try_from(needed).unwrap_or(u32::MAX) });
    }
    Ok(())
}

/// As many digits as `width`, or more if they are needed. Says how many are needed.
fn put_digits(mut units: u128, missing: usize, width: usize, out: &mut Vec<u8>) -> usize {
    let digits = units.checked_ilog10().map_or(0, |log| log as usize + 1);
    let needed = if digits == 0 { 0 } else { digits + missing };
    let start = out.len();
    out.resize(start + needed.max(width), b'0');
    for place in out.iter_mut().skip(start).rev().skip(missing) {
        if units == 0 {
            break;
        }
        *place = b'0' + u8::try_from(units % 10).unwrap_or(0);
        units /= 10;
    }
    needed
}

/// The number that ASCII digits say, or `None` if one of the bytes is none. At most 38 digits, which a layout ensures.
#[inline]
pub(crate) fn digits(bytes: &[u8]) -> Option<i128> {
    let (head, words) = bytes.as_rchunks::<8>();
    let mut number = 0;
    for &byte in head {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    match words {
        [] => Some(i128::from(number)),
        [low] => Some(i128::from(number * 100_000_000 + eight_digits(*low)?)),
        _ => words
            .iter()
            .try_fold(i128::from(number), |number, word| Some(number * 100_000_000 + i128::from(eight_digits(*word)?))),
    }
}

/// Eight digits at once: pairs are joined to numbers of two, four and eight digits inside of one word.
fn eight_digits(bytes: [u8; 8]) -> Option<u64> {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const HIGH: u64 = 0xF0F0_F0F0_F0F0_F0F0;
    let word = u64::from_le_bytes(bytes);
    // A digit is 0x30 to 0x39: its high half is 3, and stays 3 when 6 is added. Only a byte whose high half is not 3 could carry.
    if word & HIGH != ZEROS || word.wrapping_add(0x0606_0606_0606_0606) & HIGH != ZEROS {
        return None;
    }
    let ones = word - ZEROS;
    let twos = (ones.wrapping_mul(10).wrapping_add(ones >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (twos.wrapping_mul(100).wrapping_add(twos >> 16)) & 0x0000_FFFF_0000_FFFF;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_up_to_38_digits() {
        let nines = [b'9'; 38];
        for len in 1..=38 {
            let expected: i128 = "9".repeat(len).parse().unwrap();
            assert_eq!(digits(&nines[38 - len..]), Some(expected));
        }
        assert_eq!(digits(b"00000000000000000000000000000000000001"), Some(1));
        assert_eq!(digits(b"10000000000000000000000000000000000000"), Some(10_i128.pow(37)));
        let mut wrong = nines;
        for at in 0..38 {
            for byte in [b'/', b':', b' ', b'-', 0, 0xFF] {
                wrong[at] = byte;
                assert_eq!(digits(&wrong), None);
                wrong[at] = b'9';
            }
        }
    }

    #[test]
    fn eight_digits_are_checked_each_by_itself() {
        assert_eq!(eight_digits(*b"12345678"), Some(12_345_678));
        assert_eq!(eight_digits(*b"00000000"), Some(0));
        assert_eq!(eight_digits(*b"99999999"), Some(99_999_999));
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                for other in [b'0', b'9'] {
                    let mut word = [other; 8];
                    word[at] = byte;
                    let expected = byte
                        .is_ascii_digit()
                        .then(|| word.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')));
                    assert_eq!(eight_digits(word), expected, "{byte:#x} at {at}");
                }
            }
        }
    }
}

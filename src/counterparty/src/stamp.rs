use alloc::vec::Vec;

use pabal_clock::Civil;

/// Fills the parts of a pattern (`YYYY` `YY` `MM` `DD` `hh` `mm` `ss`) with a date and time; all else stands for itself.
pub(crate) fn stamped(pattern: &str, civil: Civil) -> Vec<u8> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut rest = pattern.as_bytes();
    while let [first, behind @ ..] = rest {
        let (number, digits) = match rest {
            [b'Y', b'Y', b'Y', b'Y', ..] => (u32::from(civil.date.year()), 4),
            [b'Y', b'Y', ..] => (u32::from(civil.date.year() % 100), 2),
            [b'M', b'M', ..] => (u32::from(civil.date.month()), 2),
            [b'D', b'D', ..] => (u32::from(civil.date.day()), 2),
            [b'h', b'h', ..] => (civil.time.hour(), 2),
            [b'm', b'm', ..] => (civil.time.minute(), 2),
            [b's', b's', ..] => (civil.time.second(), 2),
            _ => {
                out.push(*first);
                rest = behind;
                continue;
            }
        };
        digits_of(u64::from(number), digits, &mut out);
        rest = rest.get(digits..).unwrap_or_default();
    }
    out
}

/// The last `width` digits of a number, zero-filled, behind what `out` holds.
pub(crate) fn digits_of(number: u64, width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + width, b'0');
    let mut left = number;
    for digit in out.get_mut(start..).unwrap_or_default().iter_mut().rev() {
        *digit = b'0' + u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
    }
}

#[cfg(test)]
mod tests {
    use pabal_clock::{Date, TimeOfDay};

    use super::*;

    #[test]
    fn a_pattern_becomes_its_date_and_time() {
        let civil = Civil { date: Date::new(2026, 1, 9).unwrap(), time: TimeOfDay::new(7, 5, 3).unwrap() };
        assert_eq!(stamped("YYYYMMDD", civil), b"20260109");
        assert_eq!(stamped("MMDDhhmmss", civil), b"0109070503");
        assert_eq!(stamped("YY-MM-DD hh:mm", civil), b"26-01-09 07:05");
    }

    #[test]
    fn numbers_keep_their_width() {
        let mut out = Vec::from(*b"n");
        digits_of(42, 6, &mut out);
        digits_of(1_234, 2, &mut out);
        assert_eq!(out, b"n00004234");
    }
}

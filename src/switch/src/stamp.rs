use alloc::format;
use alloc::vec::Vec;

use pabal_clock::Civil;
use pabal_spec::StampRule;
use pabal_telegram::{Charset, Slice};

use crate::book::put;
use crate::bytes::Bytes;
use crate::text::Text;

/// Writes the time at the institution into the fields that are stamped, but for those that are given.
pub(crate) fn stamp(telegram: &mut [u8], rules: &[StampRule], given: &[Slice], civil: Civil) {
    for rule in rules.iter().filter(|rule| !given.contains(&rule.at)) {
        if let Some(field) = telegram.get_mut(rule.at.range()) {
            write(field, &rule.pattern.pattern, civil);
            speak(field, rule.charset);
        }
    }
}

/// What a plan's stamps are in a second, as they were written into a telegram.
#[derive(Clone, Debug)]
pub(crate) struct Stamped {
    second: i64,
    fields: Vec<(Slice, Bytes)>,
}

impl Stamped {
    /// None yet.
    pub(crate) const fn new() -> Self {
        Self { second: i64::MIN, fields: Vec::new() }
    }

    /// Does what [`stamp`] does, which needs not be worked out again within the second that `civil` shows.
    pub(crate) fn stamp(
        &mut self,
        telegram: &mut [u8],
        rules: &[StampRule],
        given: &[Slice],
        second: i64,
        civil: impl FnOnce() -> Civil,
    ) {
        if self.second == second {
            self.fields.iter().for_each(|(at, bytes)| put(telegram, *at, bytes));
            return;
        }
        stamp(telegram, rules, given, civil());
        self.second = second;
        self.fields.clear();
        let stamped = rules.iter().map(|rule| rule.at).filter(|at| !given.contains(at));
        self.fields.extend(stamped.filter_map(|at| Some((at, Bytes::from(at.of(telegram)?)))));
    }
}

/// Turns ASCII into a charset's bytes.
fn speak(field: &mut [u8], charset: Charset) {
    for byte in field {
        *byte = charset.byte(*byte).unwrap_or(*byte);
    }
}

/// Writes a number as digits of a charset, right-aligned and zero-filled.
pub(crate) fn digits_in(field: &mut [u8], number: u64, charset: Charset) {
    // The ten digits stand one behind the other in every charset.
    digits_from(charset.byte(b'0').unwrap_or(b'0'), field, number);
}

/// The number that digits say, of ASCII or of EBCDIC; `None` if one of them is no digit of the first one's kind.
pub(crate) fn number_of(field: &[u8]) -> Option<u64> {
    let zone = field.first()? & 0xF0;
    field.iter().try_fold(0_u64, |number, byte| {
        let digit = byte & 0x0F;
        let is_digit = matches!(zone, 0x30 | 0xF0) && byte & 0xF0 == zone && digit <= 9;
        is_digit.then(|| number.checked_mul(10)?.checked_add(u64::from(digit)))?
    })
}

/// Digits as text, whatever charset they are in.
pub(crate) fn digits_text(field: &[u8]) -> Option<Text> {
    // Of ASCII they are that text already.
    let other = || number_of(field).map(|number| format!("{number:0width$}", width = field.len()).into());
    Text::of_digits(field).or_else(other)
}

/// Fills a field by its pattern, which is as long as the field; marks stand for themselves.
fn write(field: &mut [u8], pattern: &str, civil: Civil) {
    let mut rest = pattern.as_bytes();
    let mut field = field;
    while let [first, ..] = rest {
        let (len, number) = match rest {
            [b'Y', b'Y', b'Y', b'Y', ..] => (4, u32::from(civil.date.year())),
            [b'Y', b'Y', ..] => (2, u32::from(civil.date.year() % 100)),
            [b'M', b'M', ..] => (2, u32::from(civil.date.month())),
            [b'D', b'D', ..] => (2, u32::from(civil.date.day())),
            [b'h', b'h', ..] => (2, civil.time.hour()),
            [b'm', b'm', ..] => (2, civil.time.minute()),
            [b's', b's', ..] => (2, civil.time.second()),
            _ => {
                let Some((mark, behind)) = field.split_first_mut() else { return };
                *mark = *first;
                (field, rest) = (behind, rest.get(1..).unwrap_or_default());
                continue;
            }
        };
        let Some((part, behind)) = field.split_at_mut_checked(len) else { return };
        digits(part, u64::from(number));
        (field, rest) = (behind, rest.get(len..).unwrap_or_default());
    }
}

/// Writes a number into a field, right-aligned and zero-filled. The first digits of a number that is too long are lost, so that the
/// caller has to know that it is not.
fn digits(field: &mut [u8], number: u64) {
    digits_from(b'0', field, number);
}

fn digits_from(zero: u8, field: &mut [u8], number: u64) {
    let mut rest = number;
    for byte in field.iter_mut().rev() {
        *byte = zero + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
}

#[cfg(test)]
mod tests {
    use pabal_clock::{UtcOffset, Wall};

    use super::*;

    #[test]
    fn a_pattern_is_filled_with_the_time_there() {
        // 2026-11-21T14:59:59Z is 23:59:59 in Seoul.
        let civil = Wall::from_unix_seconds(1_795_273_199).civil(UtcOffset::from_hours(9));
        for (pattern, expected) in [
            ("YYYYMMDD", "20261121"),
            ("hhmmss", "235959"),
            ("MMDDhhmmss", "1121235959"),
            ("YYMMDD", "261121"),
            ("YYYY-MM-DD hh:mm", "2026-11-21 23:59"),
        ] {
            let mut field = std::vec![b'?'; pattern.len()];
            write(&mut field, pattern, civil);
            assert_eq!(core::str::from_utf8(&field).unwrap(), expected);
        }
    }

    #[test]
    fn a_host_has_digits_of_its_own() {
        let mut field = *b"??????";
        digits_in(&mut field, 4_711, Charset::Ebcdic1140);
        assert_eq!(field, [0xF0, 0xF0, 0xF4, 0xF7, 0xF1, 0xF1]);
        assert_eq!((number_of(&field), number_of(b"004711")), (Some(4_711), Some(4_711)));
        assert_eq!(digits_text(&field).as_deref(), Some("004711"));
        for wrong in [&b""[..], b"00471 ", b"4\xF71", b"\xFA", &[0x40; 3], &[b'9'; 40]] {
            assert_eq!(number_of(wrong), None, "{wrong:?}");
        }
        let mut field = *b"YYYY-MM-DD";
        let civil = Wall::from_unix_seconds(1_795_273_199).civil(UtcOffset::from_hours(9));
        write(&mut field, "YYYY-MM-DD", civil);
        speak(&mut field, Charset::Ebcdic1140);
        // A hyphen of EBCDIC is 0x60.
        assert_eq!(field, [0xF2, 0xF0, 0xF2, 0xF6, 0x60, 0xF1, 0xF1, 0x60, 0xF2, 0xF1]);
    }

    #[test]
    fn numbers_are_right_aligned() {
        let mut field = *b"??????";
        digits(&mut field, 4_711);
        assert_eq!(&field, b"004711");
    }
}

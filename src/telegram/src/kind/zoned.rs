//! Numbers of one byte for each digit.

use alloc::vec::Vec;

use crate::charset::Charset;
use crate::fault::Rule;
use crate::kind::number::{Number, Sign, Zones};

/// The bytes that signs and points are in a charset.
struct Marks {
    plus: u8,
    minus: u8,
    point: u8,
}

impl Marks {
    const fn of(charset: Charset) -> Self {
        if charset.is_ebcdic() {
            Self { plus: 0x4E, minus: 0x60, point: 0x4B }
        } else {
            Self { plus: b'+', minus: b'-', point: b'.' }
        }
    }
}

/// Whether it is negative, and its digits. `whole`: how many digits stand before the point, if it is a byte.
pub(crate) fn read(
    number: Number,
    sign: Sign,
    whole: Option<usize>,
    bytes: &[u8],
    charset: Charset,
) -> Result<(bool, i128), Rule> {
    let first = || bytes.split_first().map(|(byte, rest)| (*byte, rest)).ok_or(Rule::NotSign);
    let last = || bytes.split_last().map(|(byte, rest)| (*byte, rest)).ok_or(Rule::NotSign);
    match sign {
        Sign::Absent => Ok((false, body(number, whole, bytes, charset)?)),
        Sign::Leading | Sign::Trailing => {
            let (mark, digits) = if sign == Sign::Leading { first()? } else { last()? };
            let units = body(number, whole, digits, charset)?;
            let marks = Marks::of(charset);
            match mark {
                mark if mark == marks.plus => Ok((false, units)),
                mark if mark == marks.minus => Ok((true, units)),
                mark if mark == charset.blank() && number.lenient.blank_sign => Ok((false, units)),
                _ => Err(Rule::NotSign),
            }
        }
        Sign::OverpunchLeading(zones) => {
            let (punched, rest) = first()?;
            let behind = if rest.is_empty() { 0 } else { body(number, None, rest, charset)? };
            let (negative, digit) = unpunched(punched, zones, charset)?;
            let place = 10_i128.pow(u32::try_from(rest.len()).unwrap_or(u32::MAX));
            Ok((negative, i128::from(digit) * place + behind))
        }
        Sign::OverpunchTrailing(zones) => {
            let (punched, rest) = last()?;
            let is_blank = number.lenient.spaces_left && rest.iter().all(|byte| *byte == charset.blank());
            let before = if rest.is_empty() || is_blank { 0 } else { body(number, None, rest, charset)? };
            let (negative, digit) = unpunched(punched, zones, charset)?;
            Ok((negative, before * 10 + i128::from(digit)))
        }
    }
}

/// Digits, with a point among them or not.
fn body(number: Number, whole: Option<usize>, bytes: &[u8], charset: Charset) -> Result<i128, Rule> {
    if whole.is_none()
        && !charset.is_ebcdic()
        && let Some(units) = digits(bytes)
    {
        return Ok(units);
    }
    let mut units = 0_i128;
    let mut begun = false;
    for (at, &byte) in bytes.iter().enumerate() {
        if Some(at) == whole {
            if byte != Marks::of(charset).point {
                return Err(Rule::NoPoint);
            }
            begun = true;
            continue;
        }
        let digit = byte.wrapping_sub(charset.digit_zero());
        if digit <= 9 {
            begun = true;
            units = units * 10 + i128::from(digit);
        } else if begun || !number.lenient.spaces_left || byte != charset.blank() {
            return Err(Rule::NotDigits);
        }
    }
    if begun { Ok(units) } else { Err(Rule::NotDigits) }
}

/// What a digit with a sign says.
fn unpunched(byte: u8, zones: Zones, charset: Charset) -> Result<(bool, u8), Rule> {
    let (zone, digit) = (byte >> 4, byte & 0xF);
    let found = match (byte, zones) {
        _ if charset.is_ebcdic() => match zone {
            0xC | 0xF => (false, digit),
            0xD => (true, digit),
            _ => return Err(Rule::NotSign),
        },
        (b'0'..=b'9', _) => (false, digit),
        (b'p'..=b'y', Zones::Ascii) => (true, digit),
        (b'{', Zones::Ibm) => (false, 0),
        (b'A'..=b'I', Zones::Ibm) => (false, byte - b'A' + 1),
        (b'}', Zones::Ibm) => (true, 0),
        (b'J'..=b'R', Zones::Ibm) => (true, byte - b'J' + 1),
        _ => return Err(Rule::NotSign),
    };
    if found.1 <= 9 { Ok(found) } else { Err(Rule::NotSign) }
}

/// A digit, 0 to 9, with a sign.
const fn punched(digit: u8, negative: bool, zones: Zones, charset: Charset) -> u8 {
    match (zones, negative, digit) {
        _ if charset.is_ebcdic() => digit | if negative { 0xD0 } else { 0xC0 },
        (Zones::Ascii, false, _) => b'0' + digit,
        (Zones::Ascii, true, _) => b'p' + digit,
        (Zones::Ibm, false, 0) => b'{',
        (Zones::Ibm, true, 0) => b'}',
        (Zones::Ibm, false, _) => b'A' + digit - 1,
        (Zones::Ibm, true, _) => b'J' + digit - 1,
    }
}

/// Writes `units`, and `missing` zeros behind them, as digits with their sign.
#[expect(clippy::too_many_arguments, reason = "a number in all its parts, taken apart by the one that calls")]
pub(crate) fn put(
    number: Number,
    sign: Sign,
    whole: Option<usize>,
    negative: bool,
    units: u128,
    missing: u32,
    charset: Charset,
    out: &mut Vec<u8>,
) -> Result<(), Rule> {
    let width = usize::from(number.digits);
    let missing = usize::try_from(missing).unwrap_or(usize::MAX);
    let start = out.len();
    let needed = put_digits(units, missing, width, charset.digit_zero(), out);
    if needed > width {
        let needed = needed + usize::from(sign.len()) + usize::from(whole.is_some());
        return Err(Rule::Overflow { needed: u32::try_from(needed).unwrap_or(u32::MAX) });
    }
    let marks = Marks::of(charset);
    if let Some(whole) = whole {
        out.insert(start + whole, marks.point);
    }
    let mark = if negative { marks.minus } else { marks.plus };
    match sign {
        Sign::Absent => {}
        Sign::Leading => out.insert(start, mark),
        Sign::Trailing => out.push(mark),
        Sign::OverpunchLeading(zones) => punch(out.get_mut(start), negative, zones, charset),
        Sign::OverpunchTrailing(zones) => punch(out.last_mut(), negative, zones, charset),
    }
    Ok(())
}

fn punch(digit: Option<&mut u8>, negative: bool, zones: Zones, charset: Charset) {
    if let Some(digit) = digit {
        *digit = punched(*digit & 0xF, negative, zones, charset);
    }
}

/// As many digits as `width`, or more if they are needed. Says how many are needed.
fn put_digits(mut units: u128, missing: usize, width: usize, zero: u8, out: &mut Vec<u8>) -> usize {
    let digits = units.checked_ilog10().map_or(0, |log| log as usize + 1);
    let needed = if digits == 0 { 0 } else { digits + missing };
    let start = out.len();
    out.resize(start + needed.max(width), zero);
    for place in out.iter_mut().skip(start).rev().skip(missing) {
        if units == 0 {
            break;
        }
        *place = zero + u8::try_from(units % 10).unwrap_or(0);
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
    use proptest::prelude::*;

    use super::*;
    use crate::decimal::Decimal;
    use crate::kind::number::{Form, NumberModes};

    fn number(digits: u8, scale: u8, form: Form) -> Number {
        let number = Number::of(digits, scale, form);
        assert!(number.is_sound());
        number
    }

    fn both_ways(number: Number, charset: Charset, units: i128, bytes: &[u8]) {
        let value = Decimal { units, scale: number.scale };
        let mut out = Vec::from(*b"x");
        assert_eq!(number.put(value, charset, &mut out), Ok(()));
        assert_eq!(out, [b"x", bytes].concat(), "{units}");
        assert_eq!(number.read(bytes, charset), Ok(value), "{units}");
    }

    #[test]
    fn digits_signs_and_points_are_those_of_the_charset() {
        let signed = number(5, 2, Form::Zoned(Sign::Leading));
        both_ways(signed, Charset::Cp949, -1_250, b"-01250");
        both_ways(signed, Charset::Ebcdic933, -1_250, b"\x60\xF0\xF1\xF2\xF5\xF0");
        both_ways(signed, Charset::Ebcdic037, 1_250, b"\x4E\xF0\xF1\xF2\xF5\xF0");
        let pointed = number(8, 2, Form::Pointed(Sign::Absent));
        both_ways(pointed, Charset::Ascii, 123_456, b"001234.56");
        both_ways(pointed, Charset::Ebcdic500, 123_456, b"\xF0\xF0\xF1\xF2\xF3\xF4\x4B\xF5\xF6");
        both_ways(number(3, 2, Form::Pointed(Sign::Trailing)), Charset::EucKr, -5, b"0.05-");
        both_ways(number(3, 2, Form::Pointed(Sign::Leading)), Charset::EucKr, 999, b"+9.99");
        both_ways(Number::plain(3, 0), Charset::Ebcdic1047, 120, b"\xF1\xF2\xF0");
        // Each charset is deaf to the other's digits.
        assert_eq!(Number::plain(3, 0).read(b"120", Charset::Ebcdic1047), Err(Rule::NotDigits));
        assert_eq!(Number::plain(3, 0).read(b"\xF1\xF2\xF0", Charset::Cp949), Err(Rule::NotDigits));
    }

    #[test]
    fn every_byte_where_a_point_stands() {
        let pointed = number(3, 1, Form::Pointed(Sign::Absent));
        for byte in 0..=u8::MAX {
            let found = pointed.read(&[b'1', b'2', byte, b'3'], Charset::Ascii).map(|value| value.units);
            assert_eq!(found, if byte == b'.' { Ok(123) } else { Err(Rule::NoPoint) });
            let found = pointed.read(&[0xF1, 0xF2, byte, 0xF3], Charset::Ebcdic1140).map(|value| value.units);
            assert_eq!(found, if byte == 0x4B { Ok(123) } else { Err(Rule::NoPoint) });
        }
    }

    #[test]
    fn every_byte_that_a_digit_with_a_sign_can_be() {
        type Table<'t> = (Zones, Charset, &'t [u8; 10], &'t [u8; 10], &'t [u8]);
        let tables: [Table<'_>; 3] = [
            (Zones::Ibm, Charset::Ascii, b"{ABCDEFGHI", b"}JKLMNOPQR", b"0123456789"),
            (Zones::Ascii, Charset::Ascii, b"0123456789", b"pqrstuvwxy", b""),
            (
                Zones::Ibm,
                Charset::Ebcdic933,
                b"\xC0\xC1\xC2\xC3\xC4\xC5\xC6\xC7\xC8\xC9",
                b"\xD0\xD1\xD2\xD3\xD4\xD5\xD6\xD7\xD8\xD9",
                b"\xF0\xF1\xF2\xF3\xF4\xF5\xF6\xF7\xF8\xF9",
            ),
        ];
        for (zones, charset, plus, minus, unsigned) in tables {
            let trailing = number(2, 0, Form::Zoned(Sign::OverpunchTrailing(zones)));
            let leading = number(2, 0, Form::Zoned(Sign::OverpunchLeading(zones)));
            let one = charset.digit_zero() + 1;
            for byte in 0..=u8::MAX {
                let digit = |table: &[u8]| table.iter().position(|other| *other == byte).map(|at| at as i128);
                let (is_kept, value) = match (digit(plus), digit(minus), digit(unsigned)) {
                    (Some(digit), _, _) => (true, Some((false, digit))),
                    (_, Some(digit), _) => (true, Some((true, digit))),
                    (_, _, digit) => (false, digit.map(|digit| (false, digit))),
                };
                let signed = |(negative, units): (bool, i128)| if negative { -units } else { units };
                for (number, bytes, units) in [
                    (trailing, [one, byte], value.map(|(negative, digit)| signed((negative, 10 + digit)))),
                    (leading, [byte, one], value.map(|(negative, digit)| signed((negative, digit * 10 + 1)))),
                ] {
                    let found = number.read(&bytes, charset).map(|value| value.units);
                    assert_eq!(found, units.ok_or(Rule::NotSign), "{byte:#x}");
                    if let (Some(units), true) = (units, is_kept) {
                        both_ways(number, charset, units, &bytes);
                    }
                }
            }
        }
    }

    #[test]
    fn overpunch_at_its_limits() {
        let trailing = |digits| number(digits, 0, Form::Zoned(Sign::OverpunchTrailing(Zones::Ibm)));
        both_ways(trailing(1), Charset::Ascii, 0, b"{");
        both_ways(trailing(1), Charset::Ascii, -9, b"R");
        both_ways(trailing(5), Charset::Ascii, -12_345, b"1234N");
        let nines = 10_i128.pow(38) - 1;
        let mut bytes = [b'9'; 38];
        bytes[37] = b'R';
        both_ways(trailing(38), Charset::Ascii, -nines, &bytes);
        bytes.rotate_right(1);
        both_ways(number(38, 38, Form::Zoned(Sign::OverpunchLeading(Zones::Ibm))), Charset::Ascii, -nines, &bytes);
        assert_eq!(trailing(3).read(b"00}", Charset::Ascii), Err(Rule::NegativeZero));
        assert_eq!(trailing(3).read(b"0a{", Charset::Ascii), Err(Rule::NotDigits));
    }

    #[test]
    fn lenient_modes_let_pass_what_they_name() {
        let with = |form, mode: fn(&mut NumberModes)| {
            let scale = if matches!(form, Form::Pointed(_)) { 2 } else { 0 };
            let mut number = number(4, scale, form);
            mode(&mut number.lenient);
            number
        };
        let check = |number: Number, bytes: &[u8], units: Result<i128, Rule>| {
            assert_eq!(number.read(bytes, Charset::Ascii).map(|value| value.units), units, "{bytes:?}");
            let strict = Number { lenient: NumberModes::default(), ..number };
            assert!(strict.read(bytes, Charset::Ascii).is_err(), "{bytes:?}");
        };
        let spaces = |form| with(form, |modes| modes.spaces_left = true);
        check(spaces(Form::Zoned(Sign::Absent)), b"  12", Ok(12));
        check(spaces(Form::Zoned(Sign::Absent)), b" 1 2", Err(Rule::NotDigits));
        check(spaces(Form::Zoned(Sign::Absent)), b"12  ", Err(Rule::NotDigits));
        check(spaces(Form::Zoned(Sign::Absent)), b"    ", Err(Rule::NotDigits));
        check(spaces(Form::Zoned(Sign::Leading)), b"-  12", Ok(-12));
        check(spaces(Form::Zoned(Sign::OverpunchTrailing(Zones::Ibm))), b"  1B", Ok(12));
        check(spaces(Form::Zoned(Sign::OverpunchTrailing(Zones::Ibm))), b"   K", Ok(-2));
        check(with(Form::Zoned(Sign::Leading), |modes| modes.blank_sign = true), b" 0012", Ok(12));
        check(with(Form::Zoned(Sign::Leading), |modes| modes.negative_zero = true), b"-0000", Ok(0));
        let pointed = spaces(Form::Pointed(Sign::Absent));
        check(pointed, b" 1.05", Ok(105));
        check(pointed, b"  .05", Ok(5));
        check(pointed, b" 1. 5", Err(Rule::NotDigits));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            units in 1 - 10_i128.pow(38)..10_i128.pow(38), digits in 1..=38_u8, scale in 0..=38_u8, form in 0..16_usize,
            charset in 0..2_usize,
        ) {
            let zones = if form & 1 == 0 { Zones::Ibm } else { Zones::Ascii };
            let charset = if charset == 0 || form & 1 == 1 { Charset::Cp949 } else { Charset::Ebcdic1364 };
            let form = match form >> 1 {
                0 => Form::Zoned(Sign::Absent),
                1 => Form::Zoned(Sign::Leading),
                2 => Form::Zoned(Sign::Trailing),
                3 => Form::Zoned(Sign::OverpunchLeading(zones)),
                4 => Form::Zoned(Sign::OverpunchTrailing(zones)),
                5 => Form::Pointed(Sign::Trailing),
                6 => Form::Packed { signed: true },
                _ => Form::Bcd,
            };
            let number = Number::of(digits, scale.min(digits), form);
            prop_assume!(number.is_sound());
            let units = units % 10_i128.pow(digits.into());
            let units = if number.is_signed() { units } else { units.abs() };
            let value = Decimal { units, scale: number.scale };
            let mut out = Vec::new();
            prop_assert_eq!(number.put(value, charset, &mut out), Ok(()));
            prop_assert_eq!(out.len(), number.len() as usize);
            prop_assert_eq!(number.read(&out, charset), Ok(value));
        }
    }

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

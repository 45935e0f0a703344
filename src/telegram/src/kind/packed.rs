//! Numbers of two digits in a byte: packed decimal and BCD.

use alloc::vec::Vec;

use crate::fault::Rule;
use crate::kind::number::Number;

/// Whether it is negative, and its digits. The halves behind the digits are the sign.
pub(crate) fn read(number: Number, signed: bool, bytes: &[u8]) -> Result<(bool, i128), Rule> {
    let Some((last, whole)) = bytes.split_last() else { return Err(Rule::NotDigits) };
    let units = whole.iter().flat_map(|byte| [byte >> 4, byte & 0xF]).chain([last >> 4]).try_fold(0, add)?;
    let negative = match (last & 0xF, signed, number.lenient.any_sign) {
        (0xC | 0xF, true, _) | (0xF, false, _) | (0xA | 0xC | 0xE, _, true) => false,
        (0xD, true, _) | (0xB, true, true) => true,
        _ => return Err(Rule::NotSign),
    };
    Ok((negative, number.bounded(units)?))
}

/// Digits in both halves of every byte.
pub(crate) fn read_bcd(number: Number, bytes: &[u8]) -> Result<i128, Rule> {
    number.bounded(bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xF]).try_fold(0, add)?)
}

/// One half more; at most 39 of them, of which the first of 39 is beyond the digits of its number.
fn add(units: u128, half: u8) -> Result<u128, Rule> {
    if half > 9 {
        return Err(Rule::NotDigits);
    }
    units.checked_mul(10).and_then(|units| units.checked_add(u128::from(half))).ok_or(Rule::NotDigits)
}

pub(crate) fn put(number: Number, signed: bool, negative: bool, units: u128, out: &mut Vec<u8>) {
    let sign = match (signed, negative) {
        (false, _) => 0xF,
        (true, false) => 0xC,
        (true, true) => 0xD,
    };
    put_halves(number, units, Some(sign), out);
}

pub(crate) fn put_bcd(number: Number, units: u128, out: &mut Vec<u8>) {
    put_halves(number, units, None, out);
}

/// From the last byte to the first, the low half of each before its high half.
fn put_halves(number: Number, mut units: u128, mut last: Option<u8>, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + number.len() as usize, 0);
    let mut next = || {
        last.take().unwrap_or_else(|| {
            let digit = u8::try_from(units % 10).unwrap_or(0);
            units /= 10;
            digit
        })
    };
    for byte in out.iter_mut().skip(start).rev() {
        let low = next();
        *byte = next() << 4 | low;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charset::Charset;
    use crate::decimal::Decimal;
    use crate::kind::number::{Form, NumberModes};

    const SIGNED: Form = Form::Packed { signed: true };
    const UNSIGNED: Form = Form::Packed { signed: false };

    fn decimal(units: i128, scale: u8) -> Decimal {
        Decimal { units, scale }
    }

    fn both_ways(number: Number, units: i128, bytes: &[u8]) {
        let value = decimal(units, number.scale);
        let mut out = Vec::from(*b"x");
        number.put(value, Charset::Cp949, &mut out).unwrap();
        assert_eq!(out, [b"x", bytes].concat(), "{units}");
        assert_eq!(number.len() as usize, bytes.len());
        for charset in [Charset::Cp949, Charset::Ebcdic933] {
            assert_eq!(number.read(bytes, charset), Ok(value), "{bytes:02x?}");
        }
    }

    #[test]
    fn digits_stand_in_halves_and_the_sign_behind_them() {
        both_ways(Number::of(5, 2, SIGNED), 12_345, b"\x12\x34\x5C");
        both_ways(Number::of(5, 2, SIGNED), -12_345, b"\x12\x34\x5D");
        both_ways(Number::of(5, 0, UNSIGNED), 12_345, b"\x12\x34\x5F");
        // An even number of digits leaves the first half over.
        both_ways(Number::of(4, 0, SIGNED), -1_234, b"\x01\x23\x4D");
        both_ways(Number::of(1, 0, SIGNED), 0, b"\x0C");
        both_ways(Number::of(1, 0, SIGNED), -9, b"\x9D");
        both_ways(Number::of(4, 0, Form::Bcd), 1_234, b"\x12\x34");
        both_ways(Number::of(3, 0, Form::Bcd), 234, b"\x02\x34");
    }

    #[test]
    fn as_many_as_38_digits() {
        let nines = 10_i128.pow(38) - 1;
        let mut bytes = [0x99; 20];
        bytes[0] = 0x09;
        bytes[19] = 0x9D;
        both_ways(Number::of(38, 38, SIGNED), -nines, &bytes);
        both_ways(Number::of(38, 0, Form::Bcd), nines, &[0x99; 19]);
        bytes[0] = 0x99;
        assert!(matches!(
            Number::of(38, 0, SIGNED).read(&bytes, Charset::Ascii),
            Err(Rule::NotDigits | Rule::TooManyDigits { .. })
        ));
    }

    #[test]
    fn every_byte_of_digits_and_every_byte_of_a_sign() {
        let digits =
            |byte: u8| (byte >> 4 <= 9 && byte & 0xF <= 9).then(|| i128::from(byte >> 4) * 10 + i128::from(byte & 0xF));
        for byte in 0..=u8::MAX {
            let read = |form, lenient, bytes: &[u8]| {
                let digits = if form == Form::Bcd { 4 } else { 3 };
                let number = Number { lenient, ..Number::of(digits, 0, form) };
                number.read(bytes, Charset::Ascii).map(|value| value.units)
            };
            let strict = NumberModes::default();
            let any = NumberModes { any_sign: true, negative_zero: true, ..strict };
            assert_eq!(read(SIGNED, strict, &[byte, 0x1C]).ok(), digits(byte).map(|d| d * 10 + 1));
            assert_eq!(read(Form::Bcd, strict, &[byte, 0x21]).ok(), digits(byte).map(|d| d * 100 + 21));
            assert_eq!(read(Form::Bcd, strict, &[0x21, byte]).ok(), digits(byte).map(|d| 2_100 + d));

            let (digit, sign) = (i128::from(byte >> 4), byte & 0xF);
            let of = |plus: &[u8], minus: &[u8]| match digit {
                0..=9 if plus.contains(&sign) => Ok(120 + digit),
                0..=9 if minus.contains(&sign) => Ok(-120 - digit),
                0..=9 => Err(Rule::NotSign),
                _ => Err(Rule::NotDigits),
            };
            assert_eq!(read(SIGNED, strict, &[0x12, byte]), of(b"\x0C\x0F", b"\x0D"));
            assert_eq!(read(UNSIGNED, strict, &[0x12, byte]), of(b"\x0F", b""));
            assert_eq!(read(SIGNED, any, &[0x12, byte]), of(b"\x0A\x0C\x0E\x0F", b"\x0B\x0D"));
            assert_eq!(read(UNSIGNED, any, &[0x12, byte]), of(b"\x0A\x0C\x0E\x0F", b""));
        }
    }

    #[test]
    fn what_no_number_writes_is_refused() {
        let number = Number::of(4, 0, SIGNED);
        assert_eq!(number.read(b"\x11\x23\x4C", Charset::Ascii), Err(Rule::TooManyDigits { digits: 5, max: 4 }));
        assert_eq!(number.read(b"\x00\x00\x0D", Charset::Ascii), Err(Rule::NegativeZero));
        let lenient = NumberModes { negative_zero: true, ..NumberModes::default() };
        assert_eq!(Number { lenient, ..number }.read(b"\x00\x00\x0D", Charset::Ascii), Ok(decimal(0, 0)));
        let mut out = Vec::new();
        assert_eq!(
            number.put(decimal(10_000, 0), Charset::Ascii, &mut out),
            Err(Rule::TooManyDigits { digits: 5, max: 4 })
        );
        assert_eq!(
            Number::of(4, 2, SIGNED).put(decimal(100, 0), Charset::Ascii, &mut out),
            Err(Rule::TooManyDigits { digits: 5, max: 4 })
        );
        assert_eq!(Number::of(4, 0, UNSIGNED).put(decimal(-1, 0), Charset::Ascii, &mut out), Err(Rule::Negative));
        assert_eq!(Number::of(4, 0, Form::Bcd).put(decimal(-1, 0), Charset::Ascii, &mut out), Err(Rule::Negative));
    }
}

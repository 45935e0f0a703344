//! Values in the order of the layout become bytes.

use alloc::string::String;
use alloc::vec::Vec;

use super::word::{ONES, SPACES, ZEROS, not_printable};
use crate::charset::{Charset, korean_pair};
use crate::decimal::Decimal;
use crate::encode::encode;
use crate::fault::Fault;
use crate::field::{Echo, Field, Fill, Side};
use crate::kind::{Blank, Form, Kind, Number, Sign};
use crate::layout::Layout;
use crate::text::Wide;
use crate::value::{Value, ValueRef};

/// Makes the bytes of a telegram as [`encode`] does, of values in the order of the layout, into room that is used again.
///
/// `values` has one for each of [`Layout::fields`]; [`ValueRef::Null`], or no value at the end, is a field that is not given. The fast way:
/// no name is searched, and nothing is allocated when nothing is wrong and `out` has room for a word more than the telegram. Of a layout
/// that is not fixed the fields that move cannot be given so; they are [`encode`]'s.
///
/// # Errors
/// As [`encode`]; then `out` is empty.
pub fn encode_into(layout: &Layout, side: Side, values: &[ValueRef<'_>], out: &mut Vec<u8>) -> Result<(), Vec<Fault>> {
    out.clear();
    if layout.is_fixed() && !layout.computes() {
        out.resize(layout.len() as usize + WORD, b' ');
        let fields = layout.fields().iter().zip(layout.writes(side));
        let absent = core::iter::repeat(&ValueRef::Null);
        let done = fields.zip(values.iter().chain(absent)).all(|((field, write), value)| write.put(field, value, out));
        if done {
            out.truncate(layout.len() as usize);
            return Ok(());
        }
    }
    out.clear();
    let named: Vec<(String, Value)> = layout
        .fields()
        .iter()
        .zip(values)
        .filter(|(_, value)| !value.is_null())
        .map(|(field, value)| (String::from(&*field.path), value.to_value()))
        .collect();
    out.extend_from_slice(&encode(layout, side, &named)?);
    Ok(())
}

/// Bytes of a word, which is written whole; what is behind the field is written later.
const WORD: usize = 8;
const HUNDRED_MILLION: u64 = 100_000_000;

/// How one side writes a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    at: u32,
    len: u32,
    given: Given,
    absent: Absent,
}

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    /// A number of at most 16 digits, below a limit.
    Number { scale: u8, limit: u64 },
    /// The same behind a byte for its sign.
    Signed { scale: u8, limit: u64 },
    /// Text of at most 16 bytes.
    Text { charset: Charset },
    /// Digits.
    Code,
    /// A date or time.
    Stamp,
    /// What is rare, and what may not be given.
    Rare,
}

/// What is written if there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absent {
    /// This byte.
    Byte(u8),
    /// The field's constant or default.
    Bytes,
    /// What is rare, or must be given.
    Rare,
}

impl Write {
    /// How `side` writes the field.
    pub(crate) fn new(field: &Field, side: Side) -> Self {
        let is_ours = field.by.fills(side);
        let is_carried_back = side == Side::Answerer && field.echo != Echo::No;
        let absent = match &field.fill {
            Fill::Const(_) | Fill::Default(_) if is_ours => Absent::Bytes,
            Fill::Given if is_ours && field.is_needed() => Absent::Rare,
            _ => match &field.kind {
                Kind::Text | Kind::Code | Kind::Stamp(_) | Kind::Filler => Absent::Byte(field.unset_byte()),
                Kind::Number(number) if number.form == Form::Zoned(Sign::Absent) && number.blank == Blank::Fault => {
                    Absent::Byte(field.unset_byte())
                }
                _ => Absent::Rare,
            },
        };
        let may_be_given = match field.fill {
            Fill::Const(_) | Fill::Computed(_) => false,
            Fill::Stamped => is_carried_back,
            Fill::Given | Fill::Default(_) => is_ours || is_carried_back,
        };
        let given = if may_be_given { Given::of(field) } else { Given::Rare };
        Self { at: field.at.offset, len: field.at.len, given, absent }
    }

    /// Whether it was written; what is not goes the ordinary way.
    #[inline(always)]
    fn put(&self, field: &Field, value: &ValueRef<'_>, out: &mut [u8]) -> bool {
        let (at, len) = (self.at as usize, self.len as usize);
        match (self.given, value) {
            (_, ValueRef::Null) => self.put_nothing(field, out),
            (Given::Number { scale, limit }, ValueRef::Number(number)) => {
                let units = units(*number, scale);
                put_digits(units, at, len, out) && units < limit
            }
            (Given::Signed { scale, limit }, ValueRef::Number(number)) => {
                let is_negative = number.units < 0;
                let units = units(Decimal { units: number.units.wrapping_abs(), ..*number }, scale);
                if let Some(sign) = out.get_mut(at) {
                    *sign = if is_negative { b'-' } else { b'+' };
                }
                put_digits(units, at + 1, len - 1, out) && units < limit
            }
            (Given::Text { charset }, ValueRef::Text(text)) => put_text(text, charset, at, len, out),
            (Given::Code, ValueRef::Text(text)) => {
                text.bytes().all(|byte| byte.is_ascii_digit()) && put_bytes(text.as_bytes(), at, len, out)
            }
            (Given::Stamp, ValueRef::Text(text)) => {
                let Kind::Stamp(stamp) = &field.kind else { return false };
                stamp.matches(text.as_bytes()) && put_bytes(text.as_bytes(), at, len, out)
            }
            _ => false,
        }
    }

    fn put_nothing(&self, field: &Field, out: &mut [u8]) -> bool {
        let (at, len) = (self.at as usize, self.len as usize);
        match (self.absent, &field.fill) {
            (Absent::Byte(byte), _) => out.get_mut(at..at + len).is_some_and(|place| {
                place.fill(byte);
                true
            }),
            (Absent::Bytes, Fill::Const(bytes) | Fill::Default(bytes)) => put_bytes(bytes, at, len, out),
            _ => false,
        }
    }
}

impl Given {
    fn of(field: &Field) -> Self {
        let Field { path: _, label: _, at, kind, charset, class: _, by: _, fill: _, unset: _, equal: _, echo: _, text } =
            field;
        let charset = charset.encode;
        if charset.is_ebcdic() {
            return Self::Rare;
        }
        let limit = |digits: u8| 10_u64.pow(digits.into());
        match kind {
            Kind::Number(number) if number.blank != Blank::Fault || at.len > 16 => Self::Rare,
            Kind::Number(Number { form: Form::Zoned(Sign::Absent), digits, scale, .. }) => {
                Self::Number { scale: *scale, limit: limit(*digits) }
            }
            Kind::Number(Number { form: Form::Zoned(Sign::Leading), digits, scale, .. }) => {
                Self::Signed { scale: *scale, limit: limit(*digits) }
            }
            Kind::Text if text.right || text.pad.is_some_and(|pad| pad != b' ') => Self::Rare,
            Kind::Text if text.wide != Wide::No || at.len > 16 || charset == Charset::Utf8 => Self::Rare,
            Kind::Text => Self::Text { charset },
            Kind::Code => Self::Code,
            Kind::Stamp(_) => Self::Stamp,
            _ => Self::Rare,
        }
    }
}

/// A number that cannot be one of a field's, whatever its length.
const TOO_MANY: u64 = u64::MAX;

#[inline(always)]
fn units(number: Decimal, scale: u8) -> u64 {
    if number.scale == scale { u64::try_from(number.units).unwrap_or(TOO_MANY) } else { TOO_MANY }
}

/// Digits of a number below 10^16; of a larger one, anything.
#[inline(always)]
fn put_digits(units: u64, at: usize, len: usize, out: &mut [u8]) -> bool {
    let high = units / HUNDRED_MILLION;
    let low = apart(units.wrapping_sub(high.wrapping_mul(HUNDRED_MILLION))) | ZEROS;
    if len <= WORD {
        return put_word(low >> (64_usize.wrapping_sub(8 * len) & 63), at, out);
    }
    let high = apart(high) | ZEROS;
    put_word(high >> (128_usize.wrapping_sub(8 * len) & 63), at, out) && put_word(low, at + len - WORD, out)
}

/// Eight digits of a number below 10^8, each in its byte, the first one lowest.
#[inline(always)]
const fn apart(number: u64) -> u64 {
    // At each step what is left of the half goes behind it: (n << k) - q * ((d << k) - 1) is q | (n - q * d) << k.
    let left = number.wrapping_mul(3_518_437_209) >> 45;
    let fours = (number << 32).wrapping_sub(left.wrapping_mul((10_000 << 32) - 1));
    let left = (fours.wrapping_mul(5_243) >> 19) & 0x0000_007F_0000_007F;
    let twos = (fours << 16).wrapping_sub(left.wrapping_mul((100 << 16) - 1));
    let left = (twos.wrapping_mul(103) >> 10) & 0x000F_000F_000F_000F;
    (twos << 8).wrapping_sub(left.wrapping_mul((10 << 8) - 1))
}

#[inline(always)]
fn put_word(word: u64, at: usize, out: &mut [u8]) -> bool {
    match out.get_mut(at..at + WORD) {
        Some(place) => {
            place.copy_from_slice(&word.to_le_bytes());
            true
        }
        None => false,
    }
}

fn put_bytes(bytes: &[u8], at: usize, len: usize, out: &mut [u8]) -> bool {
    match out.get_mut(at..at + len) {
        Some(place) if bytes.len() == len => {
            place.copy_from_slice(bytes);
            true
        }
        _ => false,
    }
}

/// Text of at most 16 bytes, spaces behind it.
#[inline(always)]
fn put_text(text: &str, charset: Charset, at: usize, len: usize, out: &mut [u8]) -> bool {
    let [first, rest] = words(text.as_bytes());
    let is_plain = text.len() <= 16 && not_printable(first) | not_printable(rest) == 0;
    let [first, rest] = if is_plain && text.len() <= len {
        [first, rest]
    } else {
        match korean_words(text, charset, len) {
            Some(words) => words,
            None => return false,
        }
    };
    put_word(first, at, out) && (len <= WORD || put_word(rest, at + WORD, out))
}

/// The first 16 bytes, spaces behind them.
#[inline(always)]
fn words(text: &[u8]) -> [u64; 2] {
    let len = text.len();
    match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) if len <= 16 => {
            let half = (4 * (16 - len)) & 63;
            let last = (u64::from_le_bytes(*last) >> half) >> half;
            [u64::from_le_bytes(*first), last | behind(len - 8)]
        }
        _ => [short_word(text), SPACES],
    }
}

/// Fewer than eight bytes, spaces behind them.
#[inline(always)]
fn short_word(text: &[u8]) -> u64 {
    let len = text.len();
    let word = match (text.first_chunk(), text.last_chunk()) {
        // Two halves, which say the same where they meet.
        (Some(first), Some(last)) => {
            let last = u64::from(u32::from_le_bytes(*last));
            u64::from(u32::from_le_bytes(*first)) | last << ((8 * len.wrapping_sub(4)) & 63)
        }
        _ => match *text {
            [] => 0,
            [a] => u64::from(a),
            [a, b] => u64::from(u16::from_le_bytes([a, b])),
            [a, b, c, ..] => u64::from(u32::from_le_bytes([a, b, c, 0])),
        },
    };
    word | behind(len)
}

/// Spaces behind so many bytes of a word.
#[inline(always)]
const fn behind(bytes: usize) -> u64 {
    // In two steps, because a shift of 64 is none.
    let half = (4 * bytes) & 63;
    ((ONES * 0x20) << half) << half
}

/// Text with characters of two bytes, if it is one and fits.
#[inline(always)]
fn korean_words(text: &str, charset: Charset, len: usize) -> Option<[u64; 2]> {
    let mut words = [0, 0];
    let mut written = 0;
    for character in text.chars() {
        let (bytes, count) = match u8::try_from(character) {
            Ok(byte @ 0x20..=0x7E) => (u16::from(byte), 1),
            _ => (korean_pair(charset, character)?, 2),
        };
        // No word's end is inside of a field that is longer than it, and a pair may cross it.
        let bits = 8 * (written & 7);
        let word = words.get_mut(written / 8)?;
        *word |= u64::from(bytes) << bits;
        if bits == 56 && count == 2 {
            *words.get_mut(1)? |= u64::from(bytes >> 8);
        }
        written += count;
        if written > len {
            return None;
        }
    }
    let [first, rest] = words;
    Some([first | behind(written.min(8)), rest | behind(written.saturating_sub(8))])
}

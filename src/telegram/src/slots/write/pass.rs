//! The pass over all values. Each is written exactly into its own bytes, so that the order does not matter; what is before or behind it
//! there is the template's.

use super::digits::{eight_apart, sixteen_apart};
use super::steps::{Digits, Kinds, Letters, Writes};
use super::syllables;
use super::{ABSENT, Given};

/// Eight bytes at once, the first one lowest.
pub(super) const ONES: u64 = 0x0101_0101_0101_0101;
pub(super) const HIGHS: u64 = ONES * 0x80;
pub(super) const SPACES: u64 = ONES * 0x20;

/// 16 digits are two words of eight.
const HUNDRED_MILLION: u64 = 100_000_000;

/// Writes the values for which there are loops over a template that `out` holds; says whether all was right.
#[inline(always)]
pub(super) fn put(writes: &Writes, given: &Given<'_>, out: &mut [u8]) -> bool {
    let [sure, maybe] = &writes.kinds;
    let (mut numbers, mut texts) = (&*given.numbers, &*given.texts);
    // Kept where the compiler keeps it in a register: nothing is asked before the end.
    let mut wrong = kinds::<false>(sure, &mut numbers, &mut texts, out);
    if !numbers.is_empty() || !texts.is_empty() {
        wrong |= kinds::<true>(maybe, &mut numbers, &mut texts, out);
    }
    !wrong
}

/// Takes values from the front; says whether something was wrong.
#[inline(always)]
fn kinds<const MAYBE: bool>(kinds: &Kinds, numbers: &mut &[i64], texts: &mut &[Option<&str>], out: &mut [u8]) -> bool {
    let [four, eight, sixteen] = &kinds.numbers;
    let over = with(four, numbers, |steps, numbers| shorts_of::<MAYBE>(steps, numbers, out, four_digits))
        | with(eight, numbers, |steps, numbers| shorts_of::<MAYBE>(steps, numbers, out, eight_digits))
        | with(sixteen, numbers, |steps, numbers| longs_of::<MAYBE>(steps, numbers, out))
        | with(&kinds.signed, numbers, |steps, numbers| signed_of::<MAYBE>(steps, numbers, out));
    let [one, four, twelve, sixteen] = &kinds.texts;
    let is_wrong = with(&kinds.codes, texts, |steps, texts| texts_of::<MAYBE>(steps, texts, out, code))
        | with(one, texts, |steps, texts| texts_of::<MAYBE>(steps, texts, out, one_letter))
        | with(four, texts, |steps, texts| texts_of::<MAYBE>(steps, texts, out, four_letters))
        | with(twelve, texts, |steps, texts| texts_of::<MAYBE>(steps, texts, out, twelve_letters))
        | with(sixteen, texts, |steps, texts| texts_of::<MAYBE>(steps, texts, out, sixteen_letters));
    over >> 63 != 0 || is_wrong
}

/// Does something with as many values as there are steps; nothing if there are none, as in most lists of most layouts.
#[inline(always)]
fn with<'g, V, S, D: Default>(steps: &[S], values: &mut &'g [V], put: impl FnOnce(&[S], &'g [V]) -> D) -> D {
    if steps.is_empty() {
        return D::default();
    }
    let (now, later) = values.split_at_checked(steps.len()).unwrap_or_default();
    *values = later;
    put(steps, now)
}

/// Sets the highest bit if some number is too large, or less than 0. `put` writes eight digits, of which its field has the last ones.
#[inline(never)]
fn shorts_of<const MAYBE: bool>(
    steps: &[Digits],
    numbers: &[i64],
    out: &mut [u8],
    put: impl Fn(&Digits, u64, &mut [u8]),
) -> u64 {
    let mut over = 0;
    let mut put = |step: &Digits, units: i64, digits: u64| {
        if !MAYBE || units != ABSENT {
            over |= excess(step, units.cast_unsigned());
            put(step, digits, out);
        }
    };
    let (pairs, last) = steps.as_chunks();
    let (numbers, last_number) = numbers.as_chunks();
    for ([first, second], [a, b]) in pairs.iter().zip(numbers) {
        let [first_digits, second_digits] = sixteen_apart(a.cast_unsigned(), b.cast_unsigned());
        put(first, *a, first_digits);
        put(second, *b, second_digits);
    }
    if let ([step], [units]) = (last, last_number) {
        put(step, *units, eight_apart(units.cast_unsigned()));
    }
    over
}

/// The same of longer numbers.
#[inline(never)]
fn longs_of<const MAYBE: bool>(steps: &[Digits], numbers: &[i64], out: &mut [u8]) -> u64 {
    let mut over = 0;
    for (step, units) in steps.iter().zip(numbers) {
        if MAYBE && *units == ABSENT {
            continue;
        }
        let units = units.cast_unsigned();
        over |= excess(step, units);
        let words = long(step, units);
        if let Some(place) = place(out, step.at, step.len) {
            put_ends(place, words);
        }
    }
    over
}

#[inline(never)]
fn signed_of<const MAYBE: bool>(steps: &[Digits], numbers: &[i64], out: &mut [u8]) -> u64 {
    let mut over = 0;
    for (step, units) in steps.iter().zip(numbers) {
        if MAYBE && *units == ABSENT {
            continue;
        }
        let size = units.unsigned_abs();
        over |= excess(step, size);
        let words = long(step, size);
        if let Some([sign, digits @ ..]) = place(out, step.at, step.len) {
            *sign = if *units < 0 { b'-' } else { b'+' };
            // Of eight digits the second word is in the place of the first.
            put_ends(digits, words);
        }
    }
    over
}

/// Its highest bit is set if the number has more digits than its field.
#[inline(always)]
const fn excess(step: &Digits, units: u64) -> u64 {
    step.max.wrapping_sub(units) | units
}

/// The first and the last eight of all digits.
#[inline(always)]
fn long(step: &Digits, units: u64) -> [[u8; 8]; 2] {
    let high = units / HUNDRED_MILLION;
    let [high, low] = sixteen_apart(high, units.wrapping_sub(high.wrapping_mul(HUNDRED_MILLION)));
    [(high >> (step.less & 63)).to_le_bytes(), low.to_le_bytes()]
}

/// What was seen of the letters of all texts.
#[derive(Clone, Copy)]
struct Seen {
    /// The highest bit of each byte is set while all were spaces or above, moved up.
    from_space: u64,
    /// The highest bit of some byte is set if one was 0x7F, moved up.
    delete: u64,
}

impl Seen {
    const NOTHING: Self = Self { from_space: HIGHS, delete: 0 };
    const WRONG: Self = Self { from_space: 0, delete: HIGHS };

    /// Eight letters, none of which has its highest bit.
    #[inline(always)]
    const fn of(letters: u64) -> Self {
        // So no byte carries into the next: 0x20 and above reach 0x80, and only 0x7F does so by 1.
        Self { from_space: letters.wrapping_add(ONES * 0x60), delete: letters.wrapping_add(ONES) }
    }

    #[inline(always)]
    const fn and(self, other: Self) -> Self {
        Self { from_space: self.from_space & other.from_space, delete: self.delete | other.delete }
    }

    #[inline(always)]
    const fn is_wrong(self) -> bool {
        (!self.from_space | self.delete) & HIGHS != 0
    }
}

/// Says whether some text is none, or does not fit.
#[inline(never)]
fn texts_of<const MAYBE: bool>(
    steps: &[Letters],
    texts: &[Option<&str>],
    out: &mut [u8],
    put: impl Fn(&Letters, &[u8], &mut [u8]) -> Option<Seen>,
) -> bool {
    let (mut steps, mut texts) = (steps, texts);
    let mut is_wrong = false;
    loop {
        let mut seen = Seen::NOTHING;
        // Nothing is called from within the loop, so that all of it stays in registers.
        let mut odd = 0_u64;
        let mut bit = 1_u64;
        for (step, text) in steps.iter().zip(texts).take(BITS) {
            match text.and_then(|text| put(step, text.as_bytes(), out)) {
                Some(of_text) => seen = seen.and(of_text),
                None => odd |= bit,
            }
            bit <<= 1;
        }
        is_wrong |= seen.is_wrong();
        if odd != 0 {
            is_wrong |= odd_texts::<MAYBE>(odd, steps, texts, out);
        }
        let (Some(later), Some(later_texts)) = (steps.get(BITS..), texts.get(BITS..)) else { return is_wrong };
        (steps, texts) = (later, later_texts);
    }
}

/// So many can be odd at once.
const BITS: usize = 64;

/// Writes what the loop has not: no text, few letters, characters beyond ASCII. Says whether something is wrong.
#[inline(never)]
fn odd_texts<const MAYBE: bool>(odd: u64, steps: &[Letters], texts: &[Option<&str>], out: &mut [u8]) -> bool {
    let mut left = odd;
    while left != 0 {
        let at = left.trailing_zeros() as usize;
        left &= left - 1;
        let (Some(step), Some(text)) = (steps.get(at), texts.get(at)) else { return true };
        let is_right = match text {
            Some(text) => place(out, step.at, step.len).is_some_and(|place| syllables::put(text, step.charset, place)),
            None => MAYBE,
        };
        if !is_right {
            return true;
        }
    }
    false
}

#[inline(always)]
fn place(out: &mut [u8], at: u32, len: u8) -> Option<&mut [u8]> {
    out.get_mut(at as usize..at as usize + usize::from(len))
}

/// At least one, at most four.
#[inline(always)]
fn four_digits(step: &Digits, digits: u64, out: &mut [u8]) {
    let [a, b, ..] = (digits >> (step.less & 63)).to_le_bytes();
    let [.., c, d] = digits.to_le_bytes();
    match place(out, step.at, step.len) {
        Some([one]) => *one = d,
        Some(place) => put_ends(place, [[a, b], [c, d]]),
        None => {}
    }
}

/// At least five, at most eight.
#[inline(always)]
fn eight_digits(step: &Digits, digits: u64, out: &mut [u8]) {
    let [first, _] = halves(digits >> (step.less & 63));
    let [_, last] = halves(digits);
    if let Some(place) = place(out, step.at, step.len) {
        put_ends(place, [first, last]);
    }
}

/// At most eight digits, as many as the field has.
#[inline(always)]
fn code(step: &Letters, text: &[u8], out: &mut [u8]) -> Option<Seen> {
    match place(out, step.at, step.len) {
        Some(place) if place.len() == text.len() && text.iter().all(u8::is_ascii_digit) => {
            place.copy_from_slice(text);
            Some(Seen::NOTHING)
        }
        _ => Some(Seen::WRONG),
    }
}

#[inline(always)]
fn one_letter(step: &Letters, text: &[u8], out: &mut [u8]) -> Option<Seen> {
    let [letter] = *text else { return None };
    if !letter.is_ascii() {
        return None;
    }
    *out.get_mut(step.at as usize)? = letter;
    Some(Seen::of(u64::from(letter) | (SPACES << 8)))
}

/// At least two, at most four.
#[inline(always)]
fn four_letters(step: &Letters, text: &[u8], out: &mut [u8]) -> Option<Seen> {
    let place = place_of(step, text, out)?;
    let [first, last] = [text.first_chunk()?, text.last_chunk()?].map(|pair| u16::from_le_bytes(*pair));
    let letters = u64::from(first) | u64::from(last) << 16 | (SPACES << 32);
    if letters & HIGHS != 0 {
        return None;
    }
    put_ends(place, [first.to_le_bytes(), last.to_le_bytes()]);
    Some(Seen::of(letters))
}

/// At least four, at most twelve.
#[inline(always)]
fn twelve_letters(step: &Letters, text: &[u8], out: &mut [u8]) -> Option<Seen> {
    let place = place_of(step, text, out)?;
    let (first, last) = (text.first_chunk()?, text.last_chunk()?);
    let middle_at = (text.len() - 4).min(4);
    let middle = text.get(middle_at..)?.first_chunk()?;
    let ends = u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32;
    let letters = u64::from(u32::from_le_bytes(*middle)) | (SPACES << 32);
    if (ends | letters) & HIGHS != 0 {
        return None;
    }
    put_ends(place, [*first, *last]);
    *place.get_mut(middle_at..)?.first_chunk_mut()? = *middle;
    Some(Seen::of(ends).and(Seen::of(letters)))
}

/// At least eight, at most sixteen.
#[inline(always)]
fn sixteen_letters(step: &Letters, text: &[u8], out: &mut [u8]) -> Option<Seen> {
    let place = place_of(step, text, out)?;
    let (first, last) = (text.first_chunk()?, text.last_chunk()?);
    let words = [first, last].map(|word| u64::from_le_bytes(*word));
    if (words[0] | words[1]) & HIGHS != 0 {
        return None;
    }
    put_ends(place, [*first, *last]);
    Some(Seen::of(words[0]).and(Seen::of(words[1])))
}

/// The first bytes of a text's place, as many as the text has; the others are spaces already.
#[inline(always)]
fn place_of<'o>(step: &Letters, text: &[u8], out: &'o mut [u8]) -> Option<&'o mut [u8]> {
    let at = step.at as usize;
    if text.len() > usize::from(step.len) {
        return None;
    }
    out.get_mut(at..at + text.len())
}

/// The first bytes of a place, then the last ones, which may be the same.
#[inline(always)]
pub(super) fn put_ends<const N: usize>(place: &mut [u8], [first, last]: [[u8; N]; 2]) {
    if place.len() >= N {
        if let Some(place) = place.first_chunk_mut() {
            *place = first;
        }
        if let Some(place) = place.last_chunk_mut() {
            *place = last;
        }
    }
}

#[inline(always)]
const fn halves(word: u64) -> [[u8; 4]; 2] {
    let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
    [[a, b, c, d], [e, f, g, h]]
}

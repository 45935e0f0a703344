//! Text of syllables as two bytes each, four at a time. What else there is in a text goes one character after the other.

use super::pass::{HIGHS, ONES, SPACES, put_ends};
use crate::charset::{Charset, SYLLABLES, korean_pair};

/// Writes a text of at most 16 bytes to the beginning of its place, in which spaces are; says whether it is one and fits. What it cannot
/// write here may yet be right.
#[inline(always)]
pub(super) fn put(text: &str, charset: Charset, place: &mut [u8]) -> bool {
    let is_korean = matches!(charset, Charset::EucKr | Charset::Cp949 | Charset::Ms949);
    match text.as_bytes().as_chunks() {
        (syllables @ [_, ..], []) if is_korean && put_syllables(syllables, charset == Charset::EucKr, place) => true,
        _ => put_characters(text, charset, place),
    }
}

/// Nothing is written if one of them is none.
#[inline(always)]
fn put_syllables(syllables: &[[u8; 3]], is_strict: bool, place: &mut [u8]) -> bool {
    let mut seen = Seen { leads: 0, pairs: u64::MAX, all: u64::MAX };
    let first = four(syllables, &mut seen);
    let rest = match syllables.get(4..) {
        Some(rest @ [_, ..]) => four(rest, &mut seen),
        _ => SPACES,
    };
    let len = 2 * syllables.len();
    if !seen.is_hangul(is_strict) || len > place.len() {
        return false;
    }
    if let (9.., Some(text)) = (len, place.get_mut(..len)) {
        // What both words say is the same where they meet; there are no more than 16 bytes.
        let up = (8 * (2 * WORD - len)) & 63;
        let last = (rest << up) | (first >> 1 >> (63 - up));
        put_ends(text, [first.to_le_bytes(), last.to_le_bytes()]);
    } else if let Some(place) = place.first_chunk_mut() {
        *place = first.to_le_bytes();
    } else {
        place.iter_mut().zip(first.to_le_bytes()).for_each(|(place, byte)| *place = byte);
    }
    true
}

/// Bytes of a word.
const WORD: usize = 8;

/// What was seen of all syllables.
struct Seen {
    /// What is set in some first byte, counted from the first one that a syllable can have.
    leads: u8,
    /// What is set in the bytes of all of them.
    pairs: u64,
    /// The highest bit of a byte is set while it is 0xA1 or above, as in KS X 1001.
    all: u64,
}

impl Seen {
    /// First bytes of three in UTF-8 that syllables of Hangul have: four of them.
    const LEAD: u8 = 0xEA;
    /// Whatever is two bytes has this in the first one.
    const PAIRS: u64 = 0x0080_0080_0080_0080;

    /// Whether each is three bytes that become two.
    #[inline(always)]
    const fn is_hangul(&self, is_strict: bool) -> bool {
        self.leads < 4 && self.pairs & Self::PAIRS == Self::PAIRS && (!is_strict || self.all & HIGHS == HIGHS)
    }
}

/// The first four, spaces behind them. All four are worked on, however many there are: how long a name is the processor does not guess.
#[inline(always)]
fn four(syllables: &[[u8; 3]], seen: &mut Seen) -> u64 {
    let mut word = 0;
    let last = syllables.len().saturating_sub(1);
    for at in 0_usize..4 {
        // In place of what is not there the last one is written again, and blanked below.
        let [a, b, c] = syllables.get(at.min(last)).copied().unwrap_or_default();
        // Its lower 14 bits; what is set above them in the bytes goes with the rest.
        let code = (u16::from(a) << 12).wrapping_add(u16::from(b) << 6).wrapping_add(u16::from(c)).wrapping_sub(0x2080);
        let pair = SYLLABLES[usize::from(code & 0x3FFF)];
        seen.leads |= a.wrapping_sub(Seen::LEAD);
        word |= u64::from(pair) << (16 * at);
    }
    seen.pairs &= word;
    seen.all &= (word & !HIGHS).wrapping_add(ONES * 0x5F) & word;
    let blank = behind(u64::MAX, 2 * syllables.len().min(4));
    (word & !blank) | (SPACES & blank)
}

/// One character after the other, of one byte or two.
#[inline(never)]
fn put_characters(text: &str, charset: Charset, place: &mut [u8]) -> bool {
    let mut rest = place;
    for character in text.chars() {
        let (bytes, len) = match u8::try_from(character) {
            Ok(byte @ 0x20..=0x7E) => ([byte, 0], 1),
            _ => match korean_pair(charset, character) {
                Some(pair) => (pair.to_le_bytes(), 2),
                None => return false,
            },
        };
        let Some((place, behind)) = rest.split_at_mut_checked(len) else { return false };
        place.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        rest = behind;
    }
    true
}

/// A word moved by up to eight bytes.
#[inline(always)]
const fn behind(word: u64, bytes: usize) -> u64 {
    // In two steps, because a shift of 64 is none.
    let half = (4 * bytes) & 63;
    (word << half) << half
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec;
    use std::vec::Vec;

    use super::*;

    /// What [`Charset::encode`] makes, or nothing.
    fn check(text: &str, charset: Charset, len: usize) {
        let mut expected = Vec::new();
        let is_right = charset.encode(text, &mut expected).is_ok() && expected.len() <= len;
        expected.resize(len, b' ');
        let mut place = vec![b' '; len];
        assert_eq!(put(text, charset, &mut place), is_right, "{text:?}");
        if is_right {
            assert_eq!(place, expected, "{text:?}");
        }
    }

    #[test]
    fn every_character_is_what_the_charset_says() {
        for character in '\0'..='\u{FFFF}' {
            // The user's rows go the ordinary way.
            let is_user = ('\u{E000}'..='\u{E0BB}').contains(&character);
            for charset in [Charset::EucKr, Charset::Cp949, Charset::Ms949, Charset::Ascii] {
                if !is_user {
                    check(&String::from(character), charset, 16);
                    check(&String::from_iter(['가', character]), charset, 6);
                }
            }
        }
    }

    #[test]
    fn text_of_any_length_is_written() {
        for text in ["가나다라마바사아", "홍길동(급여)12", "뷁똠방", "１２３가", "ab", "", "가 나 다 라"]
        {
            for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
                for len in 1..=16 {
                    check(&text[..end], Charset::Cp949, len);
                    check(&text[..end], Charset::EucKr, len);
                }
            }
        }
    }
}

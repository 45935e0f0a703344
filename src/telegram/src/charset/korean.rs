//! KS X 1001 and what was put around it: euc-kr, cp949, ms949.

use alloc::string::String;
use alloc::vec::Vec;

use super::grid::{Inverse, Rows, blocks, numbers};
use super::{Charset, is_printable};
use crate::fault::Rule;

const ROWS: Rows = Rows { first: 0x81, gap: 0xFF, gap_len: 0 };
static CP949: [u16; 126 * 190] = numbers(include_bytes!("../../tables/cp949.bin"));
static INVERSE: Inverse<{ blocks(&CP949) }> = Inverse::new(&CP949, ROWS);

/// From here on both bytes of a character of KS X 1001 are.
const KS_X_1001: u8 = 0xA1;
/// Rows that are the user's, and that Java maps to U+E000 and on.
const USER_ROWS: [u8; 2] = [0xC9, 0xFE];
const USER_FIRST: u32 = 0xE000;
const USER_COLUMNS: u8 = 94;

/// Two bytes of each syllable of Hangul in cp949, the first one low, by the lower 14 bits of the character; 0 of what is none.
pub(crate) static SYLLABLES: [u16; 1 << 14] = {
    let mut all = [0; 1 << 14];
    let mut lead = ROWS.first;
    while lead < 0xFF {
        let mut trail = 0x41;
        while trail < 0xFF {
            let character = hangul(lead, trail);
            if character >= 0xAC00 && character <= 0xD7A3 {
                all[character as usize & 0x3FFF] = u16::from_le_bytes([lead, trail]);
            }
            trail += 1;
        }
        lead += 1;
    }
    all
};

/// A syllable of KS X 1001, whose 25 rows of 94 from 0xB0A1 have no hole.
pub(crate) const fn hangul(lead: u8, trail: u8) -> u16 {
    match ROWS.place(lead, trail) {
        Some(place) => CP949[place],
        None => 0,
    }
}

#[inline]
pub(super) fn decode(charset: Charset, bytes: &[u8], out: &mut String) -> Result<(), Rule> {
    // No character has more than three bytes in UTF-8.
    out.reserve(bytes.len() + bytes.len() / 2);
    let lowest = if charset == Charset::EucKr { KS_X_1001 } else { 0 };
    let mut rest = bytes;
    loop {
        match rest {
            [lead, trail, behind @ ..] if *lead >= 0x80 => {
                let place = ROWS.place(*lead, *trail);
                let found = place.and_then(|place| CP949.get(place)).copied().unwrap_or(0);
                let character = match char::from_u32(u32::from(found)) {
                    Some(character) if found != 0 && *lead >= lowest && *trail >= lowest => character,
                    _ => rare(charset, *lead, *trail)?,
                };
                out.push(character);
                rest = behind;
            }
            [byte, behind @ ..] if is_printable(*byte) => {
                out.push(char::from(*byte));
                rest = behind;
            }
            [] => return Ok(()),
            [0x81..=0xFE] => return Err(Rule::HalfCharacter),
            _ => return Err(Rule::NotText),
        }
    }
}

/// What the table does not have: the user's rows, or what is wrong.
#[cold]
fn rare(charset: Charset, lead: u8, trail: u8) -> Result<char, Rule> {
    if charset == Charset::Ms949
        && let Some(row) = USER_ROWS.iter().position(|row| *row == lead)
        && (KS_X_1001..=0xFE).contains(&trail)
    {
        let place = u32::try_from(row).unwrap_or(0) * u32::from(USER_COLUMNS) + u32::from(trail - KS_X_1001);
        return char::from_u32(USER_FIRST + place).ok_or(Rule::NotText);
    }
    // What follows a half character in a padded field is the padding.
    if (0x81..=0xFE).contains(&lead) && trail == b' ' { Err(Rule::HalfCharacter) } else { Err(Rule::NotText) }
}

/// `Err` has the place of the first character that cannot be written, counted in characters from 0.
#[inline]
pub(super) fn encode(charset: Charset, text: &str, out: &mut Vec<u8>) -> Result<(), (usize, char)> {
    // No character has more bytes here than in UTF-8.
    out.reserve(text.len());
    for (at, character) in text.chars().enumerate() {
        match u8::try_from(character) {
            Ok(byte) if is_printable(byte) => out.push(byte),
            _ => match INVERSE.code(character).or_else(|| user(charset, character)) {
                Some([lead, trail]) if charset != Charset::EucKr || (lead >= KS_X_1001 && trail >= KS_X_1001) => {
                    out.extend_from_slice(&[lead, trail]);
                }
                _ => return Err((at, character)),
            },
        }
    }
    Ok(())
}

/// Two bytes of a character, the first one low, if it has two and is not the user's.
#[inline]
pub(crate) fn korean_pair(charset: Charset, character: char) -> Option<u16> {
    let [lead, trail] = match charset {
        Charset::EucKr | Charset::Cp949 | Charset::Ms949 => INVERSE.code(character)?,
        _ => return None,
    };
    let is_strict = charset != Charset::EucKr || (lead >= KS_X_1001 && trail >= KS_X_1001);
    is_strict.then(|| u16::from_le_bytes([lead, trail]))
}

#[cold]
fn user(charset: Charset, character: char) -> Option<[u8; 2]> {
    let place = u32::from(character).checked_sub(USER_FIRST).filter(|_| charset == Charset::Ms949)?;
    let row = USER_ROWS.get(usize::try_from(place / u32::from(USER_COLUMNS)).ok()?)?;
    Some([*row, KS_X_1001 + u8::try_from(place % u32::from(USER_COLUMNS)).ok()?])
}

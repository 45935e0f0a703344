//! Korean EBCDIC: bytes of one page, and runs of two-byte characters between SO and SI.

use alloc::string::String;
use alloc::vec::Vec;

use super::grid::{Inverse, Rows, blocks, numbers};
use super::{Charset, ebcdic};
use crate::fault::Rule;

pub(super) const SO: u8 = 0x0E;
pub(crate) const SI: u8 = 0x0F;

const ROWS: Rows = Rows { first: 0x41, gap: 0x6D, gap_len: 0x84 - 0x6D };
static EBCDIC_1364: [u16; 134 * 190] = numbers(include_bytes!("../../tables/ebcdic-1364.bin"));
static INVERSE: Inverse<{ blocks(&EBCDIC_1364) }> = Inverse::new(&EBCDIC_1364, ROWS);
/// A bit for each place of the table: whether 933 has its character, too.
static EBCDIC_933: [u8; 3_183] = *include_bytes!("../../tables/ebcdic-933.bin");

/// The one character in no row.
const WIDE_SPACE: (char, [u8; 2]) = ('\u{3000}', [0x40, 0x40]);

fn has(charset: Charset, place: usize) -> bool {
    charset == Charset::Ebcdic1364 || EBCDIC_933.get(place / 8).is_some_and(|bits| bits >> (place % 8) & 1 == 1)
}

/// The character of two bytes in a run.
#[inline]
fn character(charset: Charset, code: [u8; 2]) -> Option<char> {
    if code == WIDE_SPACE.1 {
        return Some(WIDE_SPACE.0);
    }
    let place = ROWS.place(code[0], code[1])?;
    let found = EBCDIC_1364.get(place).copied().filter(|found| *found != 0 && has(charset, place))?;
    char::from_u32(u32::from(found))
}

fn code(charset: Charset, character: char) -> Option<[u8; 2]> {
    if character == WIDE_SPACE.0 {
        return Some(WIDE_SPACE.1);
    }
    let code @ [lead, trail] = INVERSE.code(character)?;
    has(charset, ROWS.place(lead, trail)?).then_some(code)
}

/// Reads as long as the bytes are as [`encode`] writes them; `loose` lets runs be empty or stand side by side.
pub(super) fn decode(charset: Charset, bytes: &[u8], loose: bool, out: &mut String) -> Result<(), Rule> {
    out.reserve(bytes.len() + bytes.len() / 2);
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match *first {
            SO => rest = run(charset, behind, loose, out)?,
            SI => return Err(Rule::StrayShift),
            byte => out.push(ebcdic::character(charset, byte).ok_or(Rule::NotText)?),
        }
    }
    Ok(())
}

/// Reads what stands behind SO, and gives what stands behind its SI.
fn run<'b>(charset: Charset, bytes: &'b [u8], loose: bool, out: &mut String) -> Result<&'b [u8], Rule> {
    let mut rest = bytes;
    loop {
        match rest {
            [SI, behind @ ..] => {
                let split = rest.len() == bytes.len() || behind.first() == Some(&SO);
                return if split && !loose { Err(Rule::BrokenRun) } else { Ok(behind) };
            }
            [] => return Err(Rule::UnclosedRun),
            [SO, ..] => return Err(Rule::StrayShift),
            [_] | [_, SO | SI, ..] => return Err(Rule::HalfCharacter),
            [lead, trail, behind @ ..] => {
                out.push(character(charset, [*lead, *trail]).ok_or(Rule::NotText)?);
                rest = behind;
            }
        }
    }
}

/// `Err` has the place of the first character that cannot be written, counted in characters from 0.
pub(super) fn encode(charset: Charset, text: &str, out: &mut Vec<u8>) -> Result<(), (usize, char)> {
    let mut in_run = false;
    for (at, character) in text.chars().enumerate() {
        if let Some(byte) = ebcdic::byte(charset, character) {
            if in_run {
                out.push(SI);
            }
            in_run = false;
            out.push(byte);
        } else {
            let code = code(charset, character).ok_or((at, character))?;
            if !in_run {
                out.push(SO);
            }
            in_run = true;
            out.extend_from_slice(&code);
        }
    }
    if in_run {
        out.push(SI);
    }
    Ok(())
}

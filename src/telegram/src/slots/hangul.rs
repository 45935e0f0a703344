//! Syllables of KS X 1001 as UTF-8, four at a time. What else there is in a text goes the ordinary way.

use alloc::vec::Vec;

use crate::charset::hangul;

/// Rows begin at 0xB0, columns at 0xA1.
const ROWS: u8 = 25;
const COLUMNS: u8 = 94;

/// Three bytes of UTF-8 for each syllable, the first one lowest: the row in the upper 5 bits of an index of 12, the column in the lower 7.
static UTF8: [u32; 1 << 12] = {
    let mut all = [0; 1 << 12];
    let mut row = 0;
    while row < ROWS {
        let mut column = 0;
        while column < COLUMNS {
            let character = hangul(0xB0 + row, 0xA1 + column) as u32;
            let [a, b, c] = [0xE0 | character >> 12, 0x80 | character >> 6 & 0x3F, 0x80 | character & 0x3F];
            all[(row as usize) << 7 | (0x21 + column as usize)] = a | b << 8 | c << 16;
            column += 1;
        }
        row += 1;
    }
    all
};

/// Bytes of UTF-8 of a syllable.
const SYLLABLE: usize = 3;
/// Four syllables, and a byte that is written beside the last one.
const ROOM: usize = 4 * SYLLABLE + 1;

/// Writes up to eight syllables, two bytes each, the first one lowest, behind what `out` holds. All four of a word are worked on, however
/// many there are: how long a name is the processor does not guess.
#[inline(always)]
pub(super) fn push([first, rest]: [u64; 2], syllables: u32, out: &mut Vec<u8>) {
    let end = out.len() + syllables as usize * SYLLABLE;
    out.extend_from_slice(&four(first));
    if syllables > 4 {
        out.truncate(out.len() - 1);
        out.extend_from_slice(&four(rest));
    }
    out.truncate(end);
}

#[inline(always)]
fn four(pairs: u64) -> [u8; ROOM] {
    const LANES: u64 = 0x0001_0001_0001_0001;
    // 0xB0 is 0x10 of the lower five bits, 0xC0 is 0.
    let rows = (pairs & (LANES * 0x1F)) ^ (LANES * 0x10);
    let places = rows << 7 | (pairs >> 8) & (LANES * 0x7F);
    let mut utf8 = [0; ROOM];
    for at in 0..4 {
        let place = (places >> (16 * at)) & 0xFFF;
        utf8[at * SYLLABLE..at * SYLLABLE + 4].copy_from_slice(&UTF8[place as usize].to_le_bytes());
    }
    utf8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_syllable_is_what_the_charset_says() {
        for row in 0xB0..=0xC8 {
            for column in 0xA1..=0xFE {
                let mut out = Vec::new();
                let pair = u64::from(u16::from_le_bytes([row, column]));
                push([pair, pair << 16], 6, &mut out);
                let bytes = &[row, column];
                let expected = crate::charset::Charset::EucKr.decode(bytes).unwrap();
                assert_eq!(&out[..3], expected.as_bytes());
                assert_eq!(&out[15..], expected.as_bytes());
            }
        }
    }
}

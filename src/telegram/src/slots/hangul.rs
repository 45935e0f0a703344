//! Syllables of KS X 1001: told from anything else, and made UTF-8, eight at a time.

use wide::bytemuck::cast;
use wide::u16x8;

use super::window::{self, Window};
use crate::charset::hangul;

/// Rows begin at 0xB0, columns at 0xA1.
const ROWS: u8 = 25;
const COLUMNS: u8 = 94;

/// Which bytes are one of a syllable, if syllables begin at even places (or at odd ones): 25 rows of 94 columns have no hole.
#[inline(always)]
pub(super) fn parts(window: Window, begins_odd: bool) -> u32 {
    static LOWEST: [Window; 2] = [alternating(0xB0, 0xA1), alternating(0xA1, 0xB0)];
    static ABOVE: [Window; 2] = [alternating(ROWS - 1, COLUMNS - 1), alternating(COLUMNS - 1, ROWS - 1)];
    let turn = usize::from(begins_odd);
    window::within(window, LOWEST[turn], ABOVE[turn])
}

const fn alternating(a: u8, b: u8) -> Window {
    Window::new([a, b, a, b, a, b, a, b, a, b, a, b, a, b, a, b])
}

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
pub(super) const SYLLABLE: u32 = 3;
/// Room for the text of a window.
pub(super) const ROOM: usize = 32;

/// Writes the syllables of a field, which begins `shift` bytes behind its window and is as long as `len`. Spaces become something, too,
/// so that nobody has to guess how long a name is.
#[inline(always)]
pub(super) fn write(window: Window, shift: u32, len: u32, out: &mut [u8; ROOM]) {
    let pairs = cast::<Window, u128>(window).to_le().unbounded_shr(8 * shift).to_le_bytes();
    let pairs = u16x8::new(cast::<[u8; 16], [u16; 8]>(pairs).map(u16::to_le));
    // 0xB0 is 0x10 of the lower five bits, 0xC0 is 0.
    let rows = (pairs & u16x8::splat(0x1F)) ^ u16x8::splat(0x10);
    let columns = (pairs >> 8_u32) & u16x8::splat(0x7F);
    let places = ((rows << 7_u32) | columns).to_array();
    let (first, rest) = places.split_at(4);
    four(first, out, 0);
    if len > 8 {
        four(rest, out, 4 * SYLLABLE as usize);
    }
}

#[inline(always)]
fn four(places: &[u16], out: &mut [u8; ROOM], at: usize) {
    for (place, from) in places.iter().zip((at..).step_by(SYLLABLE as usize)) {
        out[from..from + 4].copy_from_slice(&UTF8[usize::from(*place & 0xFFF)].to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charset::Charset;

    #[test]
    fn every_syllable_is_what_the_charset_says() {
        for row in 0xB0..=0xC8 {
            for column in 0xA1..=0xFE {
                let pair = [row, column];
                let expected = Charset::EucKr.decode(&pair).unwrap();
                for (at, shift) in [(0, 0), (14, 0), (5, 1), (13, 3)] {
                    let mut bytes = [b' '; 16];
                    bytes[at..at + 2].copy_from_slice(&pair);
                    let mut out = [0; ROOM];
                    write(Window::new(bytes), shift, 16 - shift, &mut out);
                    let place = (at - shift as usize) / 2 * 3;
                    assert_eq!(&out[place..place + 3], expected.as_bytes());
                }
            }
        }
    }

    #[test]
    fn nothing_else_is_part_of_one() {
        for byte in 0..=u8::MAX {
            let window = Window::splat(byte);
            let row = if (0xB0..=0xC8).contains(&byte) { 0x5555 } else { 0 };
            let column = if (0xA1..=0xFE).contains(&byte) { 0xAAAA } else { 0 };
            assert_eq!(parts(window, false), row | column, "{byte:02x}");
            assert_eq!(parts(window, true), row << 1 | column >> 1, "{byte:02x}");
        }
    }
}

//! Sixteen bytes at once, which every processor that matters can do; [`wide`] is its safe name.

use wide::bytemuck::cast;
use wide::{i16x8, i32x4, u8x16, u16x8};

/// Sixteen bytes of a telegram.
pub(super) type Window = u8x16;
/// How many bytes a window has.
pub(super) const LEN: u32 = 16;

/// The bytes from a place on, if they are there.
#[inline(always)]
pub(super) fn at(bytes: &[u8], from: u32) -> Option<Window> {
    let from = from as usize;
    bytes.get(from..from + LEN as usize).and_then(<[u8]>::first_chunk).copied().map(Window::new)
}

/// The first bytes, moved up by so many bits: zeros come before them, and as many bits of the last ones are left out. Not through memory,
/// where the processor would wait for what it has just written.
#[inline(always)]
pub(super) fn moved_up(bytes: &[u8], bits: u32) -> Option<Window> {
    let moved = u128::from_le_bytes(*bytes.first_chunk()?) << (bits & 127);
    Some(Window::new(moved.to_le_bytes()))
}

/// A bit for each byte that is the same, the first one lowest.
#[inline(always)]
pub(super) fn same(window: Window, byte: u8) -> u32 {
    window.simd_eq(Window::splat(byte)).to_bitmask()
}

/// A bit for each byte that is not below 0x80.
#[inline(always)]
pub(super) fn high(window: Window) -> u32 {
    window.to_bitmask()
}

/// A bit for each byte from its `lowest` on that is at most `above` above it.
#[inline(always)]
pub(super) fn within(window: Window, lowest: Window, above: Window) -> u32 {
    same((window - lowest).saturating_sub(above), 0)
}

/// The number that sixteen digits are, each in its byte.
#[inline(always)]
pub(super) fn joined(digits: Window) -> u64 {
    joined_two(digits, digits)[0]
}

/// The same of two windows, for which half of the work is the work for one.
#[inline(always)]
pub(super) fn joined_two(a: Window, b: Window) -> [u64; 2] {
    if cfg!(target_endian = "big") {
        return [a, b].map(|digits| digits.to_array().iter().fold(0, |number, digit| number * 10 + u64::from(*digit)));
    }
    let fours = i16x8::from_i32x8_saturate(cast([fours(a), fours(b)]));
    let eights = fours.dot(i16x8::new([10_000, 1, 10_000, 1, 10_000, 1, 10_000, 1]));
    // The first eight digits of each are in the lower half of a word.
    let eights: [u64; 2] = cast(eights);
    eights.map(|eights| (eights & 0xFFFF_FFFF).wrapping_mul(100_000_000).wrapping_add(eights >> 32))
}

/// Numbers of four digits.
#[inline(always)]
fn fours(digits: Window) -> i32x4 {
    // The first digit of each pair times 10, and the second one, meet in the upper byte of what the multiplication keeps.
    let twos: u16x8 = cast(cast::<Window, i16x8>(digits) * i16x8::splat(10 * 256 + 1));
    cast::<u16x8, i16x8>(twos >> 8_u32).dot(i16x8::new([100, 1, 100, 1, 100, 1, 100, 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_become_numbers() {
        for number in [0, 1, 9, 10, 12_345_678, 1_234_567_890_123_456, 9_999_999_999_999_999, 9_000_000_190_000_001] {
            let text = std::format!("{number:016}");
            assert_eq!(joined(at(text.as_bytes(), 0).unwrap() & Window::splat(0x0F)), number);
            assert_eq!(joined(moved_up(text.as_bytes(), 6 * 8).unwrap() & Window::splat(0x0F)), number / 1_000_000);
        }
    }

    #[test]
    fn every_byte_is_judged_in_every_place() {
        for at in 0..16 {
            for byte in 0..=u8::MAX {
                let mut bytes = [b'5'; 16];
                bytes[at] = byte;
                let bit = 1 << at;
                let window = Window::new(bytes);
                assert_eq!(same(window, 0x20) == bit, byte == 0x20);
                assert_eq!(high(window) == bit, byte >= 0x80);
                let digits = within(window, Window::splat(b'0'), Window::splat(9));
                assert_eq!(digits, if byte.is_ascii_digit() { 0xFFFF } else { 0xFFFF ^ bit });
            }
        }
    }
}

//! Eight bytes at once. The first byte is the lowest.

pub(super) const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES * 0x80;
pub(super) const SPACES: u64 = ONES * 0x20;
pub(super) const ZEROS: u64 = ONES * 0x30;

/// Eight bytes from a place; zeros, which no kind allows, if they are not there.
#[inline(always)]
pub(super) fn load(bytes: &[u8], from: u32) -> u64 {
    let from = from as usize;
    match bytes.get(from..from + 8).and_then(<[u8]>::first_chunk) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => 0,
    }
}

/// The same of sixteen bytes.
#[inline(always)]
pub(super) fn load_two(bytes: &[u8], from: u32) -> [u64; 2] {
    let from = from as usize;
    match bytes.get(from..from + 16).map(<[u8]>::as_chunks) {
        Some(([first, last], _)) => [u64::from_le_bytes(*first), u64::from_le_bytes(*last)],
        _ => [0; 2],
    }
}

/// The highest bit of some byte is set if one of them is above 9.
#[inline(always)]
pub(super) const fn not_digits(digits: u64) -> u64 {
    (digits.wrapping_add(ONES * 0x76) | digits) & HIGHS
}

/// The number that eight digits are, each in its byte: pairs are joined to numbers of two, four and eight digits inside of one word.
#[inline(always)]
pub(super) const fn joined(digits: u64) -> u64 {
    let twos = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = (twos.wrapping_mul(1 + (100 << 16)) >> 16) & 0x0000_FFFF_0000_FFFF;
    fours.wrapping_mul(1 + (10_000 << 32)) >> 32
}

/// The highest bit of each byte that is no printable ASCII.
#[inline(always)]
pub(super) const fn not_printable(text: u64) -> u64 {
    // Without their highest bits no byte carries into the next: 0x20 and above reach 0x80, and only 0x7F does so by 1.
    let low = text & (ONES * 0x7F);
    (text | !(low + ONES * 0x60) | (low + ONES)) & HIGHS
}

/// The same of two words, when it does not matter in which one.
#[inline(always)]
pub(super) const fn not_printable_two(a: u64, b: u64) -> u64 {
    let (low_a, low_b) = (a & (ONES * 0x7F), b & (ONES * 0x7F));
    let from_space = (low_a + ONES * 0x60) & (low_b + ONES * 0x60);
    (a | b | !from_space | (low_a + ONES) | (low_b + ONES)) & HIGHS
}

/// Whole bytes are set that are not part of a syllable of KS X 1001, whose 25 rows of 94 have no hole: 0xB0 to 0xC8, then 0xA1 to 0xFE.
/// `turn` is 0 if syllables begin in the lowest byte, 8 if in the one above it.
#[inline(always)]
pub(super) const fn not_hangul(pairs: u64, turn: u32) -> u64 {
    const PAIRS: u64 = 0x0001_0001_0001_0001;
    const BELOW: u64 = PAIRS * 0x5F50;
    const ABOVE: u64 = PAIRS * 0x0137;
    let low = pairs & (ONES * 0x7F);
    (!pairs | !(low + BELOW.rotate_left(turn)) | (low + ABOVE.rotate_left(turn))) & HIGHS
}

/// Whether some pair of bytes is neither such a syllable nor two spaces, of which the lower byte of each pair comes first. `text` differs
/// from spaces in what is set.
#[inline(always)]
pub(super) const fn has_no_hangul(text: u64) -> bool {
    const PAIRS: u64 = 0x0001_0001_0001_0001;
    let wrong = not_hangul(text ^ SPACES, 0);
    let is_filled = ((text & (PAIRS * 0x7FFF)) + PAIRS * 0x7FFF) | text;
    (wrong | wrong << 8) & is_filled & (PAIRS * 0x8000) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_judged_in_every_place() {
        for at in 0..8 {
            for byte in 0..=u8::MAX {
                let with = |fill: u8| {
                    let mut bytes = [fill; 8];
                    bytes[at] = byte;
                    u64::from_le_bytes(bytes)
                };
                assert_eq!(not_printable(with(b'a')) == 0, (0x20..=0x7E).contains(&byte), "{byte:02x}");
                assert_eq!(not_digits(with(0)) == 0, byte <= 9, "{byte:02x}");
                assert_eq!(not_digits(with(9)) == 0, byte <= 9, "{byte:02x}");
                let hangul = u64::from_le_bytes(*b"\xB0\xA1\xB0\xA1\xC8\xFE\xC8\xFE");
                let mut bytes = hangul.to_le_bytes();
                bytes[at] = byte;
                let is_hangul = if at % 2 == 0 { (0xB0..=0xC8).contains(&byte) } else { (0xA1..=0xFE).contains(&byte) };
                assert_eq!(not_hangul(u64::from_le_bytes(bytes), 0) == 0, is_hangul, "{byte:02x} at {at}");
            }
        }
    }

    #[test]
    fn digits_become_numbers() {
        for number in [0, 1, 9, 10, 12_345_678, 99_999_999, 90_000_001, 100_200] {
            let digits = u64::from_le_bytes(*std::format!("{number:08}").as_bytes().first_chunk().unwrap()) ^ ZEROS;
            assert_eq!(joined(digits), number);
        }
    }
}

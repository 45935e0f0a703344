//! Eight bytes at once. The first byte is the lowest.

pub(super) const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES * 0x80;
pub(super) const SPACES: u64 = ONES * 0x20;
pub(super) const ZEROS: u64 = ONES * 0x30;

/// The highest bit of each byte that is no printable ASCII.
#[inline(always)]
pub(super) const fn not_printable(text: u64) -> u64 {
    // Without their highest bits no byte carries into the next: 0x20 and above reach 0x80, and only 0x7F does so by 1.
    let low = text & (ONES * 0x7F);
    (text | !(low + ONES * 0x60) | (low + ONES)) & HIGHS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_judged_in_every_place() {
        for at in 0..8 {
            for byte in 0..=u8::MAX {
                let mut bytes = [b'a'; 8];
                bytes[at] = byte;
                assert_eq!(not_printable(u64::from_le_bytes(bytes)) == 0, (0x20..=0x7E).contains(&byte), "{byte:02x}");
            }
        }
    }
}

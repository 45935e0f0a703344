//! Numbers as digits, eight or sixteen at once.

use wide::bytemuck::cast;
use wide::{u16x8, u32x4};

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Eight digits of a number below 10^8 as ASCII, the first one lowest; of a larger one, anything.
#[inline(always)]
pub(super) const fn eight_apart(number: u64) -> u64 {
    let fours = fours_apart(number);
    let left = (fours.wrapping_mul(5_243) >> 19) & 0x0000_007F_0000_007F;
    let twos = (fours << 16).wrapping_sub(left.wrapping_mul((100 << 16) - 1));
    let left = (twos.wrapping_mul(103) >> 10) & 0x000F_000F_000F_000F;
    (twos << 8).wrapping_sub(left.wrapping_mul((10 << 8) - 1)) | ZEROS
}

/// The first four digits as a number, and above it the last four.
#[inline(always)]
const fn fours_apart(number: u64) -> u64 {
    let quotient = number.wrapping_mul(3_518_437_209) >> 45;
    // What is left goes above the quotient: (n << k) - q * ((d << k) - 1) is q | (n - q * d) << k; and so it goes on.
    (number << 32).wrapping_sub(quotient.wrapping_mul((10_000 << 32) - 1))
}

/// The same of two numbers.
#[inline(always)]
pub(super) fn sixteen_apart(a: u64, b: u64) -> [u64; 2] {
    let fours: u16x8 = cast([fours_apart(a), fours_apart(b)]);
    // Each of these has a number of four digits, and nothing above it.
    let quotients = fours.mul_keep_high(u16x8::splat(5_243)) >> 3_u32;
    let left = fours - quotients * u16x8::splat(100);
    let twos = quotients | cast::<_, u16x8>(cast::<_, u32x4>(left) << 16_u32);
    let quotients = twos.mul_keep_high(u16x8::splat(6_554));
    let left = twos - quotients * u16x8::splat(10);
    cast(quotients | left << 8_u32 | u16x8::splat(0x3030))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_digits() {
        let ends = (0..8).flat_map(|digits| [10_u64.pow(digits), 10_u64.pow(digits) * 9, 10_u64.pow(digits + 1) - 1]);
        for number in (0..10_000).chain((0..100_000_000).step_by(9_973)).chain(ends) {
            let expected = std::format!("{number:08}");
            assert_eq!(eight_apart(number).to_le_bytes(), expected.as_bytes());
            let other = 99_999_999 - number;
            assert_eq!(sixteen_apart(number, other), [number, other].map(eight_apart));
        }
    }
}

use serde::{Deserialize, Serialize};

/// A length of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameLength {
    /// How it is written.
    pub notation: Notation,
    /// Its own bytes: 1 to 10 digits, 2 or 4 binary, 1 to 5 of BCD.
    pub width: u8,
    /// How many bytes more than the telegram has it says: 0 if it counts the telegram alone, its width if it counts itself, too. Less
    /// than 0 for one inside of the telegram that counts only what stands from a place on.
    pub more: i32,
}

/// How a length is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Notation {
    /// ASCII digits, right-aligned, zeros before: "0300".
    Ascii,
    /// Binary, the most significant byte first: 01 2C.
    Big,
    /// Binary, the least significant byte first: 2C 01.
    Little,
    /// Two digits in a byte, zeros before: 03 00.
    Bcd,
}

impl FrameLength {
    pub(super) const fn has_width(self) -> bool {
        match self.notation {
            Notation::Ascii => matches!(self.width, 1..=10),
            Notation::Big | Notation::Little => matches!(self.width, 2 | 4),
            Notation::Bcd => matches!(self.width, 1..=5),
        }
    }

    /// The largest number that it can say.
    pub(super) fn largest(self) -> i64 {
        let (base, places) = match self.notation {
            Notation::Ascii => (10_i64, self.width),
            Notation::Big | Notation::Little => (256, self.width),
            Notation::Bcd => (100, self.width),
        };
        base.checked_pow(u32::from(places)).map_or(i64::MAX, |beyond| beyond - 1)
    }

    /// Writes it for a telegram of so many bytes, which are no more than it can say: no framing writes a longer one.
    pub(super) fn write(self, telegram_bytes: u32, place: &mut [u8]) {
        let says = i64::from(telegram_bytes).saturating_add(i64::from(self.more));
        let mut rest = u64::try_from(says).unwrap_or(0);
        let mut digit = || {
            let digit = rest % 10;
            rest /= 10;
            u8::try_from(digit).unwrap_or(0)
        };
        match self.notation {
            Notation::Ascii => place.iter_mut().rev().for_each(|byte| *byte = b'0' + digit()),
            Notation::Bcd => place.iter_mut().rev().for_each(|byte| *byte = digit() | digit() << 4),
            Notation::Big => place.iter_mut().rev().zip(rest.to_le_bytes()).for_each(|(to, byte)| *to = byte),
            Notation::Little => place.iter_mut().zip(rest.to_le_bytes()).for_each(|(to, byte)| *to = byte),
        }
    }

    /// What it says; `None` if it is not a number.
    pub(super) fn read(self, bytes: &[u8]) -> Option<u64> {
        match self.notation {
            Notation::Ascii => number(bytes.iter().map(|byte| byte.wrapping_sub(b'0')), 10),
            Notation::Big => number(bytes.iter().copied(), 256),
            Notation::Little => number(bytes.iter().rev().copied(), 256),
            Notation::Bcd => number(bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]), 10),
        }
    }
}

/// A number by its digits; `None` if one is none.
fn number(mut digits: impl Iterator<Item = u8>, base: u64) -> Option<u64> {
    digits.try_fold(0_u64, |all, digit| (u64::from(digit) < base).then(|| all * base + u64::from(digit)))
}

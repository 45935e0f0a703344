//! Which byte may stand where, for a whole telegram at once.

use alloc::vec;
use alloc::vec::Vec;

use super::window::{self, Window};
use crate::field::Slice;

/// What the bytes of a field may be: without the bits that are not in the mask, from the lowest on, at most so far above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    mask: u8,
    lowest: u8,
    above: u8,
}

impl Class {
    const ANY: Self = Self { mask: 0, lowest: 0, above: 0 };
    pub(super) const DIGIT: Self = Self { mask: 0xFF, lowest: b'0', above: 9 };
    /// '+' and '-', and ',', which stands between them.
    pub(super) const SIGN: Self = Self { mask: 0xFF, lowest: b'+', above: 2 };
    pub(super) const PRINTABLE: Self = Self { mask: 0xFF, lowest: b' ', above: 0x7E - b' ' };
    /// The same, and what the bytes of KS X 1001 are; which ones make a character is another question.
    pub(super) const KOREAN: Self = Self { mask: 0x7F, ..Self::PRINTABLE };
}

/// The classes of all bytes of a telegram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Classes {
    /// Of sixteen bytes each, as many as there are.
    windows: Vec<Classed>,
    /// Of the last sixteen, whichever they are.
    last: Classed,
    len: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Classed {
    mask: Window,
    lowest: Window,
    above: Window,
}

impl Classes {
    /// The classes of a telegram of so many bytes, of which some fields have one; all of them are [`Class::ANY`] if there are fewer than
    /// sixteen.
    pub(super) fn new(len: u32, fields: &[(Slice, Class)]) -> Self {
        let len = len as usize;
        let mut bytes = vec![Class::ANY; len];
        for (at, class) in fields {
            bytes.get_mut(at.range()).unwrap_or_default().fill(*class);
        }
        let (windows, _) = bytes.as_chunks();
        Self {
            windows: windows.iter().map(Classed::new).collect(),
            last: Classed::new(bytes.last_chunk().unwrap_or(&[Class::ANY; 16])),
            len,
        }
    }

    /// The bytes of the telegram, if there are so many.
    #[inline(always)]
    pub(super) fn bytes<'b>(&self, telegram: &'b [u8]) -> Option<&'b [u8]> {
        telegram.get(..self.len)
    }

    /// Whether so many bytes are each of their class.
    #[inline(always)]
    pub(super) fn hold(&self, bytes: &[u8]) -> bool {
        let Some(end) = bytes.last_chunk() else { return true };
        let (chunks, _) = bytes.as_chunks();
        let mut wrong = self.last.wrong(end);
        // Four at a time, so that the loop itself costs less.
        let ((fours, left), (windows, windows_left)) = (chunks.as_chunks::<4>(), self.windows.as_chunks::<4>());
        for (windows, chunks) in windows.iter().zip(fours) {
            windows.iter().zip(chunks).for_each(|(window, bytes)| wrong |= window.wrong(bytes));
        }
        windows_left.iter().zip(left).for_each(|(window, bytes)| wrong |= window.wrong(bytes));
        window::same(wrong, 0) == 0xFFFF
    }
}

impl Classed {
    fn new(bytes: &[Class; 16]) -> Self {
        let window = |part: fn(&Class) -> u8| Window::new(bytes.each_ref().map(part));
        Self {
            mask: window(|class| class.mask),
            lowest: window(|class| class.lowest),
            above: window(|class| class.above),
        }
    }

    #[inline(always)]
    fn wrong(&self, bytes: &[u8; 16]) -> Window {
        ((Window::new(*bytes) & self.mask) - self.lowest).saturating_sub(self.above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_asked_wherever_it_stands() {
        for len in [16_u32, 17, 31, 32, 33, 48] {
            for at in 0..len {
                let field = |class| Classes::new(len, &[(Slice { offset: at, len: 1 }, class)]);
                let classes = [
                    (field(Class::DIGIT), &(|byte: u8| byte.is_ascii_digit()) as &dyn Fn(u8) -> bool),
                    (field(Class::SIGN), &|byte| b"+,-".contains(&byte)),
                    (field(Class::PRINTABLE), &|byte| (0x20..=0x7E).contains(&byte)),
                    (field(Class::KOREAN), &|byte| (0x20..=0x7E).contains(&(byte & 0x7F))),
                ];
                for (classes, is_right) in classes {
                    for byte in 0..=u8::MAX {
                        let mut bytes = vec![0; len as usize];
                        bytes[at as usize] = byte;
                        assert_eq!(classes.hold(&bytes), is_right(byte), "{byte:02x} at {at} of {len}");
                    }
                }
            }
        }
    }
}

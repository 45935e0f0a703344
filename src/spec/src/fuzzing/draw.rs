//! Choices, and what is made of them.

/// Bytes from which choices are drawn, one after the other; noughts when they are used up, so that choice 0 must lead to an end.
#[derive(Debug)]
pub(super) struct Draw<'d>(&'d [u8]);

impl<'d> Draw<'d> {
    pub(super) const fn new(bytes: &'d [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// A number from 0, below the limit.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        let number =
            if limit > 0xFF { usize::from(self.byte()) << 8 | usize::from(self.byte()) } else { self.byte().into() };
        number.checked_rem(limit).unwrap_or(0)
    }

    /// True once in so many times; false when the bytes are used up.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) + 1 == times
    }

    pub(super) fn one_of<'o, T>(&mut self, of: &'o [T]) -> &'o T {
        let at = self.below(of.len());
        of.get(at).expect("there is something to choose from")
    }

    /// One of several words.
    pub(super) fn word(&mut self, of: &[&'static str]) -> &'static str {
        self.one_of::<&str>(of)
    }

    /// A number of at most so many digits.
    pub(super) fn number(&mut self, digits: u32) -> u128 {
        let digits = self.below(digits as usize + 1);
        (0..digits).fold(0, |number, _| number * 10 + self.below(10) as u128)
    }
}

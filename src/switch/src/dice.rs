use serde::{Deserialize, Serialize};

/// The only source of randomness of a core: a seed in, the same numbers out (SplitMix64, Steele and others 2014).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number.
    pub(crate) const fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A word that is none of its numbers, and follows from where it stands as they do.
    pub(crate) const fn secret(&self) -> u64 {
        Self { state: !self.state }.roll()
    }

    /// A number from 0 to `most`, both included.
    pub(crate) const fn up_to(&mut self, most: u64) -> u64 {
        match most.checked_add(1) {
            Some(sides) => self.roll() % sides,
            None => self.roll(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_row_of_numbers() {
        let (mut a, mut b, mut c) = (Dice::new(7), Dice::new(7), Dice::new(8));
        let row: [u64; 4] = core::array::from_fn(|_| a.roll());
        assert_eq!(row, core::array::from_fn(|_| b.roll()));
        assert_ne!(row, core::array::from_fn(|_| c.roll()));
        assert!((0..1_000).all(|_| a.up_to(3) <= 3));
        assert_eq!(a.up_to(0), 0);
    }
}

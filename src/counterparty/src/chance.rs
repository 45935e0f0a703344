use core::time::Duration;

/// Seeded choice. The same seed and the same telegram give the same choices, whatever came before it: a run over real sockets,
/// where the order is the network's, can be repeated too.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// For one decision about `what` (such as a key), the `nth` time.
    pub(crate) fn about(seed: u64, what: &[u8], nth: u64) -> Self {
        // FNV-1a, then mixed by `next`.
        let mut state = 0xcbf2_9ce4_8422_2325_u64 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in what.iter().copied().chain(nth.to_le_bytes()) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Self(state)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to but not including `end`; 0 if `end` is 0.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.next() % end }
    }

    /// One of several, each as likely as its weight says; `None` if all weights are 0.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> Option<usize> {
        let total: u64 = weights.clone().map(u64::from).sum();
        let mut left = self.below(total);
        for (at, weight) in weights.enumerate() {
            let weight = u64::from(weight);
            if left < weight {
                return Some(at);
            }
            left -= weight;
        }
        None
    }

    /// A span between two, both included.
    pub(crate) fn between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let width = u64::try_from(longest.saturating_sub(shortest).as_micros()).unwrap_or(u64::MAX - 1);
        if width == 0 { shortest } else { shortest + Duration::from_micros(self.below(width.saturating_add(1))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_telegram_has_the_same_fate() {
        let fate = |seed, nth| Chance::about(seed, b"20261121 004 000001", nth).next();
        assert_eq!(fate(7, 1), fate(7, 1));
        assert_ne!(fate(7, 1), fate(8, 1));
        assert_ne!(fate(7, 1), fate(7, 2));
    }

    #[test]
    fn weights_are_kept() {
        let mut counts = [0_u32; 3];
        for nth in 0..10_000 {
            let chosen = Chance::about(1, b"x", nth).weighted([1, 0, 3].into_iter()).unwrap();
            counts[chosen] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((2_300..2_700).contains(&counts[0]), "{counts:?}");
        assert_eq!(Chance::about(1, b"x", 0).weighted([0, 0].into_iter()), None);
    }

    #[test]
    fn a_span_is_between_its_ends() {
        let (low, high) = (Duration::from_millis(5), Duration::from_millis(6));
        for nth in 0..1_000 {
            let span = Chance::about(1, b"x", nth).between(low, high);
            assert!(low <= span && span <= high);
        }
        assert_eq!(Chance::about(1, b"x", 0).between(high, high), high);
    }
}

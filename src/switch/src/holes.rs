//! The numbers of one scope, as they come: which of them are missing.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// Numbers of one scope that may be missing at once. A jump that makes more of them is told to a person and not asked for: it is no
/// loss of notices, but another way of counting.
pub(crate) const HOLES_MAX: usize = 1_000;

/// The numbers of one scope: the highest that came, and those below it that did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Holes<T> {
    highest: Option<u64>,
    /// A number that came too far above it. A second one near it shows that they count from there now; alone it was a stray.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stray: Option<u64>,
    #[serde(with = "crate::pairs", bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
    pub(crate) missing: BTreeMap<u64, T>,
}

impl<T> Default for Holes<T> {
    fn default() -> Self {
        Self { highest: None, stray: None, missing: BTreeMap::new() }
    }
}

/// What a number says about those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Saw {
    /// It came before, or is the next.
    Nothing,
    /// It was missing.
    Closed,
    /// These are missing.
    Missing(RangeInclusive<u64>),
    /// These would be missing, and are too many.
    TooMany(RangeInclusive<u64>),
}

impl<T> Holes<T> {
    /// A number came. A recovery does the same with the same numbers, and finds the same holes.
    pub(crate) fn see(&mut self, number: u64, first: Option<u64>, mut hole: impl FnMut() -> T) -> Saw {
        let next = match self.highest {
            Some(highest) => highest.saturating_add(1),
            None => first.unwrap_or(number),
        };
        if number < next {
            return if self.missing.remove(&number).is_some() { Saw::Closed } else { Saw::Nothing };
        }
        let fits = |next: u64| {
            let count = usize::try_from(number - next).unwrap_or(usize::MAX);
            self.missing.len().saturating_add(count) <= HOLES_MAX
        };
        let behind_stray = self.stray.map(|stray| stray.saturating_add(1)).filter(|after| *after <= number);
        let next = match behind_stray {
            _ if fits(next) => next,
            Some(after) if fits(after) => after,
            _ => {
                self.stray = Some(number);
                return Saw::TooMany(next..=number - 1);
            }
        };
        (self.highest, self.stray) = (Some(number), None);
        if number == next {
            return Saw::Nothing;
        }
        let range = next..=number - 1;
        self.missing.extend(range.clone().map(|number| (number, hole())));
        Saw::Missing(range)
    }

    /// The numbers that are missing, as runs of first and last.
    pub(crate) fn runs(&self) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for number in self.missing.keys() {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == *number => *last = *number,
                _ => runs.push((*number, *number)),
            }
        }
        runs
    }

    /// The same holes, told otherwise.
    pub(crate) fn map<U>(&self, mut hole: impl FnMut() -> U) -> Holes<U> {
        let missing = self.missing.keys().map(|number| (*number, hole())).collect();
        Holes { highest: self.highest, stray: self.stray, missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_show_what_is_missing_before_them() {
        let mut holes: Holes<()> = Holes::default();
        assert_eq!(holes.see(7, None, || ()), Saw::Nothing, "nobody knows where they begin");
        assert_eq!(holes.see(8, None, || ()), Saw::Nothing);
        assert_eq!(holes.see(11, None, || ()), Saw::Missing(9..=10));
        assert_eq!(holes.see(10, None, || ()), Saw::Closed);
        assert_eq!(holes.see(10, None, || ()), Saw::Nothing);
        assert_eq!(holes.see(3, None, || ()), Saw::Nothing, "before the first that came");
        assert_eq!(holes.see(13, None, || ()), Saw::Missing(12..=12));
        assert_eq!(holes.runs(), [(9, 9), (12, 12)]);
    }

    #[test]
    fn where_the_first_number_is_known_it_may_be_missing_too() {
        let mut holes: Holes<()> = Holes::default();
        assert_eq!(holes.see(3, Some(1), || ()), Saw::Missing(1..=2));
        assert_eq!(holes.runs(), [(1, 2)]);
        assert_eq!(Holes::<()>::default().see(1, Some(1), || ()), Saw::Nothing);
    }

    #[test]
    fn a_jump_beyond_the_bound_makes_no_holes() {
        let mut holes: Holes<()> = Holes::default();
        let max = u64::try_from(HOLES_MAX).unwrap();
        assert_eq!(holes.see(max + 2, Some(1), || ()), Saw::TooMany(1..=max + 1));
        assert!(holes.missing.is_empty());
        assert_eq!(holes.see(2 * max + 3, Some(1), || ()), Saw::Missing(max + 3..=2 * max + 2));
        assert_eq!(holes.missing.len(), HOLES_MAX);
        assert_eq!(holes.see(2 * max + 5, Some(1), || ()), Saw::TooMany(2 * max + 4..=2 * max + 4));
    }

    #[test]
    fn one_stray_number_does_not_hide_the_holes_of_the_others() {
        let mut holes: Holes<()> = Holes::default();
        assert_eq!(holes.see(1, Some(1), || ()), Saw::Nothing);
        assert_eq!(holes.see(900_000, Some(1), || ()), Saw::TooMany(2..=899_999));
        assert_eq!(holes.see(2, Some(1), || ()), Saw::Nothing);
        assert_eq!(holes.see(4, Some(1), || ()), Saw::Missing(3..=3));
        // Two of them are no stray any more: they count from there.
        assert_eq!(holes.see(900_000, Some(1), || ()), Saw::TooMany(5..=899_999));
        assert_eq!(holes.see(900_002, Some(1), || ()), Saw::Missing(900_001..=900_001));
        assert_eq!(holes.see(900_003, Some(1), || ()), Saw::Nothing);
        assert_eq!(holes.runs(), [(3, 3), (900_001, 900_001)]);
    }
}

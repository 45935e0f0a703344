use alloc::collections::BTreeSet;
use core::ops::RangeInclusive;

use pabal_clock::BusinessDate;
use serde::{Deserialize, Serialize};

use crate::byte_table::ByteTable;
use crate::bytes::Bytes;

/// The telegram numbers of one protocol: a counter for each scope.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Numbers {
    counters: ByteTable<Counter>,
}

/// A counter. Numbers below `until` are reserved by an entry; a restart goes on at `until`, so that none is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counter {
    pub(crate) next: u64,
    pub(crate) until: u64,
    pub(crate) date: BusinessDate,
    pub(crate) warned: bool,
}

/// A number that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) number: u64,
    /// A block must be reserved up to here before the number is used.
    pub(crate) reserve: Option<u64>,
    /// So many are left, and the operator has not been told yet.
    pub(crate) low: Option<u64>,
}

impl Numbers {
    /// The next number of a scope, or `None` if all have been given.
    pub(crate) fn next(
        &mut self,
        scope: &[u8],
        range: &RangeInclusive<u64>,
        warn: u64,
        block: u32,
        date: BusinessDate,
    ) -> Option<Given> {
        let mut fresh = Counter { next: *range.start(), until: *range.start(), date, warned: false };
        let known = self.counters.get_mut(scope);
        let is_known = known.is_some();
        let counter = known.unwrap_or(&mut fresh);
        let number = counter.next;
        if number > *range.end() {
            return None;
        }
        counter.next += 1;
        let mut reserve = None;
        if number >= counter.until {
            counter.until = number.saturating_add(u64::from(block.max(1))).min(range.end().saturating_add(1));
            counter.date = date;
            reserve = Some(counter.until);
        }
        let low = (number >= warn && !counter.warned).then(|| range.end() - number);
        counter.warned |= low.is_some();
        if !is_known {
            self.counters.insert(Bytes::from(scope), fresh);
        }
        Some(Given { number, reserve, low })
    }

    /// The next number of a scope, if any was given.
    pub(crate) fn next_of(&self, scope: &[u8]) -> Option<u64> {
        self.counters.get(scope).map(|counter| counter.next)
    }

    /// Dates of which counters are kept: a wall clock that leaps, however far, and comes back finds its marks.
    const DATES_KEPT: usize = 8;

    /// Goes on behind what an earlier process reserved.
    pub(crate) fn resume(&mut self, scope: Bytes, until: u64, date: BusinessDate) {
        self.counters.insert(scope, Counter { next: until, until, date, warned: false });
    }

    /// Drops the counters of all but the last dates that have any. Those of `date` stay.
    pub(crate) fn forget_before(&mut self, date: BusinessDate) {
        let dates: BTreeSet<BusinessDate> = self.counters.values().map(|counter| counter.date).collect();
        let Some(first) = dates.iter().rev().nth(Self::DATES_KEPT - 1).copied() else { return };
        self.counters.retain(|counter| counter.date >= first || counter.date == date);
    }

    /// What a checkpoint holds.
    pub(crate) fn marks(&self) -> impl Iterator<Item = (&Bytes, &Counter)> {
        self.counters.iter()
    }
}

impl core::borrow::Borrow<[u8]> for Bytes {
    fn borrow(&self) -> &[u8] {
        self
    }
}

#[cfg(test)]
mod tests {
    use pabal_clock::Date;

    use super::*;

    fn date(day: u8) -> BusinessDate {
        BusinessDate::from_date(Date::new(2_026, 11, day).unwrap())
    }

    #[test]
    fn a_block_is_reserved_before_its_first_number_and_skipped_after_a_restart() {
        let mut numbers = Numbers::default();
        let give = |numbers: &mut Numbers, scope: &[u8]| numbers.next(&Bytes::from(scope), &(1..=7), 6, 3, date(21));
        let all: std::vec::Vec<_> = (0..5).filter_map(|_| give(&mut numbers, b"A")).collect();
        assert_eq!(all.iter().map(|given| given.number).collect::<std::vec::Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(
            all.iter().map(|given| given.reserve).collect::<std::vec::Vec<_>>(),
            [Some(4), None, None, Some(7), None]
        );
        assert_eq!(give(&mut numbers, b"B").unwrap().number, 1);

        let mut after = Numbers::default();
        after.resume(Bytes::from(&b"A"[..]), 7, date(21));
        assert_eq!(give(&mut after, b"A"), Some(Given { number: 7, reserve: Some(8), low: Some(0) }));
        assert_eq!(give(&mut after, b"A"), None);
    }

    #[test]
    fn the_operator_is_warned_once() {
        let mut numbers = Numbers::default();
        let low: std::vec::Vec<_> =
            (0..4).map(|_| numbers.next(&Bytes::default(), &(1..=4), 3, 10, date(21)).unwrap().low).collect();
        assert_eq!(low, [None, None, Some(1), None]);
    }

    #[test]
    fn the_last_dates_stay_and_so_does_the_present_one() {
        let kept = |numbers: &Numbers| numbers.marks().map(|(scope, _)| scope[0]).collect::<std::vec::Vec<_>>();
        let mut numbers = Numbers::default();
        for day in 1..=9 {
            numbers.next(&Bytes::from(&[day][..]), &(1..=9), 9, 1, date(day));
        }
        numbers.forget_before(date(9));
        assert_eq!(kept(&numbers), [2, 3, 4, 5, 6, 7, 8, 9]);
        // The clock has gone back by more than that many dates.
        numbers.next(&Bytes::from(&[1][..]), &(1..=9), 9, 1, date(1));
        numbers.forget_before(date(1));
        assert_eq!(kept(&numbers), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        numbers.forget_before(date(30));
        assert_eq!(kept(&numbers), [2, 3, 4, 5, 6, 7, 8, 9]);
    }
}

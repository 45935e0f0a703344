use alloc::collections::VecDeque;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::mono::Mono;

/// Holds something to so many times in any second: who comes is told when it is its turn, in the order of coming.
///
/// A turn is booked for good; one that is not used is lost. As much is remembered as may happen in a second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// The turns that were given last, oldest first.
    turns: VecDeque<Mono>,
}

impl Pace {
    const SPAN: Duration = Duration::from_secs(1);

    /// When it is the turn of the one who comes now: at once, or a second after the turn that is `per_second` before it. No second (its
    /// beginning counted, its end not) has more than `per_second` turns, of which there is at least one.
    pub fn book(&mut self, per_second: u32, now: Mono) -> Mono {
        let room = usize::try_from(per_second.max(1)).unwrap_or(usize::MAX);
        // Who comes later goes later, also where the bound has been raised.
        let mut turn = self.turns.back().map_or(now, |last| now.max(*last));
        if let Some(before) = self.turns.len().checked_sub(room).and_then(|at| self.turns.get(at)) {
            turn = turn.max(*before + Self::SPAN);
        }
        self.turns.push_back(turn);
        while self.turns.len() > room {
            self.turns.pop_front();
        }
        turn
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn millis(millis: u64) -> Mono {
        Mono::from_nanos(10_000_000_000) + Duration::from_millis(millis)
    }

    #[test]
    fn who_comes_too_often_waits_for_a_turn_in_the_order_of_coming() {
        let mut pace = Pace::default();
        let turns: Vec<Mono> = (0..7).map(|_| pace.book(3, millis(0))).collect();
        let expected = [0, 0, 0, 1_000, 1_000, 1_000, 2_000].map(millis);
        assert_eq!(turns, expected);
        assert_eq!(pace.book(3, millis(2_500)), millis(2_500));
        assert_eq!(pace.book(3, millis(2_600)), millis(2_600));
        assert_eq!(pace.book(3, millis(2_700)), millis(3_000), "the second from 2.0 has three");
    }

    #[test]
    fn no_second_has_more_turns_than_it_may() {
        // Whoever comes, whenever: 1,000 come at instants that no rule has made.
        let (mut pace, mut at, mut mixed) = (Pace::default(), 0, 1_u64);
        let mut turns = Vec::new();
        for _ in 0..1_000 {
            mixed = mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            at += (mixed >> 33) % 90;
            turns.push(pace.book(20, millis(at)));
        }
        assert!(turns.is_sorted());
        for (first, turn) in turns.iter().enumerate() {
            let within = turns[first..].iter().take_while(|later| **later < *turn + Pace::SPAN).count();
            assert!(within <= 20, "{within} turns within a second of {turn:?}");
        }
        assert!(turns.windows(21).any(|some| some[20] == some[0] + Pace::SPAN), "the bound is reached");
    }

    #[test]
    fn another_bound_holds_from_then_on() {
        let mut pace = Pace::default();
        for _ in 0..4 {
            pace.book(4, millis(0));
        }
        assert_eq!(pace.book(1, millis(100)), millis(1_000));
        assert_eq!(pace.book(1, millis(100)), millis(2_000));
        assert_eq!(pace.book(4, millis(100)), millis(2_000), "nobody overtakes");
        assert_eq!(pace.book(0, millis(9_000)), millis(9_000), "none at all would be for ever");
    }
}

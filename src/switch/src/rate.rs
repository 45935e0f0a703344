//! Rates (유량제어): how many requests of a compartment may leave in a second, and how many may be unanswered.

use alloc::collections::{BTreeMap, VecDeque};
use core::time::Duration;

use pabal_clock::Mono;
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::declare::declare;
use crate::pairs;

declare! {
    /// What becomes of a request that is over the rate of its compartment.
    #[derive(Default)]
    pub enum Over {
        #[default]
        Wait = "wait", "It waits in the queue, as one waits for room.";
        Refuse = "refuse", "It is refused at once.";
    }
}

/// How many requests of one compartment may leave. What the gateway asks for itself counts too, and waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rate {
    /// In any second; `None`: as many as there is room for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
    /// Unanswered at a time; `None`: as many as there is room for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u32>,
    /// What becomes of more.
    pub over: Over,
}

/// Rates by compartment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rates(#[serde(with = "pairs")] BTreeMap<Bytes, Rate>);

impl Rates {
    /// Sets the rate of a compartment, as the bytes of its field; of each compartment that has none of its own, if there are no bytes.
    pub fn set(&mut self, compartment: Bytes, rate: Rate) {
        self.0.insert(compartment, rate);
    }

    /// Takes away what was set for a compartment; `false` if nothing was.
    pub fn unset(&mut self, compartment: &[u8]) -> bool {
        self.0.remove(compartment).is_some()
    }

    /// What was set, by compartment.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Rate)> {
        self.0.iter()
    }

    /// Whether nothing was set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What holds for a compartment, of what was commanded (`self`) and what is configured: what names it before what is for each, and
    /// of these what was commanded.
    pub(crate) fn of(&self, configured: &Self, compartment: &[u8]) -> Rate {
        if self.is_empty() && configured.is_empty() {
            return Rate::default();
        }
        let set = |name: &[u8]| self.0.get(name).or_else(|| configured.0.get(name)).copied();
        set(compartment).or_else(|| set(b"")).unwrap_or_default()
    }
}

impl FromIterator<(Bytes, Rate)> for Rates {
    fn from_iter<T: IntoIterator<Item = (Bytes, Rate)>>(rates: T) -> Self {
        Self(rates.into_iter().collect())
    }
}

/// A bucket of tokens for each compartment of a protocol, as many as it may send in a second. A token that was taken is back a second
/// later: so no second, wherever it begins, has more. What left before the rate was set does not count. What a process before this one let
/// leave is taken for as many as may: in the first second of a process that follows one, there is none.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tokens {
    /// When tokens were taken, oldest first, of at least the last second.
    #[serde(with = "pairs")]
    taken: BTreeMap<Bytes, VecDeque<Mono>>,
    /// A process before this one may have taken all until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Mono>,
    /// When what has no token any more was last let go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    looked_at: Option<Mono>,
}

impl Tokens {
    const BACK_AFTER: Duration = Duration::from_secs(1);

    /// Of a process that follows another.
    pub(crate) fn after_another(now: Mono) -> Self {
        Self { from: Some(now + Self::BACK_AFTER), ..Self::default() }
    }

    /// When there is a token: now, or at an instant that is later.
    pub(crate) fn next(&self, compartment: &[u8], per_second: u32, now: Mono) -> Mono {
        let first = self.from.map_or(now, |from| from.max(now));
        let Some(taken) = self.taken.get(compartment) else { return first };
        let most = usize::try_from(per_second.max(1)).unwrap_or(usize::MAX);
        match taken.len().checked_sub(most).and_then(|at| taken.get(at)) {
            Some(oldest) => (*oldest + Self::BACK_AFTER).max(first),
            None => first,
        }
    }

    /// Whether only a process before this one can have taken what there was.
    pub(crate) fn are_of_another(&self, now: Mono) -> bool {
        self.from.is_some_and(|from| now < from)
    }

    /// How many there are now.
    pub(crate) fn left(&self, compartment: &[u8], per_second: u32, now: Mono) -> u32 {
        if self.are_of_another(now) {
            return 0;
        }
        let is_taken = |at: &&Mono| **at + Self::BACK_AFTER > now;
        let taken = self.taken.get(compartment).map_or(0, |taken| taken.iter().filter(is_taken).count());
        per_second.max(1).saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    pub(crate) fn take(&mut self, compartment: &Bytes, now: Mono) {
        if self.looked_at.is_none_or(|at| at + Self::BACK_AFTER <= now) {
            // Else each compartment that was ever served would stay.
            self.taken.retain(|_, taken| taken.back().is_some_and(|at| *at + Self::BACK_AFTER > now));
            self.looked_at = Some(now);
        }
        let taken = self.taken.entry(compartment.clone()).or_default();
        taken.push_back(now);
        while taken.front().is_some_and(|at| *at + Self::BACK_AFTER <= now) {
            taken.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::from_nanos(1_000_000_000) + Duration::from_millis(millis)
    }

    fn bank(code: &[u8]) -> Bytes {
        Bytes::from(code)
    }

    /// Takes a token whenever there is one; gives when.
    fn greedy(per_second: u32, from: u64, until: u64) -> Vec<u64> {
        let (mut tokens, name) = (Tokens::default(), bank(b"088"));
        let mut left = Vec::new();
        for now in from..until {
            while tokens.next(&name, per_second, at(now)) == at(now) {
                tokens.take(&name, at(now));
                left.push(now);
            }
        }
        left
    }

    #[test]
    fn no_second_has_more_than_the_rate_wherever_it_begins() {
        for per_second in [1, 2, 3, 7, 50] {
            let left = greedy(per_second, 0, 3_500);
            for begin in 0..2_500 {
                let within = left.iter().filter(|at| (begin..begin + 1_000).contains(*at)).count();
                assert_eq!(within, per_second as usize, "{per_second} in the second from {begin}");
            }
        }
    }

    #[test]
    fn a_token_is_back_a_second_after_it_was_taken() {
        let (mut tokens, name) = (Tokens::default(), bank(b"088"));
        assert_eq!(tokens.next(&name, 2, at(0)), at(0));
        tokens.take(&name, at(0));
        tokens.take(&name, at(300));
        assert_eq!(tokens.next(&name, 2, at(300)), at(1_000));
        assert_eq!(tokens.next(b"004", 2, at(300)), at(300), "each compartment has its own");
        // A lower rate counts what was taken; a higher one has more tokens at once.
        assert_eq!(tokens.next(&name, 1, at(300)), at(1_300));
        assert_eq!(tokens.next(&name, 3, at(300)), at(300));
        tokens.take(&name, at(1_000));
        assert_eq!(tokens.next(&name, 2, at(1_000)), at(1_300));
    }

    #[test]
    fn a_compartment_that_took_none_for_a_second_is_not_kept() {
        let mut tokens = Tokens::default();
        for second in 0..10_u32 {
            for code in 0..100_u32 {
                tokens
                    .take(&bank(&(second * 100 + code).to_be_bytes()), at(u64::from(second) * 1_000 + u64::from(code)));
            }
        }
        assert!(tokens.taken.len() <= 200, "{}", tokens.taken.len());
        let (last, name) = (at(9_099), 999_u32.to_be_bytes());
        assert_eq!((tokens.left(&name, 2, last), tokens.left(b"088", 2, last)), (1, 2));
        assert_eq!(tokens.left(&name, 2, at(10_099)), 2);
        assert_eq!(Tokens::after_another(at(0)).left(b"088", 2, at(999)), 0);
    }

    #[test]
    fn a_process_that_follows_another_has_none_in_its_first_second() {
        let (mut tokens, name) = (Tokens::after_another(at(500)), bank(b"088"));
        assert_eq!(tokens.next(&name, 2, at(500)), at(1_500));
        assert!(tokens.are_of_another(at(1_499)) && !tokens.are_of_another(at(1_500)));
        tokens.take(&name, at(1_500));
        assert_eq!(tokens.next(&name, 2, at(1_500)), at(1_500));
        tokens.take(&name, at(1_500));
        assert_eq!(tokens.next(&name, 2, at(1_500)), at(2_500));
    }

    #[test]
    fn what_names_a_compartment_holds_before_what_is_for_each_and_commands_before_configuration() {
        let rate = |per_second| Rate { per_second: Some(per_second), ..Rate::default() };
        let rates = |rows: &[(&[u8], u32)]| {
            rows.iter().map(|(name, per_second)| (bank(name), rate(*per_second))).collect::<Rates>()
        };
        let configured = rates(&[(b"", 10), (b"004", 5)]);
        let of = |commanded: &Rates, name: &[u8]| commanded.of(&configured, name).per_second;
        // (commanded, of 004, of 088)
        let table =
            [(&[][..], 5, 10), (&[(&b""[..], 3)], 5, 3), (&[(b"004", 2)], 2, 10), (&[(b"004", 2), (b"", 3)], 2, 3)];
        for (commanded, of_004, of_088) in table {
            let commanded = rates(commanded);
            assert_eq!((of(&commanded, b"004"), of(&commanded, b"088")), (Some(of_004), Some(of_088)), "{commanded:?}");
        }
        assert_eq!(Rates::default().of(&Rates::default(), b"004"), Rate::default());
        let mut commanded = rates(&[(b"004", 2)]);
        assert!(commanded.unset(b"004") && !commanded.unset(b"004") && commanded.is_empty());
    }
}

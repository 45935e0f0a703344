use alloc::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::byte_table::ByteTable;
use crate::bytes::Bytes;
use crate::id::ExchangeId;
use crate::pairs;

/// The requests of one protocol that wait for room, a queue for each compartment, and how much room each compartment has taken.
///
/// The one with the least in flight is served first; of several, the one that had a place longest ago. So what a bank with many requests
/// gets, one with few requests gets as well, and a bank that does not answer is served last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Waiting {
    #[serde(with = "pairs")]
    queues: BTreeMap<Bytes, Queue>,
    /// Every queue, in the order in which they are served: in flight, turn, compartment.
    order: BTreeSet<(u32, u64, Bytes)>,
    /// Requests that take room, by compartment; no zeros.
    in_flight: ByteTable<u32>,
    /// The last turn that was given.
    turn: u64,
    /// How many wait in all queues.
    #[serde(default)]
    len: u32,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Queue {
    exchanges: VecDeque<ExchangeId>,
    turn: u64,
}

/// How much room there is, and who shares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Places of all sessions that may send now.
    pub(crate) places: u32,
    /// Those of them that are free.
    pub(crate) free: u32,
    /// How many compartments may come; `None` if the protocol has but one, and there is nothing to share.
    pub(crate) compartments: Option<u32>,
}

impl Room {
    /// Whether a compartment that takes `own` places may take one more, when `taking` compartments have at least one.
    ///
    /// One that has none may take any free place. One that has some leaves more places than it has itself, and one for each
    /// compartment that has none; if there are fewer places than compartments, half of the places.
    ///
    /// So one silent compartment takes at most half of the places. With as many places as compartments, each compartment always finds
    /// one, however many of the others are silent. With fewer places, half as many compartments as there are places may be silent
    /// (rounded down) and the others still find one.
    pub(crate) fn allows(self, own: u32, taking: usize) -> bool {
        let Some(compartments) = self.compartments else { return self.free > 0 };
        if own == 0 {
            return self.free > 0;
        }
        let without = compartments.saturating_sub(u32::try_from(taking).unwrap_or(u32::MAX));
        let kept = if self.places >= compartments { without } else { without.min(self.places / 2) };
        own < self.free && kept < self.free
    }
}

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// How many wait for one compartment.
    pub(crate) fn len_of(&self, compartment: &[u8]) -> u32 {
        self.queues.get(compartment).map_or(0, |queue| u32::try_from(queue.exchanges.len()).unwrap_or(u32::MAX))
    }

    /// How many wait for all of them.
    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    pub(crate) fn push(&mut self, compartment: &Bytes, exchange: ExchangeId) {
        if !self.queues.contains_key(&**compartment) {
            self.turn += 1;
            self.queues.insert(compartment.clone(), Queue { exchanges: VecDeque::new(), turn: self.turn });
            self.order.insert((self.in_flight_of(compartment), self.turn, compartment.clone()));
        }
        if let Some(queue) = self.queues.get_mut(&**compartment) {
            queue.exchanges.push_back(exchange);
            self.len = self.len.saturating_add(1);
        }
    }

    /// Whether a request of a compartment may leave at once: none of it waits, and it may take a place.
    pub(crate) fn may_pass(&self, compartment: &[u8], room: Room) -> bool {
        !self.queues.contains_key(compartment) && self.allows(compartment, room)
    }

    /// The next one that may take a place, of a compartment that `may` say so of, with what it has in flight. If there is no place for one
    /// in the order, there is none for any behind it.
    pub(crate) fn take(&mut self, room: Room, mut may: impl FnMut(&Bytes, u32) -> bool) -> Option<ExchangeId> {
        let taking = self.in_flight.len();
        let with_room = self.order.iter().take_while(|(own, ..)| room.allows(*own, taking));
        let (own, turn, compartment) =
            with_room.into_iter().find(|(own, _, compartment)| may(compartment, *own))?.clone();
        self.order.remove(&(own, turn, compartment.clone()));
        let queue = self.queues.get_mut(&*compartment)?;
        let exchange = queue.exchanges.pop_front();
        self.len = self.len.saturating_sub(1);
        if queue.exchanges.is_empty() {
            self.queues.remove(&*compartment);
        } else {
            self.turn += 1;
            queue.turn = self.turn;
            self.order.insert((own, self.turn, compartment));
        }
        exchange
    }

    /// Takes one out of its turn.
    pub(crate) fn remove(&mut self, compartment: &[u8], exchange: ExchangeId) {
        let Some(queue) = self.queues.get_mut(compartment) else { return };
        let Some(at) = queue.exchanges.iter().position(|waiting| *waiting == exchange) else { return };
        queue.exchanges.remove(at);
        self.len = self.len.saturating_sub(1);
        if queue.exchanges.is_empty() {
            let turn = queue.turn;
            self.queues.remove(compartment);
            self.order.remove(&(self.in_flight_of(compartment), turn, Bytes::from(compartment)));
        }
    }

    /// A request of a compartment takes a place.
    pub(crate) fn took(&mut self, compartment: &Bytes) {
        self.count(compartment, |in_flight| in_flight.saturating_add(1));
    }

    /// So many places of a compartment are free again.
    pub(crate) fn freed(&mut self, compartment: &Bytes, places: u32) {
        self.count(compartment, |in_flight| in_flight.saturating_sub(places));
    }

    pub(crate) fn in_flight_of(&self, compartment: &[u8]) -> u32 {
        self.in_flight.get(compartment).copied().unwrap_or(0)
    }

    fn count(&mut self, compartment: &Bytes, change: impl Fn(u32) -> u32) {
        let known = self.in_flight.or_insert(compartment, 0);
        let before = *known;
        let in_flight = change(before);
        *known = in_flight;
        if in_flight == 0 {
            self.in_flight.remove(compartment);
        }
        if let Some(queue) = self.queues.get_mut(&**compartment) {
            self.order.remove(&(before, queue.turn, compartment.clone()));
            // Who had a place goes behind those who had none.
            self.turn += 1;
            queue.turn = self.turn;
            self.order.insert((in_flight, queue.turn, compartment.clone()));
        }
    }

    /// Whether a compartment may take one more place, whoever of it waits.
    pub(crate) fn allows(&self, compartment: &[u8], room: Room) -> bool {
        room.allows(self.in_flight_of(compartment), self.in_flight.len())
    }

    /// Each compartment of which some wait: how many, and how many places it takes.
    pub(crate) fn queues(&self) -> impl Iterator<Item = (&Bytes, u32, u32)> {
        self.queues.keys().map(|compartment| (compartment, self.len_of(compartment), self.in_flight_of(compartment)))
    }

    /// Every one that waits for a compartment.
    pub(crate) fn iter_of(&self, compartment: &[u8]) -> impl Iterator<Item = ExchangeId> {
        self.queues.get(compartment).into_iter().flat_map(|queue| &queue.exchanges).copied()
    }

    /// Every one that waits.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ExchangeId> {
        self.queues.values().flat_map(|queue| &queue.exchanges).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    const ALL: Room = Room { places: 100, free: 100, compartments: None };

    fn bank(code: u32) -> Bytes {
        Bytes::from(std::format!("{code:03}").into_bytes())
    }

    #[test]
    fn compartments_take_turns() {
        let mut waiting = Waiting::default();
        let (a, b) = (bank(4), bank(88));
        for id in 1..=4 {
            waiting.push(&a, ExchangeId(id));
        }
        waiting.push(&b, ExchangeId(11));
        waiting.push(&b, ExchangeId(12));
        waiting.remove(b"004", ExchangeId(2));
        assert_eq!((waiting.len(), waiting.len_of(b"004"), waiting.len_of(b"011")), (5, 3, 0));
        let order: Vec<_> = core::iter::from_fn(|| waiting.take(ALL, |_, _| true)).map(|id| id.0).collect();
        assert_eq!(order, [1, 11, 3, 12, 4]);
        assert!(waiting.is_empty() && waiting.order.is_empty());
        assert_eq!(waiting.len(), 0);
    }

    #[test]
    fn the_one_with_the_least_in_flight_is_first() {
        let mut waiting = Waiting::default();
        let (a, b) = (bank(4), bank(88));
        waiting.push(&a, ExchangeId(1));
        waiting.push(&b, ExchangeId(2));
        waiting.took(&a);
        assert_eq!(waiting.take(ALL, |_, _| true), Some(ExchangeId(2)));
        waiting.push(&b, ExchangeId(3));
        waiting.took(&b);
        waiting.took(&b);
        assert_eq!(waiting.take(ALL, |_, _| true), Some(ExchangeId(1)));
        waiting.freed(&b, 2);
        waiting.remove(b"088", ExchangeId(3));
        assert!(waiting.is_empty() && waiting.order.is_empty());
    }

    #[test]
    fn one_that_may_not_leave_does_not_hold_up_the_others() {
        let mut waiting = Waiting::default();
        let (a, b) = (bank(4), bank(88));
        waiting.push(&a, ExchangeId(1));
        waiting.push(&b, ExchangeId(2));
        assert_eq!(waiting.take(ALL, |compartment, _| **compartment != *b"004"), Some(ExchangeId(2)));
        assert_eq!(waiting.take(ALL, |compartment, _| **compartment != *b"004"), None);
        assert_eq!(waiting.take(ALL, |_, _| true), Some(ExchangeId(1)));
        assert!(waiting.is_empty() && waiting.order.is_empty());
    }

    /// Every bank of `silent` takes all that it may, in turn after turn; gives what each has and what is free.
    fn fill(places: u32, compartments: u32, silent: u32, one_by_one: bool) -> (Vec<u32>, u32) {
        let mut waiting = Waiting::default();
        let mut free = places;
        let mut goes_on = true;
        while goes_on {
            goes_on = false;
            for code in 0..silent {
                while waiting.may_pass(&bank(code), Room { places, free, compartments: Some(compartments) }) {
                    waiting.took(&bank(code));
                    free -= 1;
                    goes_on = true;
                    if !one_by_one {
                        break;
                    }
                }
            }
        }
        ((0..silent).map(|code| waiting.in_flight_of(&bank(code))).collect(), free)
    }

    #[test]
    fn silent_banks_leave_room_for_the_others() {
        for places in 1..=120 {
            for silent in 0..36 {
                for one_by_one in [false, true] {
                    let (taken, free) = fill(places, 36, silent, one_by_one);
                    assert_eq!(taken.iter().sum::<u32>() + free, places);
                    assert!(taken.iter().all(|taken| *taken <= places.div_ceil(2)), "{places} {silent} {taken:?}");
                    if places >= 36 {
                        assert!(free >= 36 - silent, "each other bank finds a place: {places} {silent} {taken:?}");
                    } else if silent <= places / 2 {
                        assert!(free >= 1, "the next bank finds a place: {places} {silent} {taken:?}");
                    }
                }
            }
        }
        // Half, for one; a window of one place has nothing to share.
        assert_eq!(fill(100, 36, 1, true), (std::vec![50], 50));
        assert_eq!(fill(4, 36, 1, true), (std::vec![2], 2));
        assert_eq!(fill(2, 36, 1, true), (std::vec![1], 1));
        assert_eq!(fill(1, 36, 1, true), (std::vec![1], 0));
    }

    #[test]
    fn one_compartment_has_all_to_itself() {
        let room = |free| Room { places: 2, free, compartments: None };
        assert!(room(2).allows(0, 0) && room(1).allows(1, 1) && !room(0).allows(0, 0));
    }
}

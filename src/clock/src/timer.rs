use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::mono::Mono;

/// A hash that is the same in every run. Names are ours, so that nobody can make them collide.
#[derive(Clone, Debug, Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_u128(&mut self, number: u128) {
        let (high, low) = (number >> 64, number & u128::from(u64::MAX));
        [high, low].into_iter().filter_map(|half| u64::try_from(half).ok()).for_each(|half| self.write_u64(half));
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number.unsigned_abs() as u64);
    }
}

fn hash_of<K: Hash>(name: &K) -> u64 {
    let mut mixer = Mixer::default();
    name.hash(&mut mixer);
    mixer.finish()
}

/// A machine's timers: each is named by `K`, is set at most once, and the earliest is known at once.
///
/// Two timers that end at the same instant come in the order of their names, so that a run can be repeated.
///
/// They lie in a heap in which each has up to four below it: most are set behind all others and stopped before they end, and neither
/// costs more than a few comparisons then. Places are used again, so that nothing is allocated once as many were set as ever are.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    /// Those that are set, and free places.
    nodes: Vec<Node<K>>,
    free: Vec<u32>,
    /// Places of nodes by their names. Its order is nobody's.
    places: HashTable<u32>,
    /// None ends before the one above it.
    heap: Vec<(Mono, u32)>,
}

#[derive(Clone, Debug)]
struct Node<K> {
    name: K,
    /// Where it is in the heap.
    seat: u32,
}

/// How many are below each in the heap.
const BELOW: usize = 4;

impl<K: Ord + Clone + Hash> Timers<K> {
    /// No timer is set.
    #[must_use]
    pub const fn new() -> Self {
        Self { nodes: Vec::new(), free: Vec::new(), places: HashTable::new(), heap: Vec::new() }
    }

    /// Sets a timer, replacing an earlier setting of the same name.
    pub fn set(&mut self, name: K, at: Mono) {
        let Self { nodes, free, places, heap } = self;
        let entry = places.entry(
            hash_of(&name),
            |place| nodes[*place as usize].name == name,
            |place| hash_of(&nodes[*place as usize].name),
        );
        let place = match entry {
            Entry::Occupied(known) => {
                let place = *known.get();
                let seat = nodes[place as usize].seat as usize;
                let before = core::mem::replace(&mut heap[seat].0, at);
                if at < before {
                    self.rise(seat);
                } else {
                    self.sink(seat);
                }
                return;
            }
            Entry::Vacant(vacant) => {
                let place = free.last().copied().unwrap_or_else(|| u32::try_from(nodes.len()).unwrap_or(u32::MAX));
                vacant.insert(place);
                place
            }
        };
        let seat = heap.len();
        let node = Node { name, seat: u32::try_from(seat).unwrap_or(u32::MAX) };
        match free.pop() {
            Some(_) => nodes[place as usize] = node,
            None => nodes.push(node),
        }
        heap.push((at, place));
        self.rise(seat);
    }

    /// Stops a timer; one that is not set stays so.
    pub fn stop(&mut self, name: &K) {
        let Self { nodes, places, .. } = self;
        if let Ok(known) = places.find_entry(hash_of(name), |place| nodes[*place as usize].name == *name) {
            let (place, _) = known.remove();
            let seat = nodes[place as usize].seat as usize;
            self.free.push(place);
            self.leave(seat);
        }
    }

    /// When a timer will end, if it is set.
    #[must_use]
    pub fn get(&self, name: &K) -> Option<Mono> {
        let place = self.places.find(hash_of(name), |place| self.nodes[*place as usize].name == *name)?;
        Some(self.heap[self.nodes[*place as usize].seat as usize].0)
    }

    /// The timer that ends first.
    #[must_use]
    pub fn earliest(&self) -> Option<(Mono, &K)> {
        self.heap.first().map(|(at, place)| (*at, &self.nodes[*place as usize].name))
    }

    /// Takes the first timer that has ended by `now`, so that a loop sees each once.
    pub fn expire(&mut self, now: Mono) -> Option<K> {
        let name = self.earliest().filter(|(at, _)| *at <= now).map(|(_, name)| name.clone())?;
        self.stop(&name);
        Some(name)
    }

    /// Every timer that is set, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&K, Mono)> {
        let mut all: Vec<(&K, Mono)> =
            self.heap.iter().map(|(at, place)| (&self.nodes[*place as usize].name, *at)).collect();
        all.sort_unstable();
        all.into_iter()
    }

    /// Takes a seat out of the heap: the last one comes to it.
    fn leave(&mut self, seat: usize) {
        let Some(last) = self.heap.pop() else { return };
        let Some(gone) = self.heap.get_mut(seat) else { return };
        let gone = core::mem::replace(gone, last);
        if self.is_before(last, gone) {
            self.rise(seat);
        } else {
            self.sink(seat);
        }
    }

    /// Whether one ends before another.
    fn is_before(&self, one: (Mono, u32), other: (Mono, u32)) -> bool {
        let name = |place: u32| &self.nodes[place as usize].name;
        one.0 < other.0 || (one.0 == other.0 && name(one.1) < name(other.1))
    }

    fn sit(&mut self, seat: usize, one: (Mono, u32)) {
        self.heap[seat] = one;
        self.nodes[one.1 as usize].seat = u32::try_from(seat).unwrap_or(u32::MAX);
    }

    /// What is at a seat goes up to where it belongs.
    fn rise(&mut self, mut seat: usize) {
        let one = self.heap[seat];
        while seat > 0 {
            let above = (seat - 1) / BELOW;
            let other = self.heap[above];
            if !self.is_before(one, other) {
                break;
            }
            self.sit(seat, other);
            seat = above;
        }
        self.sit(seat, one);
    }

    /// What is at a seat goes down to where it belongs.
    fn sink(&mut self, mut seat: usize) {
        let one = self.heap[seat];
        loop {
            let first = seat * BELOW + 1;
            let end = self.heap.len().min(first + BELOW);
            let Some(mut next) = self.heap.get(first).copied() else { break };
            let mut next_seat = first;
            for at in first + 1..end {
                let other = self.heap[at];
                if self.is_before(other, next) {
                    (next, next_seat) = (other, at);
                }
            }
            if !self.is_before(next, one) {
                break;
            }
            self.sit(seat, next);
            seat = next_seat;
        }
        self.sit(seat, one);
    }
}

impl<K: Ord + Clone + Hash> Default for Timers<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_earliest_comes_first_and_only_once() {
        let mut timers = Timers::new();
        timers.set("poll", Mono::from_nanos(30));
        timers.set("answer", Mono::from_nanos(20));
        timers.set("poll", Mono::from_nanos(10));
        assert_eq!(timers.earliest(), Some((Mono::from_nanos(10), &"poll")));
        assert_eq!(timers.expire(Mono::from_nanos(9)), None);
        assert_eq!(timers.expire(Mono::from_nanos(25)), Some("poll"));
        assert_eq!(timers.expire(Mono::from_nanos(25)), Some("answer"));
        assert_eq!(timers.expire(Mono::from_nanos(25)), None);
        assert_eq!(timers.get(&"poll"), None);
    }

    #[test]
    fn a_stopped_timer_never_ends() {
        let mut timers = Timers::new();
        timers.set(1, Mono::from_nanos(1));
        timers.stop(&1);
        timers.stop(&2);
        assert_eq!(timers.expire(Mono::NEVER), None);
    }

    /// Set, set again, stopped and ended by chance, at few instants, so that many end at one: always as a sorted set says.
    #[test]
    fn it_is_as_a_sorted_set() {
        let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
        let mut roll = |below: u64| {
            chance = chance.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (chance >> 33) % below
        };
        for names in [3, 40, 700] {
            let (mut timers, mut model) = (Timers::new(), BTreeMap::<u64, Mono>::new());
            let mut now = 0;
            for step in 0..6_000 {
                let name = roll(names);
                match roll(8) {
                    // Mostly behind all that are set.
                    0..=2 => {
                        let at = Mono::from_nanos(now + 50 + roll(4));
                        timers.set(name, at);
                        model.insert(name, at);
                    }
                    3 => {
                        let at = Mono::from_nanos(now + roll(50));
                        timers.set(name, at);
                        model.insert(name, at);
                    }
                    4 | 5 => {
                        timers.stop(&name);
                        model.remove(&name);
                    }
                    _ => {
                        now += roll(3);
                        let first = model.iter().map(|(name, at)| (*at, *name)).min();
                        let ended = first.filter(|(at, _)| *at <= Mono::from_nanos(now)).map(|(_, name)| name);
                        assert_eq!(timers.expire(Mono::from_nanos(now)), ended, "{names} {step}");
                        ended.map(|name| model.remove(&name));
                    }
                }
                let first = model.iter().map(|(name, at)| (*at, *name)).min();
                assert_eq!(timers.earliest().map(|(at, name)| (at, *name)), first, "{names} {step}");
                assert_eq!(timers.get(&name), model.get(&name).copied(), "{names} {step}");
            }
            assert!(timers.iter().map(|(name, at)| (*name, at)).eq(model));
        }
    }
}

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::hash::{BuildHasherDefault, Hash, Hasher};

use indexmap::IndexMap;

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

/// A machine's timers: each is named by `K`, is set at most once, and the earliest is known at once.
///
/// Two timers that end at the same instant come in the order of their names, so that a run can be repeated.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    due: BTreeSet<(Mono, K)>,
    /// Its order is nobody's.
    at: IndexMap<K, Mono, BuildHasherDefault<Mixer>>,
}

impl<K: Ord + Clone + Hash> Timers<K> {
    /// No timer is set.
    #[must_use]
    pub fn new() -> Self {
        Self { due: BTreeSet::new(), at: IndexMap::default() }
    }

    /// Sets a timer, replacing an earlier setting of the same name.
    pub fn set(&mut self, name: K, at: Mono) {
        if let Some(old) = self.at.insert(name.clone(), at) {
            self.due.remove(&(old, name.clone()));
        }
        self.due.insert((at, name));
    }

    /// Stops a timer; one that is not set stays so.
    pub fn stop(&mut self, name: &K) {
        if let Some(old) = self.at.swap_remove(name) {
            self.due.remove(&(old, name.clone()));
        }
    }

    /// When a timer will end, if it is set.
    #[must_use]
    pub fn get(&self, name: &K) -> Option<Mono> {
        self.at.get(name).copied()
    }

    /// The timer that ends first.
    #[must_use]
    pub fn earliest(&self) -> Option<(Mono, &K)> {
        self.due.first().map(|(at, name)| (*at, name))
    }

    /// Takes the first timer that has ended by `now`, so that a loop sees each once.
    pub fn expire(&mut self, now: Mono) -> Option<K> {
        if self.due.first()?.0 > now {
            return None;
        }
        let (_, name) = self.due.pop_first()?;
        self.at.swap_remove(&name);
        Some(name)
    }

    /// Every timer that is set, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&K, Mono)> {
        let mut all: Vec<(&K, Mono)> = self.at.iter().map(|(name, at)| (name, *at)).collect();
        all.sort_unstable();
        all.into_iter()
    }
}

impl<K: Ord + Clone + Hash> Default for Timers<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
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
}

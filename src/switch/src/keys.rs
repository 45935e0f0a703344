use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bytes::spread;
use crate::id::ExchangeId;

/// What an idempotency key is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Bound {
    To(ExchangeId),
    Fenced,
}

/// The idempotency keys of all callers, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    /// Those that are bound, and free places.
    places: Vec<Key>,
    free: Vec<u32>,
    /// Places by caller and key. Its order is nobody's.
    by_name: HashTable<u32>,
    order: VecDeque<u32>,
    /// Begins the hashes: callers choose their keys, and no choice of theirs makes it slow to find one.
    secret: u64,
}

#[derive(Clone, Debug)]
struct Key {
    /// Caller and key in one.
    name: Box<str>,
    /// Where the key begins in it.
    from: usize,
    bound: Bound,
}

impl Key {
    fn parts(&self) -> (&str, &str) {
        self.name.split_at(self.from)
    }

    fn is(&self, caller: &str, key: &str) -> bool {
        self.from == caller.len() && self.parts() == (caller, key)
    }

    fn hash(&self, secret: u64) -> u64 {
        let (caller, key) = self.parts();
        hash_of(secret, caller, key)
    }
}

fn hash_of(secret: u64, caller: &str, key: &str) -> u64 {
    spread(secret, [caller.as_bytes(), key.as_bytes()])
}

impl Keys {
    /// Finds keys by hashes that begin with this from now on.
    pub(crate) fn hash_by(&mut self, secret: u64) {
        self.secret = secret;
        let places: Vec<u32> = self.by_name.drain().collect();
        for at in places {
            let Self { places, by_name, .. } = self;
            let hash = |at: &u32| places[*at as usize].hash(secret);
            by_name.insert_unique(hash(&at), at, hash);
        }
    }

    pub(crate) fn find(&self, caller: &str, key: &str) -> Option<Bound> {
        let at =
            self.by_name.find(hash_of(self.secret, caller, key), |at| self.places[*at as usize].is(caller, key))?;
        Some(self.places[*at as usize].bound)
    }

    pub(crate) fn bind(&mut self, caller: &str, key: &str, to: Bound) {
        let Self { places, free, by_name, order, secret } = self;
        let same = |at: &u32| places[*at as usize].is(caller, key);
        match by_name.entry(hash_of(*secret, caller, key), same, |at| places[*at as usize].hash(*secret)) {
            Entry::Occupied(known) => places[*known.get() as usize].bound = to,
            Entry::Vacant(vacant) => {
                let mut name = String::with_capacity(caller.len() + key.len());
                name.push_str(caller);
                name.push_str(key);
                let place = Key { name: name.into(), from: caller.len(), bound: to };
                let at = free.pop().unwrap_or_else(|| u32::try_from(places.len()).unwrap_or(u32::MAX));
                vacant.insert(at);
                match places.get_mut(at as usize) {
                    Some(free) => *free = place,
                    None => places.push(place),
                }
                order.push_back(at);
            }
        }
    }

    /// Drops the oldest key if there are more than `max`. A key whose exchange `is_live` goes to the end of the queue instead.
    pub(crate) fn evict(&mut self, max: u32, is_live: impl Fn(ExchangeId) -> bool) -> Option<Bound> {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        for _ in 0..self.order.len().saturating_sub(max).min(8) {
            let at = self.order.pop_front()?;
            let place = self.places.get_mut(at as usize)?;
            match place.bound {
                Bound::To(exchange) if is_live(exchange) => self.order.push_back(at),
                bound => {
                    if let Ok(known) = self.by_name.find_entry(place.hash(self.secret), |known| *known == at) {
                        known.remove();
                    }
                    (place.name, place.from) = (Box::default(), 0);
                    self.free.push(at);
                    return Some(bound);
                }
            }
        }
        None
    }

    fn in_order(&self) -> impl Iterator<Item = &Key> {
        self.order.iter().filter_map(|at| self.places.get(*at as usize))
    }

    /// Every fenced key with its caller, oldest first.
    pub(crate) fn fences(&self) -> impl Iterator<Item = (Box<str>, Box<str>)> {
        let fenced = self.in_order().filter(|key| key.bound == Bound::Fenced);
        fenced.map(|key| {
            let (caller, key) = key.parts();
            (caller.into(), key.into())
        })
    }

    /// Whether this key is bound to this exchange.
    pub(crate) fn holds(&self, caller: &str, key: Option<&str>, exchange: ExchangeId) -> bool {
        key.is_some_and(|key| self.find(caller, key) == Some(Bound::To(exchange)))
    }
}

/// A list of caller, key and what it is bound to, oldest first.
impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.in_order().map(|key| (key.parts(), key.bound)))
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut keys = Self::default();
        for ((caller, key), bound) in Vec::<((Box<str>, Box<str>), Bound)>::deserialize(deserializer)? {
            keys.bind(&caller, &key, bound);
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn a_key_belongs_to_its_caller() {
        let mut keys = Keys::default();
        keys.bind("ab", "c", Bound::To(ExchangeId(1)));
        assert_eq!(keys.find("a", "bc"), None);
        assert_eq!(keys.find("ab", "c"), Some(Bound::To(ExchangeId(1))));
        assert!(keys.holds("ab", Some("c"), ExchangeId(1)) && !keys.holds("ab", Some("c"), ExchangeId(2)));
    }

    #[test]
    fn the_oldest_goes_unless_its_exchange_lives() {
        let mut keys = Keys::default();
        for id in 1..=3 {
            keys.bind("a", &format!("{id}"), Bound::To(ExchangeId(id)));
        }
        assert_eq!(keys.evict(2, |exchange| exchange.0 == 1), None);
        assert_eq!(keys.evict(2, |exchange| exchange.0 == 1), Some(Bound::To(ExchangeId(2))));
        assert_eq!(keys.evict(2, |_| false), None);
        assert!(keys.find("a", "1").is_some());
        // A place that was left is taken again, and the order goes with an image.
        keys.bind("a", "4", Bound::Fenced);
        let mut again: Keys = serde_json::from_str(&serde_json::to_string(&keys).unwrap()).unwrap();
        again.hash_by(7);
        assert_eq!((again.find("a", "4"), again.find("a", "5")), (Some(Bound::Fenced), None));
        let oldest = |keys: &mut Keys| core::iter::from_fn(|| keys.evict(0, |_| false)).collect::<Vec<_>>();
        let expected = [Bound::To(ExchangeId(3)), Bound::To(ExchangeId(1)), Bound::Fenced];
        assert_eq!((oldest(&mut keys), oldest(&mut again)), (expected.to_vec(), expected.to_vec()));
        assert_eq!((keys.find("a", "4"), keys.places.len()), (None, 3));
    }
}

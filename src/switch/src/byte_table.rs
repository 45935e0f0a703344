use alloc::vec::Vec;
use core::fmt;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bytes::{Bytes, spread_one};

/// A table of what is known by bytes: by a compartment, a scope of numbers, a correlation key.
///
/// One is found by a hash, and compared once. Whoever looks at all sees them sorted, so that the hash is nobody's to see.
#[derive(Clone)]
pub(crate) struct ByteTable<V>(HashTable<(Bytes, V)>);

impl<V> ByteTable<V> {
    pub(crate) fn get(&self, key: &[u8]) -> Option<&V> {
        self.0.find(spread_one(key), |(known, _)| **known == *key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &[u8]) -> Option<&mut V> {
        self.0.find_mut(spread_one(key), |(known, _)| **known == *key).map(|(_, value)| value)
    }

    /// Who was known so before is so no more.
    pub(crate) fn insert(&mut self, key: Bytes, value: V) {
        match self.0.entry(spread_one(&key), |(known, _)| *known == key, |(known, _)| spread_one(known)) {
            Entry::Occupied(mut known) => known.get_mut().1 = value,
            Entry::Vacant(vacant) => _ = vacant.insert((key, value)),
        }
    }

    /// What is known so; `value` if nothing is yet.
    pub(crate) fn or_insert(&mut self, key: &Bytes, value: V) -> &mut V {
        match self.0.entry(spread_one(key), |(known, _)| known == key, |(known, _)| spread_one(known)) {
            Entry::Occupied(known) => &mut known.into_mut().1,
            Entry::Vacant(vacant) => &mut vacant.insert((key.clone(), value)).into_mut().1,
        }
    }

    /// Takes one out, if there is one that `is` says so of.
    pub(crate) fn remove_if(&mut self, key: &[u8], is: impl Fn(&V) -> bool) -> Option<V> {
        let known = self.0.find_entry(spread_one(key), |(known, value)| **known == *key && is(value)).ok()?;
        Some(known.remove().0.1)
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<V> {
        self.remove_if(key, |_| true)
    }

    pub(crate) fn retain(&mut self, mut is: impl FnMut(&V) -> bool) {
        self.0.retain(|(_, value)| is(value));
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, sorted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Bytes, &V)> {
        let mut all: Vec<(&Bytes, &V)> = self.0.iter().map(|(key, value)| (key, value)).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all.into_iter()
    }

    /// All of them, in no order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }
}

impl<V> Default for ByteTable<V> {
    fn default() -> Self {
        Self(HashTable::new())
    }
}

impl<V: fmt::Debug> fmt::Debug for ByteTable<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<V> FromIterator<(Bytes, V)> for ByteTable<V> {
    fn from_iter<T: IntoIterator<Item = (Bytes, V)>>(all: T) -> Self {
        let mut table = Self::default();
        all.into_iter().for_each(|(key, value)| table.insert(key, value));
        table
    }
}

/// A list of pairs.
impl<V: Serialize> Serialize for ByteTable<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for ByteTable<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<(Bytes, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::spread;

    fn key(number: u32) -> Bytes {
        Bytes::from(std::format!("20261121{number:06}").into_bytes())
    }

    #[test]
    fn all_that_was_put_in_is_found_sorted_and_after_a_round_trip() {
        let mut all = ByteTable::default();
        for number in (0..1_000).rev() {
            all.insert(key(number), number);
            all.insert(key(number), number + 1);
        }
        assert_eq!(all.remove(&key(500)), Some(501));
        assert_eq!(all.remove(&key(500)), None);
        assert_eq!(all.remove_if(&key(501), |value| *value == 501), None);
        *all.get_mut(&key(502)).unwrap() = 6;
        *all.or_insert(&key(502), 0) += 1;
        assert_eq!(*all.or_insert(&key(499), 0), 500);
        all.retain(|value| *value < 900);
        let text = serde_json::to_string(&all).unwrap();
        let again: ByteTable<u32> = serde_json::from_str(&text).unwrap();
        let expected = (0..899).filter(|number| *number != 500).map(|number| match number {
            502 => (key(number), 7),
            _ => (key(number), number + 1),
        });
        assert!(again.iter().map(|(key, value)| (key.clone(), *value)).eq(expected));
        assert_eq!((again.len(), again.get(b"2026")), (898, None));
    }

    #[test]
    fn keys_that_differ_in_one_byte_or_in_length_have_another_hash() {
        let long = b"20261121088COMPANY1    0000012100100";
        for len in 0..long.len() {
            let whole = spread(0, [&long[..len]]);
            assert_ne!(whole, spread(0, [&long[..=len]]), "{len}");
            assert_ne!(whole, spread(1, [&long[..len]]), "{len}");
            for at in 0..len {
                let mut other = long[..len].to_vec();
                other[at] ^= 1;
                assert_ne!(whole, spread(0, [&other[..]]), "{len} {at}");
            }
        }
        assert_ne!(spread(0, [b"ab", &b"c"[..]]), spread(0, [b"a", &b"bc"[..]]));
    }
}

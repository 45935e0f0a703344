use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bytes::{Bytes, hash};
use crate::id::ExchangeId;

/// Correlation keys of exchanges that may be answered, and of settled ones while their tombstones last.
///
/// Keys of one day begin alike, so that they are found by a hash first; whole keys are compared once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending {
    places: BTreeMap<u64, Place>,
    /// Keys whose hash another one has, which nobody brings about on purpose: numbers are ours.
    others: BTreeMap<Bytes, ExchangeId>,
}

#[derive(Clone, Debug)]
struct Place {
    key: Bytes,
    exchange: ExchangeId,
}

fn hash_of(key: &[u8]) -> u64 {
    hash([key])
}

impl Pending {
    /// Whose key it is.
    pub(crate) fn get(&self, key: &[u8]) -> Option<ExchangeId> {
        match self.places.get(&hash_of(key)) {
            Some(place) if *place.key == *key => Some(place.exchange),
            Some(_) | None if self.others.is_empty() => None,
            Some(_) | None => self.others.get(key).copied(),
        }
    }

    /// Gives a key to an exchange; who had it has it no more.
    pub(crate) fn insert(&mut self, key: Bytes, exchange: ExchangeId) {
        let place = self.places.entry(hash_of(&key)).or_insert_with(|| Place { key: key.clone(), exchange });
        if place.key == key {
            place.exchange = exchange;
            if !self.others.is_empty() {
                self.others.remove(&*key);
            }
        } else {
            self.others.insert(key, exchange);
        }
    }

    /// Takes a key from an exchange, unless another one has it by now.
    pub(crate) fn remove(&mut self, key: &[u8], exchange: ExchangeId) {
        match self.places.entry(hash_of(key)) {
            Entry::Occupied(place) if *place.get().key == *key && place.get().exchange == exchange => {
                _ = place.remove()
            }
            _ if self.others.get(key) == Some(&exchange) => _ = self.others.remove(key),
            _ => {}
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&Bytes, &ExchangeId)> {
        self.places.values().map(|place| (&place.key, &place.exchange)).chain(&self.others)
    }
}

/// A list of pairs.
impl Serialize for Pending {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Pending {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut pending = Self::default();
        for (key, exchange) in Vec::<(Bytes, ExchangeId)>::deserialize(deserializer)? {
            pending.insert(key, exchange);
        }
        Ok(pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Bytes {
        Bytes::from(text.as_bytes())
    }

    #[test]
    fn a_key_has_one_exchange_and_is_taken_from_that_one_only() {
        let mut pending = Pending::default();
        pending.insert(key("a"), ExchangeId(1));
        pending.insert(key("a"), ExchangeId(2));
        pending.remove(b"a", ExchangeId(1));
        assert_eq!((pending.get(b"a"), pending.get(b"b")), (Some(ExchangeId(2)), None));
        pending.remove(b"a", ExchangeId(2));
        assert_eq!(pending.get(b"a"), None);
    }

    #[test]
    fn keys_with_one_hash_are_told_apart() {
        let mut pending = Pending::default();
        // As if the first had the second's hash.
        pending.places.insert(hash_of(b"b"), Place { key: key("a"), exchange: ExchangeId(1) });
        pending.insert(key("b"), ExchangeId(2));
        assert_eq!(pending.get(b"b"), Some(ExchangeId(2)));
        let text = serde_json::to_string(&pending).unwrap();
        let again: Pending = serde_json::from_str(&text).unwrap();
        assert_eq!((again.get(b"a"), again.get(b"b")), (Some(ExchangeId(1)), Some(ExchangeId(2))));
        pending.insert(key("b"), ExchangeId(3));
        pending.remove(b"b", ExchangeId(2));
        assert_eq!(pending.get(b"b"), Some(ExchangeId(3)));
        pending.remove(b"b", ExchangeId(3));
        assert_eq!(pending.get(b"b"), None);
    }
}

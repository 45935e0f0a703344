use alloc::vec::Vec;
use core::cell::Cell;
use core::iter::successors;

use hashbrown::HashTable;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bytes::{Bytes, spread};
use crate::exchange::Exchange;
use crate::id::ExchangeId;

/// Every exchange in memory, oldest first; each is found by its id, and by the key under which its answer is awaited.
///
/// Each has a place that stays its own until it goes, and that is used again then. What one call does is mostly about one exchange: the
/// place that was asked for last is looked at first, so that asking again costs a comparison of ids.
#[derive(Clone, Debug)]
pub(crate) struct Exchanges {
    /// [`PIECE`] places in each, so that none ever moves.
    pieces: Vec<Vec<Node>>,
    free: Vec<u32>,
    /// Places by id. Its order is nobody's.
    by_id: HashTable<u32>,
    /// Hashes of correlation keys, and places: of exchanges that may be answered, and of settled ones while their tombstones last. Its order
    /// is nobody's.
    by_key: HashTable<(u64, u32)>,
    /// How many of those have a number of theirs.
    with_their_number: usize,
    /// Begins the hashes of keys: the institution chooses their bytes, and no choice of its makes it slow to find one.
    secret: u64,
    last: Cell<u32>,
    oldest: u32,
    newest: u32,
    /// The one that came last: the next one most likely belongs behind it.
    latest: u32,
}

/// A place, and which exchange has it.
#[derive(Clone, Debug)]
struct Node {
    id: ExchangeId,
    older: u32,
    newer: u32,
    /// `None` in a free one.
    exchange: Option<Exchange>,
}

const PIECE: usize = 64;
/// No place.
const NONE: u32 = u32::MAX;

/// The half of an id that is rolled by dice.
fn hash_of(id: ExchangeId) -> u64 {
    let half = u64::try_from(id.0 & u128::from(u64::MAX)).unwrap_or(0);
    // The first two bits of it are the same in all.
    half.rotate_left(2)
}

impl Exchanges {
    fn place(&self, at: u32) -> Option<&Node> {
        let at = at as usize;
        self.pieces.get(at / PIECE)?.get(at % PIECE)
    }

    fn place_mut(&mut self, at: u32) -> Option<&mut Node> {
        let at = at as usize;
        self.pieces.get_mut(at / PIECE)?.get_mut(at % PIECE)
    }

    fn has(&self, at: u32, id: ExchangeId) -> bool {
        self.place(at).is_some_and(|place| place.id == id && place.exchange.is_some())
    }

    fn find(&self, id: ExchangeId) -> Option<u32> {
        let at = *self.by_id.find(hash_of(id), |at| self.has(*at, id))?;
        self.last.set(at);
        Some(at)
    }

    #[inline]
    pub(crate) fn get(&self, id: &ExchangeId) -> Option<&Exchange> {
        if let Some(place) = self.place(self.last.get())
            && place.id == *id
            && let Some(exchange) = &place.exchange
        {
            return Some(exchange);
        }
        self.place(self.find(*id)?)?.exchange.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: &ExchangeId) -> Option<&mut Exchange> {
        let at = self.at(*id)?;
        self.place_mut(at)?.exchange.as_mut()
    }

    /// The place of one that is there, mostly the one that was asked for last.
    #[inline]
    fn at(&self, id: ExchangeId) -> Option<u32> {
        let last = self.last.get();
        if self.has(last, id) { Some(last) } else { self.find(id) }
    }

    /// The one whose answer is awaited under a key.
    pub(crate) fn awaiting(&self, key: &[u8]) -> Option<&Exchange> {
        let at = self.at_key(self.hash_of_key(key), key)?;
        self.last.set(at);
        self.place(at)?.exchange.as_ref()
    }

    /// The answer to an exchange is awaited under a key; to another one that had it, no more.
    pub(crate) fn await_by(&mut self, id: ExchangeId, key: &Bytes) {
        let hash = self.hash_of_key(key);
        if let Some(holder) = self.at_key(hash, key) {
            self.let_go(holder);
        }
        let Some(at) = self.at(id) else { return };
        self.let_go(at);
        self.by_key.insert_unique(hash, (hash, at), |(hash, _)| *hash);
        if let Some(exchange) = self.place_mut(at).and_then(|place| place.exchange.as_mut()) {
            exchange.key = key.clone();
            let is_theirs = exchange.has_their_number;
            self.with_their_number += usize::from(is_theirs);
        }
    }

    /// Whether an answer is awaited, or was, to a request whose number names something of theirs.
    pub(crate) const fn have_their_numbers(&self) -> bool {
        self.with_their_number > 0
    }

    /// No answer to an exchange is awaited any more.
    pub(crate) fn await_no_more(&mut self, id: ExchangeId) {
        if let Some(at) = self.at(id) {
            self.let_go(at);
        }
    }

    /// Finds keys by hashes that begin with this from now on.
    pub(crate) fn hash_by(&mut self, secret: u64) {
        self.secret = secret;
        self.by_key.clear();
        let has_theirs = |one: &&Exchange| one.has_their_number && !one.key.is_empty();
        self.with_their_number = self.values().filter(has_theirs).count();
        let nodes = (0..).zip(self.pieces.iter().flatten());
        let keyed = nodes.filter_map(|(at, node)| Some((at, &node.exchange.as_ref()?.key)));
        for (at, key) in keyed.filter(|(_, key)| !key.is_empty()) {
            let hash = spread(secret, [&**key]);
            self.by_key.insert_unique(hash, (hash, at), |(hash, _)| *hash);
        }
    }

    fn hash_of_key(&self, key: &[u8]) -> u64 {
        spread(self.secret, [key])
    }

    fn at_key(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let has_it = |at: u32| self.place(at).and_then(|one| one.exchange.as_ref()).is_some_and(|one| *one.key == *key);
        self.by_key.find(hash, |(known, at)| *known == hash && has_it(*at)).map(|(_, at)| *at)
    }

    /// The exchange in a place has its key no more.
    fn let_go(&mut self, at: u32) {
        let secret = self.secret;
        let Some(exchange) = self.place_mut(at).and_then(|place| place.exchange.as_mut()) else { return };
        if exchange.key.is_empty() {
            return;
        }
        let hash = spread(secret, [&*exchange.key]);
        exchange.key = Bytes::default();
        let is_theirs = exchange.has_their_number;
        self.with_their_number -= usize::from(is_theirs);
        if let Ok(known) = self.by_key.find_entry(hash, |(_, known)| *known == at) {
            known.remove();
        }
    }

    pub(crate) fn insert(&mut self, id: ExchangeId, exchange: Exchange) {
        if self.newest().next().is_some_and(|newest| id <= newest.id)
            && let Some(at) = self.at(id)
        {
            self.let_go(at);
            if let Some(place) = self.place_mut(at) {
                place.exchange = Some(exchange);
            }
            return;
        }
        let older = self.older_than(id);
        let newer = self.place(older).map_or(self.oldest, |older| older.newer);
        let at = self.take_place();
        if let Some(place) = self.place_mut(at) {
            (place.id, place.older, place.newer) = (id, older, newer);
            place.exchange = Some(exchange);
        }
        match self.place_mut(older) {
            Some(older) => older.newer = at,
            None => self.oldest = at,
        }
        match self.place_mut(newer) {
            Some(newer) => newer.older = at,
            None => self.newest = at,
        }
        let Self { pieces, by_id, .. } = self;
        let id_at = |at: &u32| pieces[*at as usize / PIECE][*at as usize % PIECE].id;
        by_id.insert_unique(hash_of(id), at, |at| hash_of(id_at(at)));
        self.latest = at;
        self.last.set(at);
    }

    /// The newest one that is older. Ids of one core only grow, and those of an earlier one are mostly older.
    fn older_than(&self, id: ExchangeId) -> u32 {
        let mut at = self.latest;
        while let Some(place) = self.place(at)
            && place.id > id
        {
            at = place.older;
        }
        let mut next = self.place(at).map_or(self.oldest, |place| place.newer);
        while let Some(place) = self.place(next)
            && place.id < id
        {
            (at, next) = (next, place.newer);
        }
        at
    }

    fn take_place(&mut self) -> u32 {
        if let Some(at) = self.free.pop() {
            return at;
        }
        if self.pieces.last().is_none_or(|piece| piece.len() == PIECE) {
            self.pieces.push(Vec::with_capacity(PIECE));
        }
        let before = (self.pieces.len() - 1) * PIECE;
        let Some(piece) = self.pieces.last_mut() else { return NONE };
        piece.push(Node { id: ExchangeId(0), older: NONE, newer: NONE, exchange: None });
        u32::try_from(before + piece.len() - 1).unwrap_or(NONE)
    }

    pub(crate) fn remove(&mut self, id: &ExchangeId) -> Option<Exchange> {
        let at = self.leave(*id)?;
        self.place_mut(at)?.exchange.take()
    }

    /// Removes one that nobody needs any more.
    pub(crate) fn forget(&mut self, id: &ExchangeId) {
        if let Some(at) = self.leave(*id)
            && let Some(place) = self.place_mut(at)
        {
            place.exchange = None;
        }
    }

    /// The place of one that goes is free, and holds it still.
    fn leave(&mut self, id: ExchangeId) -> Option<u32> {
        let at = self.at(id)?;
        self.let_go(at);
        if let Ok(known) = self.by_id.find_entry(hash_of(id), |known| *known == at) {
            known.remove();
        }
        let &Node { older, newer, .. } = self.place(at)?;
        match self.place_mut(older) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
        match self.place_mut(newer) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
        if self.latest == at {
            self.latest = older;
        }
        self.free.push(at);
        Some(at)
    }

    /// Oldest first.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Exchange> {
        let oldest = self.place(self.oldest);
        successors(oldest, |place| self.place(place.newer)).filter_map(|place| place.exchange.as_ref())
    }

    /// Newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &Exchange> {
        let newest = self.place(self.newest);
        successors(newest, |place| self.place(place.older)).filter_map(|place| place.exchange.as_ref())
    }

    /// In no order.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Exchange> {
        self.pieces.iter_mut().flatten().filter_map(|place| place.exchange.as_mut())
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }
}

impl Default for Exchanges {
    fn default() -> Self {
        Self {
            pieces: Vec::new(),
            free: Vec::new(),
            by_id: HashTable::new(),
            by_key: HashTable::new(),
            with_their_number: 0,
            secret: 0,
            last: Cell::new(NONE),
            oldest: NONE,
            newest: NONE,
            latest: NONE,
        }
    }
}

/// A list, oldest first.
impl Serialize for Exchanges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.values())
    }
}

impl<'de> Deserialize<'de> for Exchanges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut exchanges = Self::default();
        for exchange in Vec::<Exchange>::deserialize(deserializer)? {
            exchanges.insert(exchange.id, exchange);
        }
        Ok(exchanges)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::sync::Arc;

    use pabal_clock::{BusinessDate, Date, Wall};
    use pabal_spec::Digest;

    use super::*;
    use crate::bytes::Bytes;
    use crate::entry::{About, Origin};
    use crate::exchange::ExchangeState;

    fn exchange(id: u128) -> Exchange {
        let about = About {
            protocol: "p".into(),
            rule: "r".into(),
            spec: Digest(0),
            origin: Origin::Caller,
            caller: "c".into(),
            idempotency_key: None,
            content: 0,
            party: "main".into(),
            participant: Bytes::default(),
            compartment: Bytes::default(),
            date: BusinessDate::from_date(Date::new(2_026, 11, 21).unwrap()),
            accepted_at: Wall::from_unix_seconds(0),
            trace: None,
        };
        Exchange {
            id: ExchangeId(id),
            plan: 0,
            protocol: 0,
            state: ExchangeState::Accepted,
            about: Arc::new(about),
            opening: None,
            leave_by: None,
            telegram: Bytes::default(),
            confirms: Bytes::default(),
            number: None,
            key: Bytes::default(),
            sent: None,
            takes_room: false,
            has_their_number: false,
            outcome: None,
            told: None,
            answer: None,
            inquiry: None,
            is_tombstoned: false,
            is_listed: false,
            holds: crate::exchange::Holds::default(),
        }
    }

    #[test]
    fn a_key_has_one_exchange_and_goes_with_it() {
        let mut exchanges = Exchanges::default();
        let key = |text: &str| Bytes::from(text.as_bytes());
        let of = |exchanges: &Exchanges, key: &[u8]| exchanges.awaiting(key).map(|one| one.id.0);
        for id in 1..=3 {
            exchanges.insert(ExchangeId(id), exchange(id));
        }
        exchanges.await_by(ExchangeId(1), &key("a"));
        exchanges.await_by(ExchangeId(2), &key("a"));
        exchanges.await_by(ExchangeId(3), &key("c"));
        exchanges.await_no_more(ExchangeId(1));
        assert_eq!((of(&exchanges, b"a"), of(&exchanges, b"b"), of(&exchanges, b"c")), (Some(2), None, Some(3)));
        assert!(exchanges.get(&ExchangeId(1)).unwrap().key.is_empty());
        // An image has them with their exchanges; a secret changes nothing but where they lie.
        let mut again: Exchanges = serde_json::from_str(&serde_json::to_string(&exchanges).unwrap()).unwrap();
        again.hash_by(7);
        again.forget(&ExchangeId(2));
        again.await_no_more(ExchangeId(3));
        assert_eq!((of(&again, b"a"), of(&again, b"c"), again.by_key.len()), (None, None, 0));
        again.await_by(ExchangeId(1), &key("a"));
        assert_eq!((of(&again, b"a"), of(&exchanges, b"a")), (Some(1), Some(2)));
    }

    /// Those of an earlier process first, whose clock may have been ahead; then as they come, and they go in any order.
    #[test]
    fn they_are_found_and_oldest_first_whatever_comes_and_goes() {
        let (mut exchanges, mut model) = (Exchanges::default(), BTreeMap::new());
        let mut chance = 7_u64;
        let mut roll = |below: u64| {
            chance = chance.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (chance >> 33) % below
        };
        for id in [900, 4_000, 3_000, 5_000] {
            exchanges.insert(ExchangeId(id), exchange(id));
            model.insert(id, false);
        }
        for id in 1_000..3_500_u128 {
            exchanges.insert(ExchangeId(id), exchange(id));
            model.insert(id, false);
            let some = u128::from(roll(2_500)) + 1_000;
            match roll(3) {
                0 => {
                    let was = exchanges.remove(&ExchangeId(some)).map(|exchange| exchange.is_tombstoned);
                    assert_eq!(was, model.remove(&some));
                    assert!(exchanges.remove(&ExchangeId(some)).is_none());
                }
                1 => {
                    let known = exchanges.get_mut(&ExchangeId(some)).map(|known| known.is_tombstoned = true);
                    assert_eq!(known, model.get_mut(&some).map(|known| *known = true));
                }
                _ => {
                    let oldest = exchanges.values().next().map(|exchange| exchange.id);
                    oldest.map(|id| exchanges.remove(&id));
                    model.pop_first();
                }
            }
            assert_eq!(
                exchanges.get(&ExchangeId(some)).map(|one| one.id.0),
                model.get_key_value(&some).map(|it| *it.0)
            );
            assert_eq!(exchanges.newest().next().map(|one| one.id.0), model.keys().next_back().copied());
        }
        let all = |exchanges: &Exchanges| -> Vec<(u128, bool)> {
            exchanges.values().map(|one| (one.id.0, one.is_tombstoned)).collect()
        };
        assert_eq!(all(&exchanges), model.into_iter().collect::<Vec<_>>());
        assert_eq!(exchanges.len(), all(&exchanges).len());
        assert!(exchanges.newest().map(|one| one.id.0).eq(all(&exchanges).into_iter().rev().map(|(id, _)| id)));
        let again = serde_json::from_str(&serde_json::to_string(&exchanges).unwrap()).unwrap();
        assert_eq!(all(&again), all(&exchanges));
    }
}

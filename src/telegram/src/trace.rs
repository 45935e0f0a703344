use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use pabal_clock::Mono;

use crate::field::Slice;

/// The key under which a caller's trace is kept while its telegram is away: bytes of fields that the answer echoes. It tells requests of
/// one protocol apart; of two protocols, keep two [`Carrier`]s.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceKey(pub Vec<u8>);

impl TraceKey {
    /// Reads the key from a telegram; `None` if the telegram is too short to have it.
    #[must_use]
    pub fn of(telegram: &[u8], fields: &[Slice]) -> Option<Self> {
        let mut key = Vec::new();
        for field in fields {
            key.extend_from_slice(field.of(telegram)?);
        }
        Some(Self(key))
    }
}

/// Carries what belongs to a request over the time that its telegram is away: a trace context, mostly. Store it under the request's
/// [`TraceKey`] before the request is sent, and find it when any telegram with this key comes in, on whatever task or socket.
///
/// It is bounded twice. Of more than `max` contexts the oldest is dropped, and counted, for that is a loss; what is older than `keep` is
/// gone by the caller's own clock, and is not counted, since nobody waits for it any more.
///
/// ```
/// use core::time::Duration;
/// use pabal_clock::Mono;
/// use pabal_telegram::{Carrier, Slice, TraceKey};
///
/// // Where the key is, is said by the spec (`trace`): here the time of day and the number.
/// let fields = [Slice { offset: 4, len: 6 }, Slice { offset: 10, len: 3 }];
/// let mut carrier = Carrier::new(10_000, Duration::from_secs(900));
///
/// let sent_at = Mono::from_nanos(1_000_000_000);
/// let request = b"2000093015001balance?";
/// let key = TraceKey::of(request, &fields).expect("long enough");
/// carrier.store(key, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", sent_at);
///
/// // Ten minutes later, on another socket.
/// let answer = b"2100093015001 1500000";
/// let key = TraceKey::of(answer, &fields).expect("long enough");
/// let trace = carrier.find(&key, sent_at + Duration::from_secs(600));
/// assert_eq!(trace, Some(&"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
/// assert_eq!(carrier.find(&key, sent_at + Duration::from_secs(900)), None);
/// ```
#[derive(Clone, Debug)]
pub struct Carrier<C> {
    contexts: BTreeMap<TraceKey, (Age, C)>,
    by_age: BTreeMap<Age, TraceKey>,
    stored: u64,
    max: usize,
    keep: Duration,
    dropped: u64,
}

/// When something was stored, and as which one of all.
type Age = (Mono, u64);

impl<C> Carrier<C> {
    /// Keeps at most `max` contexts, each for less than `keep`. With a `max` of zero it keeps nothing, and counts everything.
    #[must_use]
    pub const fn new(max: usize, keep: Duration) -> Self {
        Self { contexts: BTreeMap::new(), by_age: BTreeMap::new(), stored: 0, max, keep, dropped: 0 }
    }

    /// Keeps a context from `now` on. What was kept under the same key, and is not too old, comes back; it is not counted as dropped.
    /// If there is no room, the oldest context goes.
    pub fn store(&mut self, key: TraceKey, context: C, now: Mono) -> Option<C> {
        self.expire(now);
        let replaced = self.remove(&key);
        let age = (now, self.stored);
        self.stored += 1;
        self.by_age.insert(age, key.clone());
        self.contexts.insert(key, (age, context));
        while self.contexts.len() > self.max {
            self.drop_oldest();
            self.dropped += 1;
        }
        replaced
    }

    /// The context that was stored under a key, if it is not too old.
    #[must_use]
    pub fn find(&self, key: &TraceKey, now: Mono) -> Option<&C> {
        let (age, context) = self.contexts.get(key)?;
        (!self.is_over(*age, now)).then_some(context)
    }

    /// The same, and it is kept no longer: for an answer that nothing can follow.
    pub fn take(&mut self, key: &TraceKey, now: Mono) -> Option<C> {
        self.expire(now);
        self.remove(key)
    }

    /// Lets go of what is too old, and says of how many. [`Carrier::store`] and [`Carrier::take`] do so by themselves; a program that is
    /// silent for long may call it at [`Carrier::next_expiry`].
    pub fn expire(&mut self, now: Mono) -> usize {
        let before = self.contexts.len();
        while self.by_age.first_key_value().is_some_and(|(age, _)| self.is_over(*age, now)) {
            self.drop_oldest();
        }
        before - self.contexts.len()
    }

    /// When the oldest context will be too old; `None` if none is kept.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Mono> {
        self.by_age.first_key_value().map(|((stored_at, _), _)| *stored_at + self.keep)
    }

    /// How many contexts were lost since there was no room for them.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many contexts are held, those included that are too old and were not let go yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.contexts.len()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contexts.is_empty()
    }

    fn is_over(&self, (stored_at, _): Age, now: Mono) -> bool {
        now.since(stored_at) >= self.keep
    }

    fn remove(&mut self, key: &TraceKey) -> Option<C> {
        let (age, context) = self.contexts.remove(key)?;
        self.by_age.remove(&age);
        Some(context)
    }

    fn drop_oldest(&mut self) {
        if let Some((_, key)) = self.by_age.pop_first() {
            self.contexts.remove(&key);
        }
        assert!(self.by_age.len() == self.contexts.len(), "each context has its age");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(name: u8) -> TraceKey {
        TraceKey(Vec::from([name]))
    }

    fn at(seconds: u64) -> Mono {
        Mono::from_nanos(seconds * 1_000_000_000)
    }

    fn carrier(max: usize) -> Carrier<&'static str> {
        Carrier::new(max, Duration::from_secs(10))
    }

    #[test]
    fn a_key_is_bytes_of_fields_in_their_order() {
        let (date, no) = (Slice { offset: 0, len: 4 }, Slice { offset: 6, len: 2 });
        assert_eq!(TraceKey::of(b"0102--07", &[no, date]), Some(TraceKey(b"070102".to_vec())));
        assert_eq!(TraceKey::of(b"0102--0", &[no, date]), None);
        assert_eq!(TraceKey::of(b"", &[]), Some(TraceKey(Vec::new())));
    }

    #[test]
    fn a_context_is_found_until_it_is_too_old() {
        let mut carrier = carrier(2);
        assert_eq!(carrier.store(key(1), "one", at(5)), None);
        assert_eq!(carrier.next_expiry(), Some(at(15)));
        // As often as one asks: an answer may be followed by a late one.
        for now in [5, 5, 14] {
            assert_eq!(carrier.find(&key(1), at(now)), Some(&"one"));
        }
        assert_eq!(carrier.find(&key(2), at(5)), None);
        assert_eq!(carrier.find(&key(1), at(15)), None);
        assert_eq!((carrier.len(), carrier.expire(at(15)), carrier.len()), (1, 1, 0));
        assert_eq!((carrier.dropped(), carrier.next_expiry()), (0, None));
    }

    #[test]
    fn a_context_is_taken_once() {
        let mut carrier = carrier(2);
        carrier.store(key(1), "one", at(0));
        assert_eq!(carrier.take(&key(1), at(9)), Some("one"));
        assert_eq!((carrier.take(&key(1), at(9)), carrier.is_empty()), (None, true));
        carrier.store(key(2), "two", at(10));
        assert_eq!(carrier.take(&key(2), at(20)), None, "too old");
    }

    #[test]
    fn the_oldest_goes_first_and_is_counted() {
        let mut carrier = carrier(2);
        for (name, context) in [(1, "one"), (2, "two"), (3, "three")] {
            carrier.store(key(name), context, at(1));
        }
        assert_eq!([1, 2, 3].map(|name| carrier.find(&key(name), at(1)).copied()), [None, Some("two"), Some("three")]);
        assert_eq!((carrier.dropped(), carrier.len()), (1, 2));
        // What is too old makes room and is no loss.
        carrier.store(key(4), "four", at(11));
        assert_eq!((carrier.dropped(), carrier.len()), (1, 1));
    }

    #[test]
    fn a_key_that_is_stored_again_is_young_again() {
        let mut carrier = carrier(2);
        carrier.store(key(1), "one", at(0));
        carrier.store(key(2), "two", at(1));
        assert_eq!(carrier.store(key(1), "one again", at(2)), Some("one"));
        carrier.store(key(3), "three", at(3));
        assert_eq!((carrier.find(&key(2), at(3)), carrier.find(&key(1), at(3))), (None, Some(&"one again")));
    }

    #[test]
    fn without_room_everything_is_lost() {
        let mut carrier = carrier(0);
        carrier.store(key(1), "one", at(0));
        assert_eq!((carrier.len(), carrier.dropped()), (0, 1));
    }

    #[derive(Clone, Copy, Debug)]
    enum Deed {
        Store(u8),
        Find(u8),
        Take(u8),
        Expire,
    }

    fn deed() -> impl Strategy<Value = (Deed, u64)> {
        let name = 0..6_u8;
        let deed = prop_oneof![
            3 => name.clone().prop_map(Deed::Store),
            3 => name.clone().prop_map(Deed::Find),
            1 => name.prop_map(Deed::Take),
            1 => Just(Deed::Expire),
        ];
        (deed, 0..4_u64)
    }

    /// What a carrier does, as a list of all that was stored, the youngest last.
    #[derive(Default)]
    struct Model {
        all: Vec<(u8, usize, u64)>,
        dropped: u64,
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_does_what_a_list_would(deeds in prop::collection::vec(deed(), 0..60), max in 0..5_usize) {
            let mut carrier = Carrier::new(max, Duration::from_secs(10));
            let mut model = Model::default();
            let mut now = 0;
            for (at_, (deed, passed)) in deeds.into_iter().enumerate() {
                now += passed;
                let young = |(_, _, stored): &(u8, usize, u64)| now - stored < 10;
                let found = |model: &Model, name| model.all.iter().rfind(|known| known.0 == name && young(known)).map(|known| known.1);
                match deed {
                    Deed::Store(name) => {
                        let replaced = found(&model, name);
                        model.all.retain(|known| young(known) && known.0 != name);
                        model.all.push((name, at_, now));
                        if model.all.len() > max {
                            model.all.remove(0);
                            model.dropped += 1;
                        }
                        prop_assert_eq!(carrier.store(key(name), at_, at(now)), replaced);
                    }
                    Deed::Find(name) => prop_assert_eq!(carrier.find(&key(name), at(now)).copied(), found(&model, name)),
                    Deed::Take(name) => {
                        let taken = found(&model, name);
                        model.all.retain(|known| young(known) && known.0 != name);
                        prop_assert_eq!(carrier.take(&key(name), at(now)), taken);
                    }
                    Deed::Expire => {
                        let old = model.all.iter().filter(|known| !young(known)).count();
                        model.all.retain(young);
                        prop_assert_eq!(carrier.expire(at(now)), old);
                    }
                }
                prop_assert_eq!(carrier.len(), model.all.len());
                prop_assert_eq!(carrier.dropped(), model.dropped);
                prop_assert!(carrier.len() <= max);
                prop_assert_eq!(carrier.next_expiry(), model.all.first().map(|(_, _, stored)| at(stored + 10)));
            }
        }
    }
}

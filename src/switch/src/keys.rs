use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;

use serde::{Deserialize, Serialize};

use crate::id::ExchangeId;

/// What an idempotency key is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Bound {
    To(ExchangeId),
    Fenced,
}

/// The idempotency keys of all callers, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Keys {
    bound: BTreeMap<Box<str>, Bound>,
    order: VecDeque<Box<str>>,
}

/// Caller and key in one: the caller's length in front keeps `ab`+`c` and `a`+`bc` apart.
fn name(caller: &str, key: &str) -> Box<str> {
    format!("{}:{caller}{key}", caller.len()).into()
}

impl Keys {
    pub(crate) fn find(&self, caller: &str, key: &str) -> Option<Bound> {
        self.bound.get(&name(caller, key)).copied()
    }

    pub(crate) fn bind(&mut self, caller: &str, key: &str, to: Bound) {
        let name = name(caller, key);
        if self.bound.insert(name.clone(), to).is_none() {
            self.order.push_back(name);
        }
    }

    /// Drops the oldest key if there are more than `max`. A key whose exchange `is_live` goes to the end of the queue instead.
    pub(crate) fn evict(&mut self, max: u32, is_live: impl Fn(ExchangeId) -> bool) -> Option<Bound> {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        for _ in 0..self.order.len().saturating_sub(max).min(8) {
            let name = self.order.pop_front()?;
            match self.bound.get(&name).copied() {
                Some(Bound::To(exchange)) if is_live(exchange) => self.order.push_back(name),
                bound => {
                    self.bound.remove(&name);
                    return bound;
                }
            }
        }
        None
    }

    /// Every fenced key with its caller, oldest first.
    pub(crate) fn fences(&self) -> impl Iterator<Item = (Box<str>, Box<str>)> {
        let fenced = self.order.iter().filter(|name| self.bound.get(*name) == Some(&Bound::Fenced));
        fenced.filter_map(|name| {
            let (len, rest) = name.split_once(':')?;
            let (caller, key) = rest.split_at_checked(len.parse().ok()?)?;
            Some((caller.into(), key.into()))
        })
    }

    /// Whether this key is bound to this exchange.
    pub(crate) fn holds(&self, caller: &str, key: Option<&str>, exchange: ExchangeId) -> bool {
        key.is_some_and(|key| self.find(caller, key) == Some(Bound::To(exchange)))
    }
}

#[cfg(test)]
mod tests {
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
    }
}

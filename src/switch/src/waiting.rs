use alloc::collections::{BTreeMap, VecDeque};
use core::ops::Bound;

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::id::ExchangeId;
use crate::pairs;

/// The requests of one protocol that wait for room: a queue for each compartment, served in turn, so that a bank with many
/// requests does not hold up the others.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Waiting {
    #[serde(with = "pairs")]
    queues: BTreeMap<Bytes, VecDeque<ExchangeId>>,
    served: Option<Bytes>,
}

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// How many wait for one compartment.
    pub(crate) fn len_of(&self, compartment: &[u8]) -> u32 {
        self.queues.get(compartment).map_or(0, |queue| u32::try_from(queue.len()).unwrap_or(u32::MAX))
    }

    /// How many wait for all of them.
    pub(crate) fn len(&self) -> u32 {
        self.queues.values().fold(0, |sum, queue| sum.saturating_add(u32::try_from(queue.len()).unwrap_or(u32::MAX)))
    }

    pub(crate) fn push(&mut self, compartment: &Bytes, exchange: ExchangeId) {
        self.queues.entry(compartment.clone()).or_default().push_back(exchange);
    }

    /// The next one: the first of the compartment whose turn it is.
    pub(crate) fn take(&mut self) -> Option<ExchangeId> {
        let behind = match &self.served {
            Some(served) => (Bound::Excluded(served.clone()), Bound::Unbounded),
            None => (Bound::Unbounded, Bound::Unbounded),
        };
        let next = self.queues.range(behind).next().or_else(|| self.queues.iter().next())?;
        let compartment = next.0.clone();
        let queue = self.queues.get_mut(&*compartment)?;
        let exchange = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&*compartment);
        }
        self.served = Some(compartment);
        exchange
    }

    /// Takes one out of its turn.
    pub(crate) fn remove(&mut self, compartment: &[u8], exchange: ExchangeId) {
        if let Some(queue) = self.queues.get_mut(compartment) {
            queue.retain(|waiting| *waiting != exchange);
            if queue.is_empty() {
                self.queues.remove(compartment);
            }
        }
    }

    /// Every one that waits.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ExchangeId> {
        self.queues.values().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compartments_take_turns() {
        let mut waiting = Waiting::default();
        let (a, b) = (Bytes::from(&b"004"[..]), Bytes::from(&b"088"[..]));
        for id in 1..=4 {
            waiting.push(&a, ExchangeId(id));
        }
        waiting.push(&b, ExchangeId(11));
        waiting.push(&b, ExchangeId(12));
        waiting.remove(b"004", ExchangeId(2));
        assert_eq!((waiting.len(), waiting.len_of(b"004"), waiting.len_of(b"011")), (5, 3, 0));
        let order: std::vec::Vec<_> = core::iter::from_fn(|| waiting.take()).map(|id| id.0).collect();
        assert_eq!(order, [1, 11, 3, 12, 4]);
        assert!(waiting.is_empty());
    }
}

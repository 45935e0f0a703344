//! Who waits for which exchange.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use pabal_switch::{ExchangeId, ExchangeState, Report};

use super::command::{Heard, Waiter, WaiterId};

/// One for each exchange, almost always.
struct Ones {
    first: Waiter,
    others: Vec<Waiter>,
}

#[derive(Default)]
pub(super) struct Waiters {
    of_exchange: BTreeMap<ExchangeId, Ones>,
    exchange_of: BTreeMap<WaiterId, ExchangeId>,
}

impl Waiters {
    pub(super) fn add(&mut self, exchange: ExchangeId, waiter: Waiter) {
        waiter.waits_for(exchange);
        self.exchange_of.insert(waiter.id, exchange);
        match self.of_exchange.entry(exchange) {
            Entry::Vacant(entry) => _ = entry.insert(Ones { first: waiter, others: Vec::new() }),
            Entry::Occupied(mut entry) => entry.get_mut().others.push(waiter),
        }
    }

    /// All who wait for an exchange hear of it, and wait no more.
    pub(super) fn tell(&mut self, exchange: ExchangeId, report: Report, state: Option<ExchangeState>) {
        let Some(Ones { first, others }) = self.of_exchange.remove(&exchange) else { return };
        for waiter in others {
            self.exchange_of.remove(&waiter.id);
            waiter.tell(Heard::Report(report.clone(), state));
        }
        self.exchange_of.remove(&first.id);
        first.tell(Heard::Report(report, state));
    }

    /// Somebody went away. Returns the exchange if nobody else waits for it.
    pub(super) fn leave(&mut self, waiter: WaiterId) -> Option<ExchangeId> {
        let exchange = self.exchange_of.remove(&waiter)?;
        let waiting = self.of_exchange.get_mut(&exchange)?;
        if waiting.first.id != waiter {
            waiting.others.retain(|other| other.id != waiter);
            return None;
        }
        match waiting.others.pop() {
            Some(other) => {
                waiting.first = other;
                None
            }
            None => {
                self.of_exchange.remove(&exchange);
                Some(exchange)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::super::command::Waiting;
    use super::*;

    fn not_sent() -> Report {
        Report::NotSent { refusal: pabal_switch::Refusal::Draining, detail: String::new() }
    }

    #[tokio::test]
    async fn all_who_wait_hear_and_the_last_to_leave_abandons() {
        let (abandons, mut left) = mpsc::unbounded_channel();
        let mut waiters = Waiters::default();
        let exchange = ExchangeId(7);
        let mut join = |id| {
            let (waiter, waiting) = Waiting::new(WaiterId(id), abandons.clone());
            waiters.add(exchange, waiter.begin().unwrap());
            waiting
        };
        let (first, second, mut third) = (join(1), join(2), join(3));
        assert_eq!(third.exchange(), Some(exchange));
        drop(first);
        drop(second);
        for _ in 0..2 {
            assert_eq!(waiters.leave(left.recv().await.unwrap()), None, "one still waits");
        }
        waiters.tell(exchange, not_sent(), None);
        assert!(matches!(third.hear().await, Some(Heard::Report(Report::NotSent { .. }, None))));
        drop(third);
        assert!(left.try_recv().is_err(), "who has heard does not abandon");

        let (waiter, waiting) = Waiting::new(WaiterId(4), abandons.clone());
        waiters.add(exchange, waiter.begin().unwrap());
        drop(waiting);
        assert_eq!(waiters.leave(left.recv().await.unwrap()), Some(exchange));
        assert!(waiters.of_exchange.is_empty() && waiters.exchange_of.is_empty());
    }

    #[tokio::test]
    async fn a_driver_that_dies_is_heard_of() {
        let (abandons, _left) = mpsc::unbounded_channel();
        let (waiter, mut waiting) = Waiting::new(WaiterId(1), abandons);
        let mut waiters = Waiters::default();
        waiters.add(ExchangeId(9), waiter);
        drop(waiters);
        assert!(waiting.hear().await.is_none());
        assert_eq!(waiting.exchange(), Some(ExchangeId(9)));
    }
}

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exchange::Exchange;
use crate::id::ExchangeId;

/// Every exchange in memory, oldest first. Each is in a box: at both ends of the map what is in it is moved about with every one that
/// comes or goes, and an exchange is as long as a telegram.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Exchanges(BTreeMap<ExchangeId, Box<Exchange>>);

impl Exchanges {
    pub(crate) fn get(&self, id: &ExchangeId) -> Option<&Exchange> {
        self.0.get(id).map(|exchange| &**exchange)
    }

    pub(crate) fn get_mut(&mut self, id: &ExchangeId) -> Option<&mut Exchange> {
        self.0.get_mut(id).map(|exchange| &mut **exchange)
    }

    pub(crate) fn insert(&mut self, id: ExchangeId, exchange: Exchange) {
        self.0.insert(id, Box::new(exchange));
    }

    pub(crate) fn remove(&mut self, id: &ExchangeId) -> Option<Box<Exchange>> {
        self.0.remove(id)
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &Exchange> {
        self.0.values().map(|exchange| &**exchange)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Exchange> {
        self.0.values_mut().map(|exchange| &mut **exchange)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

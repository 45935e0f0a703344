use serde::{Deserialize, Serialize};

use crate::by_bytes::ByBytes;
use crate::bytes::Bytes;
use crate::id::ExchangeId;

/// Correlation keys of exchanges that may be answered, and of settled ones while their tombstones last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Pending(ByBytes<ExchangeId>);

impl Pending {
    /// Whose key it is.
    pub(crate) fn get(&self, key: &[u8]) -> Option<ExchangeId> {
        self.0.get(key).copied()
    }

    /// Gives a key to an exchange; who had it has it no more.
    pub(crate) fn insert(&mut self, key: Bytes, exchange: ExchangeId) {
        self.0.insert(key, exchange);
    }

    /// Takes a key from an exchange, unless another one has it by now.
    pub(crate) fn remove(&mut self, key: &[u8], exchange: ExchangeId) {
        self.0.remove_if(key, |holder| *holder == exchange);
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
        let text = serde_json::to_string(&pending).unwrap();
        let again: Pending = serde_json::from_str(&text).unwrap();
        assert_eq!(again.get(b"a"), Some(ExchangeId(2)));
        pending.remove(b"a", ExchangeId(2));
        assert_eq!(pending.get(b"a"), None);
    }
}

//! Maps with keys that are no text, as a list of pairs; timers as a list, too.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn serialize<S, K, V>(map: &BTreeMap<K, V>, serializer: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    K: Serialize,
    V: Serialize,
{
    serializer.collect_seq(map.iter())
}

pub(crate) fn deserialize<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
}

pub(crate) mod timers {
    use pabal_clock::{Mono, Timers};

    use super::{Deserialize, Deserializer, Serializer, Vec};
    use crate::timer::TimerName;

    pub(crate) fn serialize<S: Serializer>(timers: &Timers<TimerName>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(timers.iter())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timers<TimerName>, D::Error> {
        let mut timers = Timers::new();
        for (name, at) in Vec::<(TimerName, Mono)>::deserialize(deserializer)? {
            timers.set(name, at);
        }
        Ok(timers)
    }
}

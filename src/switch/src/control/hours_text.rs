//! Hours as people write them, in entries and images.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use pabal_clock::Hours;
use serde::{Deserialize, Deserializer, Serializer, de};

pub(crate) fn serialize<S: Serializer>(hours: &[Hours], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(hours.iter().map(ToString::to_string))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Hours>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| Hours::parse(text).map_err(de::Error::custom)).collect()
}

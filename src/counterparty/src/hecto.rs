//! The institution that tests speak with: the repository's own spec of Hecto.

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use pabal_spec::{Protocol, Source};

/// Loaded once for all tests of a process.
pub(crate) fn protocol() -> Arc<Protocol> {
    static PROTOCOL: std::sync::OnceLock<Arc<Protocol>> = std::sync::OnceLock::new();
    Arc::clone(PROTOCOL.get_or_init(|| load(SPEC)))
}

/// The same with other words in it.
pub(crate) fn changed(from: &str, to: &str) -> Arc<Protocol> {
    assert_eq!(SPEC.matches(from).count(), 1, "{from}");
    load(&SPEC.replace(from, to))
}

const SPEC: &str = include_str!("../../../specs/hecto/firmbanking.spec");

fn load(spec: &str) -> Arc<Protocol> {
    let files = [("firmbanking.spec", spec), ("codes.csv", include_str!("../../../specs/hecto/codes.csv"))];
    let sources: Vec<Source> =
        files.iter().map(|(name, text)| Source { name: (*name).to_string(), text: (*text).to_string() }).collect();
    let loaded = pabal_spec::load(&sources).expect("the repository's spec is right");
    Arc::clone(loaded.institution.protocols.first().expect("it has a protocol"))
}

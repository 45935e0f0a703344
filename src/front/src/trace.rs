use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use tonic::metadata::MetadataMap;

/// The trace under which a call runs: the caller's, or a new one if it gave none that is valid (W3C Trace Context), so that every exchange
/// has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace(SpanContext);

impl Trace {
    pub(crate) fn of(metadata: &MetadataMap) -> Self {
        let context =
            TraceContextPropagator::new().extract_with_context(&opentelemetry::Context::new(), &Carrier(metadata));
        let caller = context.span().span_context().clone();
        if caller.is_valid() { Self(caller) } else { Self::begin(&RandomIdGenerator::default()) }
    }

    fn begin(ids: &dyn IdGenerator) -> Self {
        // Nobody records this span yet, so it is not sampled.
        let flags = TraceFlags::default();
        Self(SpanContext::new(ids.new_trace_id(), ids.new_span_id(), flags, false, TraceState::default()))
    }

    /// 32 hexadecimal digits.
    pub(crate) fn id(&self) -> TraceId {
        self.0.trace_id()
    }

    /// As `traceparent` carries it.
    pub(crate) fn parent(&self) -> String {
        let span: SpanId = self.0.span_id();
        format!("00-{}-{span}-{:02x}", self.0.trace_id(), self.0.trace_flags().to_u8())
    }
}

/// The trace id in a `traceparent`, or what is there if it is none.
pub(crate) fn id_of(parent: &str) -> &str {
    match parent.split('-').nth(1) {
        Some(id) if id.len() == 32 => id,
        _ => parent,
    }
}

struct Carrier<'m>(&'m MetadataMap);

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty())
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn trace(parent: Option<&str>) -> Trace {
        let mut metadata = MetadataMap::new();
        if let Some(parent) = parent {
            metadata.insert("traceparent", parent.parse().expect("ASCII"));
        }
        Trace::of(&metadata)
    }

    #[test]
    fn the_callers_trace_is_kept() {
        let trace = trace(Some(PARENT));
        assert_eq!(trace.parent(), PARENT);
        assert_eq!(trace.id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(id_of(&trace.parent()), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn without_a_valid_one_a_trace_is_begun() {
        let zero = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        for parent in [None, Some(""), Some("garbage"), Some(zero), Some(&PARENT[..54])] {
            let trace = trace(parent);
            assert_ne!(trace.id(), TraceId::INVALID, "{parent:?}");
            assert_eq!(trace.parent().len(), PARENT.len());
            assert_eq!(id_of(&trace.parent()), trace.id().to_string());
        }
        assert_ne!(trace(None).id(), trace(None).id());
    }

    #[test]
    fn an_id_alone_is_left_as_it_is() {
        assert_eq!(id_of("4bf92f3577b34da6a3ce929d0e0e4736"), "4bf92f3577b34da6a3ce929d0e0e4736");
    }
}

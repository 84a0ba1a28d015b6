//! A span processor that copies baggage to attributes.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::Span as _;
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

/// Copies the baggage members with these keys to each span that starts, as attributes of the same
/// name.
///
/// Baggage comes from the caller, so nothing is copied that is not on the list: not to give
/// callers a say about what is stored, and not to store what a caller holds private.
///
/// [`Traces::baggage_attributes`](crate::Traces::baggage_attributes) adds it; it is public for
/// people who build their own provider:
///
/// ```
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use tracewire_init::BaggageAttributes;
///
/// let provider = SdkTracerProvider::builder()
///     .with_span_processor(BaggageAttributes::new(["tenant.id", "user.id"]))
///     .build();
/// ```
#[derive(Clone)]
pub struct BaggageAttributes {
    keys: HashSet<String>,
}

impl BaggageAttributes {
    /// Copies members with one of these keys.
    pub fn new(keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { keys: keys.into_iter().map(Into::into).collect() }
    }
}

impl fmt::Debug for BaggageAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BaggageAttributes").field("keys", &self.keys).finish()
    }
}

impl SpanProcessor for BaggageAttributes {
    fn on_start(&self, span: &mut Span, context: &Context) {
        let members = context.baggage().iter();
        for (key, (value, _)) in members.filter(|(key, _)| self.keys.contains(key.as_str())) {
            span.set_attribute(KeyValue::new(key.clone(), value.clone()));
        }
    }

    fn on_end(&self, _span: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{Tracer, TracerProvider};
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

    #[test]
    fn only_listed_members_are_copied() {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BaggageAttributes::new(["tenant.id"]))
            .with_simple_exporter(exporter.clone())
            .build();
        let context = Context::new()
            .with_baggage([KeyValue::new("tenant.id", "7"), KeyValue::new("secret", "x")]);
        drop(provider.tracer("test").start_with_context("span", &context));
        let spans = exporter.get_finished_spans().unwrap();
        assert_eq!(spans[0].attributes, [KeyValue::new("tenant.id", "7")]);
    }
}

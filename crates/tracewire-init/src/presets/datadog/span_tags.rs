//! What the Agent reads of each span beside what every back end reads.

use std::time::Duration;

use opentelemetry::trace::{Span as _, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tracewire_propagation::DatadogTrace;

/// By which the Agent keeps or drops a trace, after it has counted it.
const PRIORITY: &str = "_sampling_priority_v1";
/// The part of traces that is exported. Without it the Agent takes it from `tracestate`, where a caller may have
/// written its own.
const RATE: &str = "_sample_rate";
const ORIGIN: &str = "_dd.origin";
const HIGH_HALF: &str = "_dd.p.tid";

/// Gives each span the priority and origin of its trace, and the first one of this service the trace's tags.
///
/// A trace that no Datadog tracer and no rule decided about has no priority: the Agent's own sampler for
/// OTLP may decide then.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpanTags {
    exports_all: bool,
}

impl SpanTags {
    /// `exports_all` is whether even rejected traces are exported, so that the Agent must multiply nothing.
    pub(super) fn new(exports_all: bool) -> Self {
        Self { exports_all }
    }
}

impl SpanProcessor for SpanTags {
    fn on_start(&self, span: &mut Span, context: &Context) {
        let trace = DatadogTrace::of(context, span.span_context());
        let undecided = (!span.span_context().is_sampled()).then_some(0);
        let priority = trace.as_ref().and_then(DatadogTrace::priority).or(undecided);
        if let Some(priority) = priority {
            span.set_attribute(KeyValue::new(PRIORITY, i64::from(priority)));
        }
        if self.exports_all {
            span.set_attribute(KeyValue::new(RATE, 1.0));
        }
        if let Some(origin) = trace.as_ref().and_then(DatadogTrace::origin) {
            span.set_attribute(KeyValue::new(ORIGIN, origin.to_owned()));
        }
        let parent = context.span();
        if parent.span_context().is_valid() && !parent.span_context().is_remote() {
            return;
        }
        for (key, value) in trace.iter().flat_map(DatadogTrace::tags) {
            span.set_attribute(KeyValue::new(key.to_owned(), value.to_owned()));
        }
        let trace_id = span.span_context().trace_id().to_string();
        if let Some(high) =
            trace_id.get(..16).filter(|high| high.bytes().any(|digit| digit != b'0'))
        {
            span.set_attribute(KeyValue::new(HIGH_HALF, high.to_owned()));
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

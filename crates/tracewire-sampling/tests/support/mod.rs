//! Spans to decide about.
#![allow(dead_code, unreachable_pub)] // each test uses its part

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

/// A trace state of one line.
pub fn state(text: &str) -> TraceState {
    text.parse().expect("a trace state")
}

/// A parent with this state, its trace id ending with these 56 bits.
pub fn parent(random: u64, sampled: bool, remote: bool, text: &str) -> Context {
    let flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let span = SpanContext::new(trace(random), SpanId::from(1), flags, remote, state(text));
    Context::new().with_remote_span_context(span)
}

/// A trace id that ends with these 56 bits.
pub fn trace(random: u64) -> TraceId {
    TraceId::from((1 << 64) | u128::from(random))
}

/// The decision about a span, in the trace of its parent or in that which ends with `random`.
pub fn decide(
    sampler: &dyn ShouldSample,
    context: &Context,
    random: u64,
    kind: SpanKind,
    attributes: &[KeyValue],
) -> SamplingResult {
    let span = context.span();
    let span = span.span_context();
    let trace_id = if span.is_valid() { span.trace_id() } else { trace(random) };
    sampler.should_sample(Some(context), trace_id, "span", &kind, attributes, &[])
}

/// Whether a span is kept, and its trace state.
pub fn outcome(sampler: &dyn ShouldSample, context: &Context, random: u64) -> (bool, String) {
    let result = decide(sampler, context, random, SpanKind::Server, &[]);
    (result.decision == SamplingDecision::RecordAndSample, result.trace_state.header())
}

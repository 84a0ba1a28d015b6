//! The caller's span in a context.

use crate::sampling_hint::SamplingHint;
use opentelemetry::{
    Context, SpanId, TraceId,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};

/// Returns the caller's span, if both ids are valid.
pub(crate) fn remote_span(
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: TraceFlags,
    trace_state: TraceState,
) -> Option<SpanContext> {
    let (trace_id, span_id) = (TraceId::from_bytes(trace_id), SpanId::from_bytes(span_id));
    (trace_id != TraceId::INVALID && span_id != SpanId::INVALID)
        .then(|| SpanContext::new(trace_id, span_id, flags, true, trace_state))
}

/// Returns `parent` with the caller's span in it, and with this header's hint or none.
pub(crate) fn with_remote_span(
    parent: &Context,
    span_context: SpanContext,
    hint: Option<SamplingHint>,
) -> Context {
    let context = parent.with_remote_span_context(span_context);
    // A hint of an overruled header or of an enclosing context must not decide about this span.
    let stale = || parent.get::<SamplingHint>().map(|_| SamplingHint::Settled);
    match hint.or_else(stale) {
        Some(hint) => context.with_value(hint),
        None => context,
    }
}

/// Returns `parent` with a trace that is to begin here under an id that was given from outside, as
/// load balancers give one. `None` if the id is not valid, or a caller's span is known already.
///
/// The id stands in a span context without a span id, which OpenTelemetry's SDK takes for no parent; the
/// generator of ids gets it by [`take_given_trace_id`](crate::take_given_trace_id). `flags` is for samplers that do not see the hint.
pub(crate) fn with_given_trace_id(
    parent: &Context,
    trace_id: [u8; 16],
    flags: TraceFlags,
    hint: Option<SamplingHint>,
) -> Option<Context> {
    let trace_id = TraceId::from_bytes(trace_id);
    let span = parent.span();
    let caller = span.span_context();
    if trace_id == TraceId::INVALID || (caller.is_valid() && caller.is_remote()) {
        return None;
    }
    let given = SpanContext::new(trace_id, SpanId::INVALID, flags, true, TraceState::NONE);
    Some(with_remote_span(parent, given, hint))
}

/// The trace id that was given from outside for the trace that begins in this context.
pub(crate) fn given_trace_id(span_context: &SpanContext) -> Option<TraceId> {
    let is_given = span_context.span_id() == SpanId::INVALID && span_context.is_remote();
    Some(span_context.trace_id()).filter(|id| is_given && *id != TraceId::INVALID)
}

/// Whether this process passes on a trace whose sampling it was asked to decide, and has not: then
/// the next service is asked.
pub(crate) fn is_undecided(context: &Context, span_context: &SpanContext) -> bool {
    span_context.is_remote() && context.get() == Some(&SamplingHint::Deferred)
}

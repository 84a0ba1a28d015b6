//! What the parent of a span is to a sampler.

use crate::{OtelTraceState, Randomness, composable::ParentDecision};
use opentelemetry::{
    Context,
    baggage::{BaggageExt, KeyValueMetadata},
    otel_debug,
    trace::{SpanContext, TraceContextExt, TraceId},
};
use std::borrow::Cow;
use tracewire_propagation::SamplingHint;

/// The flag of `traceparent` that promises a random trace id.
const RANDOM: u8 = 0x02;

/// What is known about the trace that a span belongs to.
pub(crate) struct Trace<'a> {
    pub(crate) randomness: Randomness,
    pub(crate) decision: ParentDecision,
    /// OpenTelemetry's member of the parent's trace state.
    pub(crate) member: OtelTraceState<'a>,
}

impl<'a> Trace<'a> {
    /// Reads the parent, if there is a valid one, and what its format asked for.
    pub(crate) fn read(
        parent: Option<&'a SpanContext>,
        hint: Option<SamplingHint>,
        trace_id: TraceId,
    ) -> Self {
        let member = parent.map(|parent| OtelTraceState::of(parent.trace_state()));
        let member = member.unwrap_or_default();
        let explicit = member.randomness();
        if explicit.is_none() && parent.is_some_and(lacks_random_flag) {
            note_missing_flag();
        }
        let randomness = explicit.unwrap_or_else(|| Randomness::of_trace_id(trace_id));
        let threshold = member.threshold();
        let decision = match (hint, parent) {
            (Some(SamplingHint::Deferred), _) => ParentDecision::None,
            (Some(SamplingHint::On | SamplingHint::Debug), _) => ParentDecision::Sampled,
            (Some(SamplingHint::Off), _) => ParentDecision::NotSampled,
            (_, None) => ParentDecision::None,
            (_, Some(parent)) => match (parent.is_sampled(), threshold) {
                // A threshold that the trace does not pass contradicts the flag, and the flag counts.
                (true, Some(threshold)) if threshold.keeps(randomness) => {
                    ParentDecision::Threshold(threshold)
                }
                (true, _) => ParentDecision::Sampled,
                (false, _) => ParentDecision::NotSampled,
            },
        };
        Self { randomness, decision, member }
    }
}

/// The hint of the context, if it comes straight from a carrier. Child contexts inherit the value.
pub(crate) fn hint(context: &Context, span: &SpanContext) -> Option<SamplingHint> {
    let hint = *context.get::<SamplingHint>()?;
    ((span.is_remote() || !span.is_valid()) && hint != SamplingHint::Settled).then_some(hint)
}

/// The context as samplers may see it: without a span that has no ids, which is no parent.
///
/// Such a span was started before there was a provider, or after an earlier one was shut down. The
/// SDK's parent-based sampler takes it for a parent that is not sampled.
pub(crate) fn real_parent(context: &Context) -> Cow<'_, Context> {
    if context.has_active_span() && !context.span().span_context().is_valid() {
        Cow::Owned(without_span(context))
    } else {
        Cow::Borrowed(context)
    }
}

/// The context of a root span. A span cannot be taken out of a context, so this is a new one with
/// what samplers look at besides.
pub(crate) fn without_span(context: &Context) -> Context {
    let baggage = context.baggage().iter().map(|(key, (value, metadata))| {
        KeyValueMetadata::new(key.clone(), value.clone(), metadata.clone())
    });
    Context::new().with_baggage(baggage)
}

fn lacks_random_flag(parent: &SpanContext) -> bool {
    parent.is_remote() && parent.trace_flags().to_u8() & RANDOM == 0
}

/// Says once that a caller does not promise random trace ids. Level 1 of W3C's format never does.
#[cold]
fn note_missing_flag() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        otel_debug!(
            name: "Sampling.TraceIdNotMarkedRandom",
            message = "a caller does not mark its trace ids as random; they are treated as random"
        );
    });
}

//! The random flag of Trace Context level 2, kept beside the span context.
//!
//! OpenTelemetry's SDK drops the flag where its sampler drops the span and never sets it on an id
//! of its own, so the span context that it makes cannot carry it.

use crate::{
    formats::w3c::traceparent::RANDOM,
    tools::kept::{keep, kept},
};
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt},
};

/// Returns `context` with the trace id of its span marked as random.
///
/// Call it after a root span was started with a random id: `traceparent` then carries level 2's
/// random flag to every service of the trace. A context without a valid span is returned as it is.
/// Follows W3C Trace Context level 2, section "Random Trace ID Flag".
///
/// # Examples
///
/// ```
/// use opentelemetry::Context;
/// use tracewire_propagation::with_random_trace_id;
///
/// let context = with_random_trace_id(&Context::current());
/// ```
#[must_use = "the context itself does not change"]
pub fn with_random_trace_id(context: &Context) -> Context {
    let span = context.span();
    let span_context = span.span_context();
    if !span_context.is_valid() || kept_for(context, span_context) {
        return context.clone();
    }
    keep(context, span_context.trace_id(), RandomTraceId)
}

/// Whether the trace id of `span_context`, which is the one in `context`, is known to be random.
pub(crate) fn is_random(context: &Context, span_context: &SpanContext) -> bool {
    has_flag(span_context) || kept_for(context, span_context)
}

pub(crate) fn has_flag(span_context: &SpanContext) -> bool {
    span_context.trace_flags().to_u8() & RANDOM != 0
}

fn kept_for(context: &Context, span_context: &SpanContext) -> bool {
    kept::<RandomTraceId>(context, span_context.trace_id()).is_some()
}

/// Says that at least the right-most 56 bits of the trace id are random.
struct RandomTraceId;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::remote::{remote_span, with_remote_span};
    use opentelemetry::trace::{TraceFlags, TraceState};

    fn span(trace_id: u8) -> SpanContext {
        remote_span([trace_id; 16], [1; 8], TraceFlags::SAMPLED, TraceState::NONE).unwrap()
    }

    #[test]
    fn the_mark_holds_for_its_own_trace_id_alone() {
        let context = with_random_trace_id(&with_remote_span(&Context::new(), span(1), None));
        assert!(is_random(&context, &span(1)));
        assert!(!is_random(&context, &span(2)));
    }

    #[test]
    fn a_context_without_a_span_is_not_marked() {
        let context = with_random_trace_id(&Context::new());
        assert!(!is_random(&context, &SpanContext::NONE));
    }
}

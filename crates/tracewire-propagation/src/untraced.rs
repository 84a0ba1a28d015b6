//! Work that is not to be recorded, and what is sent on from it.

use crate::{
    random_flag::with_random_trace_id,
    tools::{remote::given_trace_id, unrecorded::unrecorded_span},
};
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt},
};

/// Marks work below a request that is not traced.
#[derive(Clone, Debug)]
struct Untraced {
    /// What goes on with outgoing calls, whatever spans are started in between.
    sent: SpanContext,
}

/// Returns `context` for work that is not to be recorded: that below an excluded request.
///
/// Child contexts inherit the mark. Samplers of `tracewire-init` drop every span that starts in it,
/// and tracewire's layers and middlewares start none. Outgoing calls send the span of `context`
/// unchanged, so the caller's trace continues. If there is none, they send a new trace that is not
/// sampled, so that no span below and no other service starts a trace of its own. Other samplers obey
/// that if they follow the parent.
///
/// A context that is marked already is returned as it is.
///
/// ```
/// use opentelemetry::{Context, trace::TraceContextExt};
/// use tracewire_propagation::{is_untraced, untraced};
///
/// let context = untraced(&Context::new());
/// assert!(is_untraced(&context));
/// assert!(context.span().span_context().is_valid());
/// assert!(!context.span().span_context().is_sampled());
/// ```
#[must_use = "the context itself does not change"]
pub fn untraced(context: &Context) -> Context {
    if is_untraced(context) {
        return context.clone();
    }
    let caller = context.span().span_context().clone();
    if caller.is_valid() {
        return context.with_value(Untraced { sent: caller });
    }
    let given = given_trace_id(&caller);
    let sent = unrecorded_span(false, given);
    let mut context = context.with_remote_span_context(sent.clone());
    if given.is_none() {
        context = with_random_trace_id(&context);
    }
    context.with_value(Untraced { sent })
}

/// Returns whether work in `context` is not to be recorded: see [`untraced`].
///
/// ```
/// use opentelemetry::Context;
/// use tracewire_propagation::{is_untraced, untraced};
///
/// assert!(!is_untraced(&Context::new()));
/// assert!(is_untraced(&untraced(&Context::new())));
/// ```
pub fn is_untraced(context: &Context) -> bool {
    context.get::<Untraced>().is_some()
}

/// Returns `context` with the span that outgoing calls send.
///
/// In a context that is [`untraced`] that is the caller's span, or the one that the context had when
/// it was marked. A sampler that drops a span leaves a new span id behind, which no other service
/// knows.
///
/// ```
/// use http::HeaderMap;
/// use opentelemetry::Context;
/// use tracewire_propagation::{default_propagator, outgoing};
///
/// let mut headers = HeaderMap::new();
/// default_propagator().inject(&outgoing(&Context::current()), &mut headers);
/// ```
#[must_use = "the context itself does not change"]
pub fn outgoing(context: &Context) -> Context {
    let Some(Untraced { sent }) = context.get::<Untraced>() else { return context.clone() };
    let span = context.span();
    let span = span.span_context();
    if span == sent || (span.is_remote() && span.is_valid()) {
        context.clone()
    } else {
        context.with_remote_span_context(sent.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};

    fn caller(flags: TraceFlags) -> SpanContext {
        SpanContext::new(TraceId::from(7), SpanId::from(7), flags, true, TraceState::NONE)
    }

    #[test]
    fn a_context_without_a_caller_gets_a_trace_that_is_not_sampled() {
        let (one, other) = (untraced(&Context::new()), untraced(&Context::new()));
        let span = |context: &Context| context.span().span_context().clone();
        assert!(span(&one).is_valid() && !span(&one).is_sampled() && !span(&one).is_remote());
        assert_ne!(span(&one).trace_id(), span(&other).trace_id());
        assert_ne!(span(&one).span_id(), span(&other).span_id());
    }

    #[test]
    fn the_callers_span_stays_and_is_sent_from_below_others() {
        for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
            let context = untraced(&Context::new().with_remote_span_context(caller(flags)));
            assert_eq!(context.span().span_context(), &caller(flags));
            let dropped = SpanContext::new(
                TraceId::from(7),
                SpanId::from(8),
                TraceFlags::NOT_SAMPLED,
                false,
                TraceState::NONE,
            );
            let below = context.with_remote_span_context(dropped);
            assert_eq!(outgoing(&below).span().span_context(), &caller(flags));
            assert!(is_untraced(&outgoing(&below)));
        }
    }

    #[test]
    fn a_trace_id_from_a_load_balancer_stays() {
        let id = TraceId::from(7);
        let given =
            SpanContext::new(id, SpanId::INVALID, TraceFlags::SAMPLED, true, TraceState::NONE);
        let context = untraced(&Context::new().with_remote_span_context(given));
        let span = outgoing(&context).span().span_context().clone();
        assert_eq!(span.trace_id(), id);
        assert!(span.is_valid() && !span.is_sampled());
    }

    #[test]
    fn a_marked_context_stays_as_it_is() {
        let once = untraced(&Context::new());
        assert_eq!(untraced(&once).span().span_context(), once.span().span_context());
    }

    #[test]
    fn a_new_context_is_not_marked() {
        let _attached = untraced(&Context::new()).attach();
        assert!(is_untraced(&Context::current()));
        assert!(!is_untraced(&Context::new()));
        let plain = Context::new().with_remote_span_context(caller(TraceFlags::SAMPLED));
        assert_eq!(outgoing(&plain).span().span_context(), &caller(TraceFlags::SAMPLED));
    }
}

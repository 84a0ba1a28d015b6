//! The random flag of Trace Context level 2, kept beside the span context.
//!
//! OpenTelemetry's SDK drops the flag where its sampler drops the span and never sets it on an id
//! of its own, so the span context that it makes cannot carry it.

use crate::{
    formats::w3c::traceparent::RANDOM,
    tools::kept::{keep, kept},
};
use opentelemetry::{
    Context, KeyValue,
    trace::{Span, SpanContext, Status, TraceContextExt, TraceFlags},
};
use std::{borrow::Cow, error::Error, time::SystemTime};

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

/// Returns `parent` with `span`, which was started under it, and with what is known of its trace id.
///
/// OpenTelemetry's generators draw the whole id of a trace that starts here; the flag asks for its
/// last seven bytes. The span's own context says so, which its children inherit and which needs no
/// allocation, unlike a value in the context. Below a span that is not sampled nothing is
/// inherited, so there the context keeps the mark as well.
#[inline] // a span is large, and would be moved once more
pub(crate) fn with_span<S>(parent: &Context, span: S) -> Context
where
    S: Span + Send + Sync + 'static,
{
    let own = span.span_context();
    if !is_known_random(parent, own) {
        return parent.with_span(span);
    }
    let is_sampled = own.is_sampled();
    let context = if has_flag(own) {
        parent.with_span(span)
    } else {
        let context = with_flag(own);
        parent.with_span(RandomSpan { inner: span, context })
    };
    if is_sampled { context } else { with_random_trace_id(&context) }
}

/// Whether the trace id of a span that was started under `parent` is known to be random.
fn is_known_random(parent: &Context, own: &SpanContext) -> bool {
    let around = parent.span();
    let around = around.span_context();
    // An id that was given from outside may be anything.
    let starts_here = !around.is_valid() && own.trace_id() != around.trace_id();
    own.is_valid()
        && (starts_here || (own.trace_id() == around.trace_id() && is_random(parent, around)))
}

fn has_flag(span_context: &SpanContext) -> bool {
    span_context.trace_flags().to_u8() & RANDOM != 0
}

fn with_flag(span_context: &SpanContext) -> SpanContext {
    SpanContext::new(
        span_context.trace_id(),
        span_context.span_id(),
        span_context.trace_flags() | TraceFlags::new(RANDOM),
        span_context.is_remote(),
        span_context.trace_state().clone(),
    )
}

fn kept_for(context: &Context, span_context: &SpanContext) -> bool {
    kept::<RandomTraceId>(context, span_context.trace_id()).is_some()
}

/// Says that at least the right-most 56 bits of the trace id are random.
struct RandomTraceId;

/// A span whose context has the random flag.
#[derive(Debug)]
struct RandomSpan<S> {
    inner: S,
    context: SpanContext,
}

impl<S: Span> Span for RandomSpan<S> {
    fn add_event_with_timestamp<T>(&mut self, name: T, at: SystemTime, attributes: Vec<KeyValue>)
    where
        T: Into<Cow<'static, str>>,
    {
        self.inner.add_event_with_timestamp(name, at, attributes);
    }

    fn add_event<T>(&mut self, name: T, attributes: Vec<KeyValue>)
    where
        T: Into<Cow<'static, str>>,
    {
        self.inner.add_event(name, attributes);
    }

    fn record_error(&mut self, error: &dyn Error) {
        self.inner.record_error(error);
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.inner.is_recording()
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.inner.set_attribute(attribute);
    }

    fn set_attributes(&mut self, attributes: impl IntoIterator<Item = KeyValue>) {
        self.inner.set_attributes(attributes);
    }

    fn set_status(&mut self, status: Status) {
        self.inner.set_status(status);
    }

    fn update_name<T>(&mut self, name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        self.inner.update_name(name);
    }

    fn add_link(&mut self, to: SpanContext, attributes: Vec<KeyValue>) {
        self.inner.add_link(to, attributes);
    }

    fn end(&mut self) {
        self.inner.end();
    }

    fn end_with_timestamp(&mut self, at: SystemTime) {
        self.inner.end_with_timestamp(at);
    }
}

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

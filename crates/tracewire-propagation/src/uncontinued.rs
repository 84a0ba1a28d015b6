//! A caller whose trace cannot be continued, but can be linked to.

use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt},
};

#[derive(Debug)]
struct Uncontinued(SpanContext);

/// Returns the caller of `context` whose trace was not continued, for a link from the new trace.
///
/// A request with two `traceparent` headers begins a new trace, because neither can be preferred. If all
/// of them name the same trace, as when a proxy repeats the header or adds its own, the last one is
/// returned here. `None` once the context has a span.
///
/// ```
/// # #[cfg(feature = "tracecontext")] {
/// use http::{HeaderMap, HeaderValue};
/// use opentelemetry::Context;
/// use tracewire_propagation::{Propagator, TraceContext, uncontinued_caller};
///
/// let value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let mut headers = HeaderMap::new();
/// headers.append("traceparent", HeaderValue::from_static(value));
/// headers.append("traceparent", HeaderValue::from_static(value));
///
/// let context = TraceContext::new().extract(&headers, &Context::new());
/// let caller = uncontinued_caller(&context).unwrap();
/// assert_eq!(caller.span_id().to_string(), "b7ad6b7169203331");
/// # }
/// ```
#[must_use]
pub fn uncontinued_caller(context: &Context) -> Option<&SpanContext> {
    if context.span().span_context().is_valid() {
        return None;
    }
    context.get().map(|Uncontinued(caller)| caller)
}

/// Returns `context` with this caller.
pub(crate) fn with_uncontinued_caller(context: &Context, caller: SpanContext) -> Context {
    context.with_value(Uncontinued(caller))
}

//! The one trait that every format implements.

use http::{HeaderMap, HeaderName};
use opentelemetry::{Context, SpanId, trace::TraceState};
use std::{fmt, sync::Arc};

/// Carries a context between processes in HTTP headers.
///
/// An implementation must not panic on any input.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tracecontext")] {
/// use http::{HeaderMap, HeaderValue};
/// use opentelemetry::{Context, trace::TraceContextExt};
/// use tracewire_propagation::{Propagator, TraceContext};
///
/// let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let mut headers = HeaderMap::new();
/// headers.insert("traceparent", HeaderValue::from_static(traceparent));
///
/// let context = TraceContext::new().extract(&headers, &Context::new());
/// assert!(context.span().span_context().is_remote());
///
/// let mut outgoing = HeaderMap::new();
/// TraceContext::new().inject(&context, &mut outgoing);
/// assert_eq!(outgoing["traceparent"], traceparent);
/// # }
/// ```
pub trait Propagator: fmt::Debug + Send + Sync {
    /// Returns `parent` with what `headers` carry added to it.
    ///
    /// Headers that are absent or malformed add nothing: the result is then `parent` itself.
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context;

    /// Writes what `context` carries into `headers`, in place of every value already there.
    ///
    /// A context without a valid span writes no trace header.
    fn inject(&self, context: &Context, headers: &mut HeaderMap);

    /// The names of the headers that [`inject`](Self::inject) may write.
    fn header_names(&self) -> &[HeaderName];

    /// Does what [`extract`](Self::extract) does for a server, which starts a span below the caller's
    /// or goes on with one of its own.
    #[doc(hidden)]
    fn extract_for_span(
        &self,
        headers: &HeaderMap,
        parent: &Context,
        _wanted: Wanted,
    ) -> Extracted {
        Extracted::of(self.extract(headers, parent))
    }
}

/// What a server can do with, and saves work if a propagator does it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Makes the span id to put in place of a caller's who did not sample: no span will start there.
    pub own: Option<fn() -> SpanId>,
    /// Whether the trace state of another caller may come apart from the context. The span below takes
    /// it.
    pub apart: bool,
}

/// What [`Propagator::extract_for_span`] made.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Extracted {
    /// A context with the caller's span, if the headers have one, or with the service's own below a
    /// caller who did not sample.
    pub context: Context,
    /// Whether it has the service's own span.
    pub is_hop: bool,
    /// The caller's trace state, which the caller's span in the context lacks.
    pub apart: Option<TraceState>,
}

impl Extracted {
    /// A context with the caller's span, if there is one, and nothing apart.
    #[must_use]
    pub const fn of(context: Context) -> Self {
        Self { context, is_hop: false, apart: None }
    }
}

impl<P: Propagator + ?Sized> Propagator for Arc<P> {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        (**self).extract(headers, parent)
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        (**self).inject(context, headers);
    }

    fn header_names(&self) -> &[HeaderName] {
        (**self).header_names()
    }

    fn extract_for_span(&self, headers: &HeaderMap, parent: &Context, wanted: Wanted) -> Extracted {
        (**self).extract_for_span(headers, parent, wanted)
    }
}

impl<P: Propagator + ?Sized> Propagator for Box<P> {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        (**self).extract(headers, parent)
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        (**self).inject(context, headers);
    }

    fn header_names(&self) -> &[HeaderName] {
        (**self).header_names()
    }

    fn extract_for_span(&self, headers: &HeaderMap, parent: &Context, wanted: Wanted) -> Extracted {
        (**self).extract_for_span(headers, parent, wanted)
    }
}

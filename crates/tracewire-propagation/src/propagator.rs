//! The one trait that every format implements.

use http::{HeaderMap, HeaderName};
use opentelemetry::{Context, SpanId};
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

    /// Does what [`extract`](Self::extract) does, for a service that starts no span under a caller who
    /// did not sample: in place of such a caller its own span id may come right away, which takes one
    /// span context instead of two.
    #[doc(hidden)]
    fn extract_hop(&self, headers: &HeaderMap, parent: &Context, _own: SpanId) -> Extracted {
        Extracted::Caller(self.extract(headers, parent))
    }
}

/// What [`Propagator::extract_hop`] made.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub enum Extracted {
    /// A context with the caller's span, if the headers have one.
    Caller(Context),
    /// A context below a caller who did not sample, with the service's own span id.
    Hop(Context),
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

    fn extract_hop(&self, headers: &HeaderMap, parent: &Context, own: SpanId) -> Extracted {
        (**self).extract_hop(headers, parent, own)
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

    fn extract_hop(&self, headers: &HeaderMap, parent: &Context, own: SpanId) -> Extracted {
        (**self).extract_hop(headers, parent, own)
    }
}

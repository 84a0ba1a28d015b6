//! What a server makes of the trace that its caller sends.

use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt},
};
use tracewire_propagation::current;

/// What a server makes of the trace context and baggage that its caller sends.
///
/// Anyone can send them: a caller decides with them which trace a request belongs to, whether it
/// is sampled, and what baggage your code reads. That is right between services of your own, and may
/// be wrong at the edge.
///
/// ```
/// use tracewire_http::{Trust, wiring::ServerSettings};
///
/// // Every server layer has these options. The edge starts traces of its own, but not for partners.
/// let settings = ServerSettings::new("my-server", "1.0.0").trust_by(|request| {
///     if request.headers.contains_key("x-partner") { Trust::Continue } else { Trust::Link }
/// });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Continues the caller's trace, baggage and sampling decision included: the default.
    #[default]
    Continue,
    /// Starts a new trace whose first span links to the caller's.
    ///
    /// The sampler sees no parent, inbound baggage is dropped, and so is whatever context was
    /// current already.
    Link,
    /// Ignores what the caller sends, as if it had sent nothing.
    Ignore,
}

/// What a request's span starts under: a parent, and a caller that it links to.
#[derive(Debug)]
pub(super) struct Parent {
    pub(super) context: Context,
    pub(super) link: Option<SpanContext>,
}

impl Trust {
    /// The parent of a request, given how to extract its headers into a context.
    pub(super) fn parent(self, extract: impl FnOnce(&Context) -> Context) -> Parent {
        match self {
            // Cloned, not borrowed: a propagator may attach contexts of its own.
            Self::Continue => Parent { context: extract(&current::get()), link: None },
            Self::Ignore => Parent { context: current::get(), link: None },
            Self::Link => {
                let caller = extract(&Context::new());
                let link = caller.span().span_context().clone();
                Parent { context: Context::new(), link: Some(link).filter(SpanContext::is_valid) }
            }
        }
    }
}

impl Parent {
    /// The context to go on with when no span is started.
    pub(super) fn into_context(self) -> Context {
        self.context
    }
}

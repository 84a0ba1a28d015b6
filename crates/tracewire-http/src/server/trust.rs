//! What a server makes of the trace that its caller sends.

use crate::settings::Resolved;
use http::HeaderMap;
use opentelemetry::{Context, trace::TraceContextExt};
use tracewire_propagation::{Extracted, current, is_untraced};

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
    /// The caller's own context, if the span links to it.
    pub(super) linked: Option<Context>,
    /// The context is the request's own already, and no span starts in it.
    pub(super) is_hop: bool,
}

impl Trust {
    /// The parent of a request with these headers, which may get no span if its caller did not sample,
    /// unless it is `excluded`.
    pub(super) fn parent(self, resolved: &Resolved, headers: &HeaderMap, excluded: bool) -> Parent {
        match self {
            Self::Continue => {
                // Cloned, not borrowed: a propagator may attach contexts of its own.
                let current = current::get();
                if excluded || is_untraced(&current) {
                    return Parent::of(resolved.extract(headers, &current));
                }
                match resolved.extract_hop(headers, &current) {
                    Extracted::Caller(context) => Parent::of(context),
                    Extracted::Hop(context) => Parent { is_hop: true, ..Parent::of(context) },
                }
            }
            Self::Ignore => Parent::of(current::get()),
            Self::Link => {
                let caller = resolved.extract(headers, &Context::new());
                let linked = Some(caller).filter(|it| it.span().span_context().is_valid());
                Parent { linked, ..Parent::of(Context::new()) }
            }
        }
    }
}

impl Parent {
    fn of(context: Context) -> Self {
        Self { context, linked: None, is_hop: false }
    }

    /// The context to go on with when no span is started.
    pub(super) fn into_context(self) -> Context {
        self.context
    }
}

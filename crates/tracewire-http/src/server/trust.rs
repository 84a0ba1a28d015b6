//! What a server makes of the trace that its caller sends.

use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt},
};
use tracewire_propagation::current;

/// What a server makes of the trace context and baggage that its caller sends.
///
/// Anybody can send them: a caller decides with them which trace a request belongs to, whether it
/// is sampled, and what baggage your code reads. That is what services of one house want, and what
/// the edge of the house may not.
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

/// Under what a request's span starts.
#[derive(Debug)]
pub struct Origin {
    pub(crate) parent: Context,
    pub(crate) link: Option<SpanContext>,
}

impl Trust {
    /// The origin of a request, given how to extract its headers into a context.
    pub fn origin(self, extract: impl FnOnce(&Context) -> Context) -> Origin {
        match self {
            // Cloned, not borrowed: whoever extracts may attach contexts of his own.
            Self::Continue => Origin { parent: extract(&current::get()), link: None },
            Self::Ignore => Origin { parent: current::get(), link: None },
            Self::Link => {
                let caller = extract(&Context::new());
                let link = caller.span().span_context().clone();
                Origin { parent: Context::new(), link: Some(link).filter(SpanContext::is_valid) }
            }
        }
    }
}

impl Origin {
    /// The context to go on with when no span is started.
    pub fn into_context(self) -> Context {
        self.parent
    }
}

impl From<Context> for Origin {
    fn from(parent: Context) -> Self {
        Self { parent, link: None }
    }
}

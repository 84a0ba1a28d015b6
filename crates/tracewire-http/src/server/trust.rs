//! What a server makes of the trace that its caller sends.

use crate::settings::Resolved;
use http::HeaderMap;
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceState},
};
use tracewire_propagation::{
    Extracted, SamplingHint, current, is_untraced, uncontinued_caller, with_trace_state,
};

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
    /// Continues the caller's trace and baggage, but not its refusal to sample: where the caller did not
    /// sample, this service's sampler decides as it does without a caller.
    ///
    /// Use it behind a gateway or a service mesh that samples less than you want to. A trace that begins
    /// here has no spans of its caller.
    ///
    /// The sampler must know [`SamplingHint`](tracewire_propagation::SamplingHint), as those of `init` do.
    /// OpenTelemetry's `ParentBased` follows the caller all the same.
    Resample,
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
    /// The caller's trace state, for the span that starts here, where `context` lacks it.
    pub(super) apart: Option<TraceState>,
}

impl Trust {
    /// The parent of a request with these headers, which may get no span if its caller did not sample,
    /// unless it is `excluded`.
    pub(super) fn parent(self, resolved: &Resolved, headers: &HeaderMap, excluded: bool) -> Parent {
        match self {
            Self::Continue | Self::Resample => {
                // Cloned, not borrowed: a propagator may attach contexts of its own.
                let current = current::get();
                if excluded || is_untraced(&current) {
                    return Parent::of(resolved.extract(headers, &current));
                }
                if self == Self::Resample {
                    let context = resolved.extract(headers, &current);
                    return Parent::of(if resolved.tracer.is_some() {
                        without_refusal(context)
                    } else {
                        context
                    });
                }
                let Extracted { context, is_hop, apart } =
                    resolved.extract_for_span(headers, &current);
                Parent { is_hop, apart, ..Parent::of(context) }
            }
            Self::Ignore => Parent::of(current::get()),
            Self::Link => {
                let caller = resolved.extract(headers, &Context::new());
                let has_caller = caller.span().span_context().is_valid()
                    || uncontinued_caller(&caller).is_some();
                Parent { linked: has_caller.then_some(caller), ..Parent::of(Context::new()) }
            }
        }
    }
}

impl Parent {
    /// Below the caller in `context`, or with a link to one that could not be continued.
    fn of(context: Context) -> Self {
        let linked = uncontinued_caller(&context).is_some().then(|| context.clone());
        Self { context, linked, is_hop: false, apart: None }
    }

    /// The context to go on with when no span is started.
    pub(super) fn into_context(self) -> Context {
        match self.apart {
            Some(state) => with_trace_state(&self.context, state),
            None => self.context,
        }
    }
}

/// Leaves the decision to this service where the caller in `context` did not sample.
fn without_refusal(context: Context) -> Context {
    let span = context.span();
    let caller = span.span_context();
    let hint = context.get();
    // A debug request is sampled whatever the flag says.
    let is_asked = matches!(hint, Some(SamplingHint::On | SamplingHint::Debug));
    if !caller.is_remote() || caller.is_sampled() || is_asked {
        return context;
    }
    // A refusal without ids stands in a span that no caller has.
    let deferred = context.with_value(SamplingHint::Deferred);
    if hint != Some(&SamplingHint::Off) {
        return deferred;
    }
    deferred.with_remote_span_context(SpanContext::new(
        caller.trace_id(),
        SpanId::INVALID,
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    ))
}

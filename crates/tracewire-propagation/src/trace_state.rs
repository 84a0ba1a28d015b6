//! The trace state of a request's span: moved from the caller's header to the exported span, where
//! OpenTelemetry would clone it at each step.
//!
//! OpenTelemetry clones the list of a caller for the sampler's result, for the span in the context,
//! and for the exported span, text by text. Where the process's sampler is known to return the
//! parent's list as it is, and its span processor calls [`put_back_trace_state`], layers keep the list
//! apart from the parent. It goes into the span in the context, where it is seen as ever, and from there
//! to the span processor.

use crate::formats::w3c::traceparent::RANDOM;
use opentelemetry::{
    Context, SpanId,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};
use std::{
    cell::{Cell, RefCell},
    sync::atomic::{AtomicBool, Ordering},
};

/// Sets whether layers may keep a caller's `tracestate` apart from the parent of the span behind
/// [`providers::Unboxed`](crate::providers::Unboxed), in this process. False unless set.
///
/// The sampler must return the trace state of the parent unchanged, and no span processor may look at it
/// before one of them has called [`put_back_trace_state`]. `init` sets this where that is known.
///
/// ```
/// use tracewire_propagation::{moves_trace_state, set_moves_trace_state};
///
/// set_moves_trace_state(true); // the sampler follows the parent, and only our processor exports
/// assert!(moves_trace_state());
/// ```
pub fn set_moves_trace_state(moves: bool) {
    MOVES.store(moves, Ordering::Relaxed);
}

/// Returns what [`set_moves_trace_state`] was given last.
///
/// ```
/// assert!(!tracewire_propagation::moves_trace_state()); // unless set
/// ```
#[must_use]
pub fn moves_trace_state() -> bool {
    MOVES.load(Ordering::Relaxed)
}

/// Gives `span`, which is about to be exported, the trace state and the flags that its span in the context
/// had: a trace that begins here has the random flag there, which OpenTelemetry's SDK does not know.
///
/// A span processor calls it first of all when a span ends. It has to if [`set_moves_trace_state`] is true.
/// Any other span is left as it is.
///
/// ```
/// use opentelemetry::trace::SpanContext;
/// use tracewire_propagation::put_back_trace_state;
///
/// fn on_end(span: &mut SpanContext) {
///     put_back_trace_state(span);
///     // … queue the span …
/// }
/// # on_end(&mut SpanContext::NONE);
/// ```
pub fn put_back_trace_state(span: &mut SpanContext) {
    let is_same = |left: &mut SpanContext| {
        left.span_id() == span.span_id() && left.trace_id() == span.trace_id()
    };
    let taken = LEAVING.try_with(|leaving| leaving.borrow_mut().take_if(is_same));
    if let Ok(Some(whole)) = taken {
        *span = whole;
    } else if RANDOM_ROOT.try_with(Cell::get) == Ok(span.span_id()) {
        let flags = span.trace_flags() | TraceFlags::new(RANDOM);
        let state = span.trace_state().clone();
        *span = SpanContext::new(span.trace_id(), span.span_id(), flags, span.is_remote(), state);
    }
}

/// Runs `end`, which ends the span of `context`, for a span processor that exports this context.
pub(crate) fn hand_over(context: SpanContext, end: impl FnOnce()) {
    // A thread that ends has no such place, and none of our spans ends there: see `current::finish`.
    let _ = LEAVING.try_with(|leaving| leaving.replace(Some(context)));
    end();
    let _ = LEAVING.try_with(RefCell::take);
}

/// Runs `end`, which ends the span of this id, for a span processor that exports it with the random flag.
pub(crate) fn hand_over_flag(span: SpanId, end: impl FnOnce()) {
    let _ = RANDOM_ROOT.try_with(|root| root.set(span));
    end();
    let _ = RANDOM_ROOT.try_with(|root| root.set(SpanId::INVALID));
}

/// Returns `context` with the list that was kept apart from its span.
#[doc(hidden)]
#[must_use]
pub fn with_trace_state(context: &Context, state: TraceState) -> Context {
    let span = context.span();
    let span = span.span_context();
    context.with_remote_span_context(SpanContext::new(
        span.trace_id(),
        span.span_id(),
        span.trace_flags(),
        span.is_remote(),
        state,
    ))
}

static MOVES: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The context of the span that is ending.
    static LEAVING: RefCell<Option<SpanContext>> = const { RefCell::new(None) };
    /// The span that is ending, if its trace id is random and only its context in the process says so.
    static RANDOM_ROOT: Cell<SpanId> = const { Cell::new(SpanId::INVALID) };
}

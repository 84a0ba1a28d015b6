//! The OpenTelemetry context, carried by `tracing` spans.

use opentelemetry::{Context, ContextGuard, baggage::BaggageExt, trace::TraceContextExt};
use std::cell::RefCell;
use tracewire_propagation::current;
use tracing::{
    Subscriber,
    span::{Attributes, Id},
};
use tracing_subscriber::{Layer, registry::LookupSpan};

/// A layer that keeps the trace where a `tracing` span crosses tasks or threads.
///
/// Each `tracing` span remembers the OpenTelemetry context it was created in, including baggage. If the
/// span is entered and no trace is current, as in `tokio::spawn(future.in_current_span())`, that
/// context becomes current again. If one is current, nothing changes.
///
/// This needs an enabled `tracing` span. If none is open, or a filter disables it, use
/// [`WithContext`](opentelemetry::context::WithContext) to carry the context.
///
/// ```
/// use tracewire_tracing::ContextLayer;
/// use tracing_subscriber::prelude::*;
///
/// let subscriber = tracing_subscriber::registry().with(ContextLayer::new());
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ContextLayer;

impl ContextLayer {
    /// Creates the layer.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

/// The context that a `tracing` span was made in.
#[derive(Clone)]
struct Carried(Context);

thread_local! {
    /// Spans that are entered on this thread and made a context current.
    static ENTERED: RefCell<Vec<(Id, ContextGuard)>> = const { RefCell::new(Vec::new()) };
}

/// A span without ids, from before there was a tracer provider, belongs to no trace.
fn has_trace(context: &Context) -> bool {
    context.span().span_context().is_valid()
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for ContextLayer {
    fn on_new_span(
        &self,
        _attributes: &Attributes<'_>,
        id: &Id,
        context: tracing_subscriber::layer::Context<'_, S>,
    ) {
        let Some(span) = context.span(id) else { return };
        let current = current::with(|current| {
            let worth_it = has_trace(current) || !current.baggage().is_empty();
            worth_it.then(|| Carried(current.clone()))
        });
        // Outside of every trace, the parent may know one.
        let carried = current.or_else(|| span.parent()?.extensions().get::<Carried>().cloned());
        if let Some(carried) = carried {
            span.extensions_mut().replace(carried);
        }
    }

    fn on_enter(&self, id: &Id, context: tracing_subscriber::layer::Context<'_, S>) {
        if current::with(has_trace) {
            return;
        }
        let carried = context.span(id).and_then(|span| span.extensions().get::<Carried>().cloned());
        if let Some(Carried(carried)) = carried {
            let Some(guard) = current::attach(carried) else { return };
            // Where the thread ends the guard is dropped again, which is all it can be then.
            let _ = ENTERED.try_with(|entered| entered.borrow_mut().push((id.clone(), guard)));
        }
    }

    fn on_exit(&self, id: &Id, _context: tracing_subscriber::layer::Context<'_, S>) {
        let guard = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            let last = entered.iter().rposition(|(own, _)| own == id)?;
            Some(entered.remove(last))
        });
        // Only now, because the end of a span can log, and enter spans again.
        drop(guard);
    }
}

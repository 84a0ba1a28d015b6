//! Exemplars of measurements in the current context.

use opentelemetry::{
    metrics::MeterProvider,
    trace::{SpanContext, TraceContextExt},
};
use std::sync::Arc;
use tracewire_exemplar::Exemplars;
use tracewire_propagation::current;

/// The store that belongs to the meter provider in use: the one that the context carries, or, with the
/// global provider, that of the process.
pub(crate) fn store() -> Option<Exemplars> {
    current::with(|context| match context.get::<Exemplars>() {
        None if context.get::<Arc<dyn MeterProvider + Send + Sync>>().is_none() => {
            tracewire_exemplar::installed()
        }
        carried => carried.cloned(),
    })
}

/// Runs `offer` with the current span, if it is sampled. That of a caller is none of this process's.
pub(crate) fn if_sampled(offer: impl FnOnce(&SpanContext)) {
    current::with(|context| {
        let span = context.span();
        let span = span.span_context();
        if span.is_sampled() && !span.is_remote() {
            offer(span);
        }
    });
}

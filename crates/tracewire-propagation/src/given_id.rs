//! A trace id that was given from outside, on its way to the generator of ids.
//!
//! OpenTelemetry's SDK takes the id of a root span from its generator, which does not see the context.

use crate::tools::remote::given_trace_id;
use opentelemetry::{Context, TraceId, trace::TraceContextExt};
use std::cell::Cell;

thread_local! {
    static GIVEN: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Takes the trace id that the span which starts now on this thread is to have, if it is the root of a
/// trace whose id a load balancer gave.
///
/// It is for generators of ids: see `GivenTraceIds` of `tracewire-init`.
///
/// ```
/// assert_eq!(tracewire_propagation::take_given_trace_id(), None); // no span starts
/// ```
#[must_use]
pub fn take_given_trace_id() -> Option<TraceId> {
    GIVEN.try_with(Cell::take).ok().flatten()
}

/// Starts a span under `parent` by `start`, which may ask for the id that was given.
pub(crate) fn with_given_id<T>(parent: &Context, start: impl FnOnce() -> T) -> T {
    let Some(id) = given_trace_id(parent.span().span_context()) else { return start() };
    let _ = GIVEN.try_with(|given| given.set(Some(id)));
    let started = start();
    let _ = take_given_trace_id();
    started
}

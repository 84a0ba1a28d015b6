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

/// A trace id that was given, for the span that starts while this lives.
///
/// Not a function around the start: a span is large, and would be moved once more.
pub(crate) struct Given {
    is_set: bool,
}

impl Given {
    /// Leaves the trace id in `parent`, if it was given from outside, for the generator of ids.
    pub(crate) fn of(parent: &Context) -> Self {
        let id = given_trace_id(parent.span().span_context());
        if let Some(id) = id {
            let _ = GIVEN.try_with(|given| given.set(Some(id)));
        }
        Self { is_set: id.is_some() }
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        if self.is_set {
            let _ = take_given_trace_id();
        }
    }
}

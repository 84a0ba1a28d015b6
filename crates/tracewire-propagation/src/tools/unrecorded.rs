//! A span that nobody records, for work that must not start a trace.

use opentelemetry::trace::{SpanContext, TraceFlags, TraceState};
use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

/// Returns a span with new ids that is not sampled.
pub(crate) fn unrecorded_span(is_remote: bool) -> SpanContext {
    // The ids have to differ from each other, no more: nothing of this trace is recorded.
    let random = || RandomState::new().build_hasher().finish();
    let trace_id = u128::from(random()) << 64 | u128::from(random());
    SpanContext::new(
        trace_id.max(1).into(),
        random().max(1).into(),
        TraceFlags::NOT_SAMPLED,
        is_remote,
        TraceState::NONE,
    )
}

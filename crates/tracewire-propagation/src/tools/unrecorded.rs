//! A span that nobody records, for work that must not start a trace.

use opentelemetry::trace::{SpanContext, TraceFlags, TraceId, TraceState};
use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

/// Returns a span that is not sampled, with new ids; with `trace_id`, if one is given.
pub(crate) fn unrecorded_span(is_remote: bool, trace_id: Option<TraceId>) -> SpanContext {
    // The ids have to differ from each other, no more: nothing of this trace is recorded.
    let random = || RandomState::new().build_hasher().finish();
    let new = || u128::from(random()) << 64 | u128::from(random());
    SpanContext::new(
        trace_id.unwrap_or_else(|| new().max(1).into()),
        random().max(1).into(),
        TraceFlags::NOT_SAMPLED,
        is_remote,
        TraceState::NONE,
    )
}

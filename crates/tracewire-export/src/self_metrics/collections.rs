//! How long readers take to collect metrics.
//!
//! The SDK's periodic reader has no hook around its collection. It runs the callbacks of instruments first
//! and then exports, all on one thread: the first callback notes the time, and the exporter reads it.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

thread_local! {
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Notes that a collection begins on this thread.
pub(super) fn begin() {
    BEGAN.set(Some(Instant::now()));
}

/// How long the collection took that has just ended on this thread, if its beginning was noted.
pub(crate) fn took() -> Option<Duration> {
    BEGAN.take().map(|began| began.elapsed())
}

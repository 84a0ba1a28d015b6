//! What came of each reload, as `tracewire.config.reloads` counts it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::InitError;

/// How often the file was read again, with which outcome.
#[derive(Debug, Default)]
pub(super) struct Counts {
    changed: AtomicU64,
    unchanged: AtomicU64,
    failed: AtomicU64,
}

impl Counts {
    pub(super) fn add(&self, outcome: &Result<Vec<String>, InitError>) {
        let count = match outcome {
            Ok(changes) if changes.is_empty() => &self.unchanged,
            Ok(_) => &self.changed,
            Err(_) => &self.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn by_outcome(&self) -> [(&'static str, u64); 3] {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [
            ("changed", load(&self.changed)),
            ("unchanged", load(&self.unchanged)),
            ("failed", load(&self.failed)),
        ]
    }
}

//! What became of the telemetry: the counters behind every report.

use crate::diagnostics::{log::Limited, unreachable::Voice};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// Why a batch could not be delivered, whole or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// How many items of the batch failed; `None` means all.
    pub(crate) items: Option<u64>,
    pub(crate) reason: String,
}

impl Failure {
    pub(crate) fn all(reason: impl Into<String>) -> Self {
        Self { items: None, reason: reason.into() }
    }
}

/// The counters of one signal on its way to one exporter.
#[derive(Debug)]
pub(crate) struct Counts {
    signal: &'static str,
    exporter: &'static str,
    ended: AtomicU64,
    exported: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    reason: Mutex<Option<(String, SystemTime)>>,
    failures: Limited,
    drops: Limited,
    voice: Arc<Voice>,
}

/// The counters at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) ended: u64,
    pub(crate) exported: u64,
    pub(crate) failed: u64,
    pub(crate) dropped: u64,
    pub(crate) reason: Option<String>,
}

impl Counts {
    #[cfg(test)]
    pub(crate) fn new(signal: &'static str, exporter: &'static str) -> Self {
        Self::sharing(signal, exporter, Arc::default())
    }

    /// Counters that speak with the voice of their telemetry.
    pub(crate) fn sharing(signal: &'static str, exporter: &'static str, voice: Arc<Voice>) -> Self {
        Self {
            voice,
            signal,
            exporter,
            ended: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            reason: Mutex::default(),
            failures: Limited::new(Duration::from_secs(60)),
            drops: Limited::new(Duration::from_secs(10)),
        }
    }

    pub(crate) fn signal(&self) -> &'static str {
        self.signal
    }

    pub(crate) fn exporter(&self) -> &'static str {
        self.exporter
    }

    /// Items came into being; they wait for their fate.
    pub(crate) fn ended(&self, items: u64) {
        self.ended.fetch_add(items, Ordering::Relaxed);
    }

    /// Items were refused because no room was left for them.
    pub(crate) fn dropped(&self, items: u64, reason: &str) {
        self.dropped.fetch_add(items, Ordering::Relaxed);
        if let Some(items) = self.drops.admit(items, Instant::now()) {
            self.remember(reason);
            self.warn(items, "dropped", reason);
        }
    }

    /// A batch of `items` was handed to the exporter, with this result.
    pub(crate) fn delivered(&self, items: u64, result: Result<(), Failure>) {
        let Err(failure) = result else {
            self.exported.fetch_add(items, Ordering::Relaxed);
            return;
        };
        let failed = failure.items.unwrap_or(items).min(items);
        self.exported.fetch_add(items - failed, Ordering::Relaxed);
        self.failed.fetch_add(failed, Ordering::Relaxed);
        self.remember(&failure.reason);
        if let Some(failed) = self.failures.admit(failed, Instant::now()) {
            self.warn(failed, "failed", &failure.reason);
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        // The fates are read before the births, so that they never add up to more.
        let exported = self.exported.load(Ordering::Acquire);
        let failed = self.failed.load(Ordering::Acquire);
        let dropped = self.dropped.load(Ordering::Acquire);
        let ended = self.ended.load(Ordering::Acquire);
        let reason = self.last_reason().map(|(reason, _)| reason);
        Snapshot { ended, exported, failed, dropped, reason }
    }

    /// The latest reason for a loss, and when it was given.
    pub(crate) fn last_reason(&self) -> Option<(String, SystemTime)> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn warn(&self, items: u64, fate: &str, reason: &str) {
        let line = format!("{} to {}: {items} {fate} ({reason})", self.signal, self.exporter);
        self.voice.lost(&line, reason);
    }

    fn remember(&self, reason: &str) {
        let mut last = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now();
        match &mut *last {
            Some((known, at)) if known == reason => *at = now,
            last => *last = Some((reason.to_owned(), now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_may_fail_in_part() {
        let counts = Counts::new("spans", "otlp");
        counts.ended(10);
        counts.delivered(5, Ok(()));
        counts.delivered(3, Err(Failure { items: Some(1), reason: "rejected".to_owned() }));
        counts.delivered(1, Err(Failure::all("refused")));
        counts.dropped(1, "queue full");
        assert_eq!(
            counts.snapshot(),
            Snapshot {
                ended: 10,
                exported: 7,
                failed: 2,
                dropped: 1,
                reason: Some("queue full".to_owned()),
            }
        );
    }

    #[test]
    fn no_answer_can_make_more_fail_than_there_were() {
        let counts = Counts::new("spans", "otlp");
        counts.ended(2);
        counts.delivered(2, Err(Failure { items: Some(9), reason: "nonsense".to_owned() }));
        assert_eq!(counts.snapshot().failed, 2);
    }
}

//! What became of the telemetry: the counters behind every report.

#[cfg(all(test, loom))]
mod model;

use super::failure::{ErrorType, Failure};
use crate::{
    diagnostics::{log::Limited, quiet::quietly, unreachable::Voice},
    pipeline::queue::describe_panic,
    self_metrics::{Durations, component::Identity},
    sync::atomic::{AtomicU64, Ordering},
};
use opentelemetry::KeyValue;
use std::{
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant, SystemTime},
};

/// How many reasons of failure are counted apart; an untrusted collector may answer with any status.
const MOST_KINDS: usize = 32;

/// Counts an outcome so that a thread that reads it also sees the item counted.
const OUTCOME: Ordering = Ordering::Release;

/// The counters of one signal on its way to one exporter.
#[derive(Debug)]
pub(crate) struct Counts {
    signal: &'static str,
    exporter: &'static str,
    ended: AtomicU64,
    /// Handed to the exporter, where a queue is before it.
    taken: AtomicU64,
    exported: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    /// Those of the dropped that came after a shutdown.
    late: AtomicU64,
    /// The failed ones by kind.
    kinds: Mutex<BTreeMap<ErrorType, u64>>,
    identity: Identity,
    queue: OnceLock<QueueFacts>,
    durations: Durations,
    reason: Mutex<Option<(String, SystemTime)>>,
    failures: Limited,
    drops: Limited,
    voice: Arc<Voice>,
}

/// The counters at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) ended: u64,
    pub(crate) taken: u64,
    pub(crate) exported: u64,
    pub(crate) failed: u64,
    pub(crate) dropped: u64,
    pub(crate) late: u64,
    pub(crate) reason: Option<String>,
}

impl Snapshot {
    /// What the exporter has and whose outcome is not known.
    pub(crate) fn under_way(&self) -> u64 {
        self.taken.saturating_sub(self.exported + self.failed)
    }

    /// What waits for the exporter.
    pub(crate) fn waiting(&self) -> u64 {
        self.ended.saturating_sub(self.taken + self.dropped)
    }
}

/// The queue before an exporter, as metrics describe it.
pub(crate) struct QueueFacts {
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) capacity: usize,
    pub(crate) capacity_bytes: usize,
    /// How many bytes wait or are under way now.
    pub(crate) bytes: Box<dyn Fn() -> usize + Send + Sync>,
}

impl fmt::Debug for QueueFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueFacts").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl Counts {
    #[cfg(test)]
    pub(crate) fn new(signal: &'static str, exporter: &'static str) -> Self {
        let voice = Arc::default();
        Self::sharing(signal, exporter, Identity::default(), voice, Durations::default())
    }

    /// Counters that speak with the voice of their telemetry. `identity` names them in metrics.
    pub(crate) fn sharing(
        signal: &'static str,
        exporter: &'static str,
        identity: Identity,
        voice: Arc<Voice>,
        durations: Durations,
    ) -> Self {
        Self {
            voice,
            signal,
            exporter,
            ended: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            late: AtomicU64::new(0),
            kinds: Mutex::default(),
            identity,
            queue: OnceLock::new(),
            durations,
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

    /// The type of the exporter in metrics.
    pub(crate) fn kind(&self) -> &'static str {
        self.identity.kind
    }

    pub(crate) fn exporter_attributes(&self) -> &[KeyValue] {
        &self.identity.exporter
    }

    /// The queue before the exporter, if there is one.
    pub(crate) fn queue(&self) -> Option<&QueueFacts> {
        self.queue.get()
    }

    /// Says that items wait in this queue before the exporter has them.
    pub(crate) fn set_queue(
        &self,
        capacity: usize,
        capacity_bytes: usize,
        bytes: Box<dyn Fn() -> usize + Send + Sync>,
    ) {
        let attributes = self.identity.before.clone();
        let _ = self.queue.set(QueueFacts { attributes, capacity, capacity_bytes, bytes });
    }

    /// The metrics that the reader before the exporter collects have been collected, on this thread.
    pub(crate) fn collected(&self) {
        self.durations.record_collection(&self.identity.before);
    }

    /// The failed items by kind.
    pub(crate) fn failures(&self) -> Vec<(ErrorType, u64)> {
        self.kinds().iter().map(|(kind, items)| (*kind, *items)).collect()
    }

    /// Counts items whose outcome is open.
    pub(crate) fn ended(&self, items: u64) {
        self.ended.fetch_add(items, Ordering::Relaxed);
    }

    /// Items leave the queue for the exporter.
    pub(crate) fn taken(&self, items: u64) {
        self.taken.fetch_add(items, OUTCOME);
    }

    /// Items were refused before the exporter had them.
    pub(crate) fn dropped(&self, items: u64, refusal: &Failure) {
        self.dropped.fetch_add(items, OUTCOME);
        if refusal.kind == ErrorType::AlreadyShutdown {
            self.late.fetch_add(items, OUTCOME);
        }
        if let Some(items) = self.drops.admit(items, Instant::now()) {
            self.remember(&refusal.reason);
            self.warn(items, "dropped", &refusal.reason);
        }
    }

    /// Exports a batch of `items`, and counts what becomes of it.
    pub(crate) fn export(&self, items: u64, send: impl FnOnce() -> Result<(), Failure>) {
        let begun = self.durations.begin();
        let result = unwinding(send).unwrap_or_else(Err);
        if let Some(begun) = begun {
            self.measured(begun.elapsed(), &result);
        }
        self.delivered(items, result);
    }

    fn measured(&self, duration: Duration, result: &Result<(), Failure>) {
        match result {
            Ok(()) => self.durations.record(duration, &self.identity.exporter),
            Err(failure) => {
                let error = KeyValue::new("error.type", failure.kind.name());
                self.durations.record(duration, &[&*self.identity.exporter, &[error]].concat());
            }
        }
    }

    /// A batch of `items` was handed to the exporter, with this result.
    pub(crate) fn delivered(&self, items: u64, result: Result<(), Failure>) {
        let Err(failure) = result else {
            self.exported.fetch_add(items, OUTCOME);
            return;
        };
        let failed = failure.items.unwrap_or(items).min(items);
        self.exported.fetch_add(items - failed, OUTCOME);
        self.failed.fetch_add(failed, OUTCOME);
        self.count(failure.kind, failed);
        self.remember(&failure.reason);
        if let Some(failed) = self.failures.admit(failed, Instant::now()) {
            self.warn(failed, "failed", &failure.reason);
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        // Outcomes are read before the items, so that they never add up to more.
        let exported = self.exported.load(Ordering::Acquire);
        let failed = self.failed.load(Ordering::Acquire);
        let late = self.late.load(Ordering::Acquire);
        let dropped = self.dropped.load(Ordering::Acquire);
        let taken = self.taken.load(Ordering::Acquire);
        let ended = self.ended.load(Ordering::Acquire);
        let reason = self.last_reason().map(|(reason, _)| reason);
        // Without a queue, the exporter has everything at once.
        let taken = if self.queue.get().is_some() { taken } else { ended.saturating_sub(dropped) };
        Snapshot { ended, taken, exported, failed, dropped, late, reason }
    }

    fn count(&self, kind: ErrorType, items: u64) {
        let mut kinds = self.kinds();
        let is_full = kinds.len() >= MOST_KINDS && !kinds.contains_key(&kind);
        *kinds.entry(if is_full { ErrorType::Other } else { kind }).or_default() += items;
    }

    fn kinds(&self) -> MutexGuard<'_, BTreeMap<ErrorType, u64>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest reason for a loss, and when it was given.
    pub(crate) fn last_reason(&self) -> Option<(String, SystemTime)> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn warn(&self, items: u64, outcome: &str, reason: &str) {
        let line = format!("{} to {}: {items} {outcome} ({reason})", self.signal, self.exporter);
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

/// A panic must not end the thread: nothing would leave the process after it.
pub(crate) fn unwinding<R>(work: impl FnOnce() -> R) -> Result<R, Failure> {
    catch_unwind(AssertUnwindSafe(|| quietly(work)))
        .map_err(|panic| Failure::of(ErrorType::Panic, describe_panic(&*panic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_may_fail_in_part() {
        let counts = Counts::new("spans", "otlp");
        counts.ended(10);
        counts.delivered(5, Ok(()));
        counts.delivered(
            3,
            Err(Failure { items: Some(1), ..Failure::of(ErrorType::Rejected, "rejected") }),
        );
        counts.delivered(1, Err(Failure::all("refused")));
        counts.dropped(1, &Failure::of(ErrorType::QueueFull, "queue full"));
        assert_eq!(
            counts.snapshot(),
            Snapshot {
                ended: 10,
                taken: 9,
                exported: 7,
                failed: 2,
                dropped: 1,
                late: 0,
                reason: Some("queue full".to_owned()),
            }
        );
    }

    #[test]
    fn failures_are_counted_by_kind_and_the_kinds_are_bounded() {
        let counts = Counts::new("spans", "otlp");
        for status in 400..500 {
            counts.ended(2);
            let failure = || Err(Failure::of(ErrorType::Http(status), "no"));
            counts.export(2, failure);
        }
        let failures = counts.failures();
        assert_eq!(failures.len(), MOST_KINDS + 1);
        assert!(failures.contains(&(ErrorType::Http(400), 2)), "{failures:?}");
        assert!(failures.contains(&(ErrorType::Other, 2 * (100 - 32))), "{failures:?}");
    }

    #[test]
    fn an_export_that_panics_has_failed() {
        let counts = Counts::new("spans", "otlp");
        counts.ended(3);
        counts.export(3, || panic!("no luck"));
        assert_eq!(counts.failures(), [(ErrorType::Panic, 3)]);
    }

    #[test]
    fn no_answer_can_make_more_fail_than_there_were() {
        let counts = Counts::new("spans", "otlp");
        counts.ended(2);
        counts.delivered(2, Err(Failure { items: Some(9), ..Failure::all("nonsense") }));
        assert_eq!(counts.snapshot().failed, 2);
    }
}

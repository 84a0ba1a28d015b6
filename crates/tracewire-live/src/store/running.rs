//! Requests that have begun and not ended, with the open spans of their traces and those that ended.

use std::sync::{Arc, PoisonError};

use super::SECOND;
use super::facts::{EndedSpan, SpanFacts, SpanId, TraceId};
use super::gate::{Gate, Root, Verdict};
use super::shard::{Destination, Finished, Shard, Spans};
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use crate::sync::{Mutex, MutexGuard};

const SHARDS: usize = 16;
/// The longest path that is shown, in bytes.
const PATH: usize = 64;
const HOUR: u64 = 3_600_000_000_000;
/// Spans wait no longer with a request that still runs.
const HELD_FOR: u64 = 2 * SECOND;

/// A running request. It owns copies only: no span, context or guard lives longer because of it.
#[derive(Clone, Debug)]
pub(crate) struct RunningEntry {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) start: u64,
    pub(crate) name: Arc<str>,
    path: [u8; PATH],
    path_len: u8,
}

impl RunningEntry {
    pub(crate) fn path(&self) -> &str {
        // It was cut on a character boundary.
        str::from_utf8(&self.path[..usize::from(self.path_len)]).unwrap_or_default()
    }
}

/// The running requests, 4,096 of them, in shards by trace id.
#[derive(Debug, Default)]
pub(crate) struct Running {
    shards: [Mutex<Shard>; SHARDS],
    /// Requests that found no place.
    beyond: AtomicU64,
    /// Requests that began over an hour ago.
    folded: AtomicU64,
    /// Bytes of all spans that wait, and their limit.
    held: AtomicUsize,
    most_held: usize,
}

/// What becomes of a span that has ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It waits with its request, or its trace is not kept.
    Here,
    /// The store takes it, after these. If there is a root, their trace is admitted.
    Brought(Spans, Option<Root>),
}

impl Running {
    /// Lets spans of so many bytes wait with their requests.
    pub(crate) fn new(most_held: usize) -> Self {
        Self { most_held, ..Self::default() }
    }

    pub(crate) fn started(
        &self,
        trace_id: TraceId,
        span_id: SpanId,
        start: u64,
        name: Arc<str>,
        path: &str,
    ) {
        let kept = tracewire_text::cut(path, PATH);
        let mut entry = RunningEntry {
            trace_id,
            span_id,
            start,
            name,
            path: [0; PATH],
            path_len: kept.len() as u8, // at most 64
        };
        entry.path[..kept.len()].copy_from_slice(kept.as_bytes());
        if !self.shard(&trace_id).add(entry) {
            self.beyond.fetch_add(1, Relaxed);
        }
    }

    /// Takes a request off the list. Returns what waited with it.
    pub(crate) fn ended(&self, trace_id: &TraceId, span_id: SpanId) -> Spans {
        let mut shard = self.shard(trace_id);
        let Some(Finished { mut spans, is_last, .. }) = shard.finish(trace_id, span_id) else {
            drop(shard);
            self.count_unlisted();
            return Vec::new();
        };
        if !is_last {
            spans.extend(shard.pass_on(trace_id));
        }
        drop(shard);
        self.release(spans)
    }

    /// Takes a request off the list, and decides about its trace if all of it is here.
    pub(crate) fn request_ended(&self, facts: &SpanFacts<'_>, gate: &Gate, now: u64) -> Ended {
        let mut shard = self.shard(&facts.trace_id);
        let Some(finished) = shard.finish(&facts.trace_id, facts.span_id) else {
            drop(shard);
            self.count_unlisted();
            return Ended::Brought(Vec::new(), None);
        };
        let Finished { mut spans, has_error, is_last, is_whole } = finished;
        // Under the lock, so that a span that ends meanwhile finds the request or the decision.
        let verdict = gate.pass(facts, spans.len() + 1, has_error, is_whole, now);
        if !is_last && !matches!(verdict, Verdict::Dropped) {
            spans.extend(shard.pass_on(&facts.trace_id));
        }
        drop(shard);
        let spans = self.release(spans);
        match verdict {
            Verdict::Dropped => Ended::Here,
            Verdict::Admitted(root) => Ended::Brought(spans, Some(root)),
            Verdict::Undecided => Ended::Brought(spans, None),
        }
    }

    /// Counts a span as ended, and lets it wait with its request.
    pub(crate) fn span_held(
        &self,
        facts: &SpanFacts<'_>,
        gate: &Gate,
        weight: usize,
        span: impl FnOnce() -> Option<Box<dyn EndedSpan>>,
    ) -> Ended {
        let has_room = || {
            let has_room = self.held.fetch_add(weight, Relaxed) + weight <= self.most_held;
            if !has_room {
                self.held.fetch_sub(weight, Relaxed);
            }
            has_room
        };
        let destination =
            self.shard(&facts.trace_id).hold(&facts.trace_id, facts.is_error, has_room, span);
        match destination {
            Destination::Held => Ended::Here,
            Destination::PassedOn(spans) => Ended::Brought(self.release(spans), None),
            Destination::Unknown if gate.is_late(facts) => Ended::Here,
            Destination::Unknown => Ended::Brought(Vec::new(), None),
        }
    }

    /// Takes what waits with the requests of a trace. What ends in them from now on does not wait.
    pub(crate) fn pass_on(&self, trace_id: &TraceId) -> Spans {
        let spans = self.shard(trace_id).pass_on(trace_id);
        self.release(spans)
    }

    /// Takes what waits with requests that have run for a while, so that it is shown.
    pub(crate) fn pass_on_overdue(&self, now: u64) -> Spans {
        let overdue = self.shards.iter().flat_map(|shard| lock(shard).pass_on_after(HELD_FOR, now));
        self.release(overdue.collect())
    }

    /// Counts a span below a request that is listed.
    pub(crate) fn span_started(&self, trace_id: &TraceId) {
        self.shard(trace_id).count(trace_id, 1);
    }

    pub(crate) fn span_ended(&self, trace_id: &TraceId) {
        self.shard(trace_id).count(trace_id, -1);
    }

    /// Returns the open spans of a trace with listed requests, in this process.
    pub(crate) fn open_spans(&self, trace_id: &TraceId) -> u32 {
        self.shard(trace_id).open_spans(trace_id)
    }

    /// Returns how many spans of a trace wait with its requests.
    pub(crate) fn held_spans(&self, trace_id: &TraceId) -> usize {
        self.shard(trace_id).held_spans(trace_id)
    }

    /// Returns all entries, longest first. Those older than an hour are counted from here on; nothing
    /// waits with them any longer.
    pub(crate) fn entries(&self, now: u64) -> Vec<RunningEntry> {
        let mut entries = Vec::new();
        for shard in &self.shards {
            let mut shard = lock(shard);
            let (folded, spans) = shard.fold(HOUR, now);
            self.folded.fetch_add(folded as u64, Relaxed);
            entries.extend_from_slice(shard.requests());
            drop(shard);
            self.release(spans);
        }
        entries.sort_by_key(|entry| entry.start);
        entries
    }

    /// Returns an entry of each trace that matches, two at most.
    pub(crate) fn matching(&self, matches: impl Fn(&TraceId) -> bool) -> Vec<RunningEntry> {
        let mut found: Vec<RunningEntry> = Vec::new();
        for shard in &self.shards {
            for entry in lock(shard).requests().iter().filter(|entry| matches(&entry.trace_id)) {
                if found.iter().all(|known| known.trace_id != entry.trace_id) {
                    found.push(entry.clone());
                }
            }
        }
        found.truncate(2);
        found
    }

    pub(crate) fn beyond(&self) -> u64 {
        self.beyond.load(Relaxed)
    }

    pub(crate) fn folded(&self) -> u64 {
        self.folded.load(Relaxed)
    }

    /// Returns how many are listed.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// A request ended that is one of those that are only counted.
    fn count_unlisted(&self) {
        let less = |count: &AtomicU64| {
            count.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1)).is_ok()
        };
        let _ = less(&self.beyond) || less(&self.folded);
    }

    /// Counts spans as not waiting here any longer.
    fn release(&self, spans: Spans) -> Spans {
        let bytes: usize = spans.iter().map(|span| span.weight()).sum();
        if bytes > 0 {
            let less = |held: usize| Some(held.saturating_sub(bytes));
            let _ = self.held.fetch_update(Relaxed, Relaxed, less);
        }
        spans
    }

    fn shard(&self, trace_id: &TraceId) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::from(trace_id[15]) % SHARDS])
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(n: u64) -> TraceId {
        u128::from(n).to_be_bytes()
    }

    fn start(running: &Running, n: u64, at: u64) {
        running.started(trace(n), n.to_be_bytes(), at, "GET".into(), &"ä".repeat(40));
    }

    fn end(running: &Running, n: u64) {
        running.ended(&trace(n), n.to_be_bytes());
    }

    #[test]
    fn requests_are_listed_while_they_run() {
        let running = Running::default();
        for n in 0..100 {
            start(&running, n, 1_000 - n);
        }
        let entries = running.entries(2_000);
        assert_eq!(entries.len(), 100);
        assert!(entries.is_sorted_by_key(|entry| entry.start));
        assert!(entries[0].path().starts_with("ää") && entries[0].path().len() <= 64);
        (0..100).for_each(|n| end(&running, n));
        assert_eq!(running.len(), 0);
    }

    #[test]
    fn requests_beyond_the_limit_are_counted() {
        let running = Running::default();
        (0..5_000).for_each(|n| start(&running, n, 0));
        assert_eq!((running.len(), running.beyond()), (4_096, 904));
        (0..5_000).for_each(|n| end(&running, n));
        assert_eq!((running.len(), running.beyond()), (0, 0));
    }

    #[test]
    fn requests_that_never_end_are_folded_after_an_hour() {
        let running = Running::default();
        (0..10).for_each(|n| start(&running, n, 0));
        start(&running, 10, HOUR);
        assert_eq!(running.entries(HOUR + 1).len(), 1);
        assert_eq!(running.folded(), 10);
        end(&running, 3);
        assert_eq!(running.folded(), 9);
    }

    #[test]
    fn open_spans_are_counted_while_a_request_of_their_trace_is_listed() {
        let running = Running::default();
        running.span_started(&trace(1)); // of a request that is not listed
        start(&running, 1, 0);
        (0..3).for_each(|_| running.span_started(&trace(1)));
        running.span_ended(&trace(1));
        assert_eq!((running.open_spans(&trace(1)), running.open_spans(&trace(2))), (3, 0));
        running.started(trace(1), [9; 8], 0, "GET".into(), "");
        assert_eq!(running.open_spans(&trace(1)), 4);
        end(&running, 1);
        assert_eq!(running.open_spans(&trace(1)), 3);
        running.ended(&trace(1), [9; 8]);
        running.span_ended(&trace(1));
        assert_eq!(running.open_spans(&trace(1)), 0);
        assert!(running.shards.iter().all(|shard| lock(shard).is_empty()));
    }

    #[test]
    fn spans_that_never_end_keep_nothing_of_a_folded_request() {
        let running = Running::default();
        (0..10).for_each(|n| start(&running, n, 0));
        (0..10).for_each(|n| running.span_started(&trace(n)));
        assert_eq!(running.entries(HOUR + 1).len(), 0);
        assert!(running.shards.iter().all(|shard| lock(shard).is_empty()));
    }

    #[test]
    fn spans_of_two_traces_may_have_one_id() {
        let running = Running::default();
        // Both in one shard.
        for n in [1, 17] {
            running.started(trace(n), [9; 8], n, "GET".into(), "");
        }
        running.ended(&trace(17), [9; 8]);
        assert_eq!((running.open_spans(&trace(1)), running.open_spans(&trace(17))), (1, 0));
        assert_eq!(running.entries(20)[0].trace_id, trace(1));
    }

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<RunningEntry>() <= 128);
    }
}

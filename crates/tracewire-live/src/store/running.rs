//! Requests that have begun and not ended, and the open spans of their traces.

use std::sync::{Arc, PoisonError};

use super::facts::{SpanId, TraceId};
use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};
use crate::sync::{Mutex, MutexGuard};

const SHARDS: usize = 16;
/// Entries of one shard, 4,096 in all.
const MOST: usize = 256;
/// The longest path that is shown, in bytes.
const PATH: usize = 64;
const HOUR: u64 = 3_600_000_000_000;

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

/// The running requests, in shards by trace id.
#[derive(Debug, Default)]
pub(crate) struct Running {
    shards: [Mutex<Shard>; SHARDS],
    /// Requests that found no place.
    beyond: AtomicU64,
    /// Requests that began over an hour ago.
    folded: AtomicU64,
}

/// Requests, each at the same place of every list. Few run at a time and their ids lie side by side, so a
/// search reads few cache lines and hashes nothing.
#[derive(Debug, Default)]
struct Shard {
    spans: Vec<SpanId>,
    traces: Vec<TraceId>,
    /// Spans that have started and not ended. What is open of a trace is the sum over its requests.
    open: Vec<i32>,
    requests: Vec<RunningEntry>,
}

impl Shard {
    fn add(&mut self, entry: RunningEntry) {
        self.spans.push(entry.span_id);
        self.traces.push(entry.trace_id);
        self.open.push(1);
        self.requests.push(entry);
    }

    /// Removes a request. Spans that outlive the last one of their trace are not counted.
    fn remove(&mut self, span_id: SpanId) -> bool {
        let Some(place) = self.spans.iter().position(|span| *span == span_id) else { return false };
        self.spans.swap_remove(place);
        let trace_id = self.traces.swap_remove(place);
        let left = self.open.swap_remove(place) - 1;
        self.requests.swap_remove(place);
        if left != 0 {
            self.count(&trace_id, left);
        }
        true
    }

    /// Counts spans of a trace, if it has a listed request.
    fn count(&mut self, trace_id: &TraceId, spans: i32) {
        if let Some(place) = self.traces.iter().position(|trace| trace == trace_id) {
            self.open[place] = self.open[place].saturating_add(spans);
        }
    }

    fn open_spans(&self, trace_id: &TraceId) -> u32 {
        let all = self.traces.iter().zip(&self.open).filter(|(trace, _)| *trace == trace_id);
        let open: i64 = all.map(|(_, open)| i64::from(*open)).sum();
        u32::try_from(open.max(0)).unwrap_or(u32::MAX)
    }
}

impl Running {
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
        let mut shard = self.shard(&trace_id);
        if shard.requests.len() < MOST {
            shard.add(entry);
        } else {
            self.beyond.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn ended(&self, trace_id: &TraceId, span_id: SpanId) {
        if !self.shard(trace_id).remove(span_id) {
            // It is one of those that are only counted.
            let less = |count: &AtomicU64| {
                count.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1)).is_ok()
            };
            let _ = less(&self.beyond) || less(&self.folded);
        }
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

    /// Returns all entries, longest first. Those older than an hour are counted from here on.
    pub(crate) fn entries(&self, now: u64) -> Vec<RunningEntry> {
        let mut entries = Vec::new();
        for shard in &self.shards {
            let mut shard = lock(shard);
            let is_old = |entry: &&RunningEntry| now.saturating_sub(entry.start) > HOUR;
            let old: Vec<_> = shard.requests.iter().filter(is_old).map(|e| e.span_id).collect();
            self.folded.fetch_add(old.len() as u64, Relaxed);
            for span_id in old {
                shard.remove(span_id);
            }
            entries.extend(shard.requests.iter().cloned());
        }
        entries.sort_by_key(|entry| entry.start);
        entries
    }

    /// Returns the entry of a trace that matches.
    pub(crate) fn find(&self, matches: impl Fn(&TraceId) -> bool) -> Option<RunningEntry> {
        self.shards.iter().find_map(|shard| {
            lock(shard).requests.iter().find(|entry| matches(&entry.trace_id)).cloned()
        })
    }

    pub(crate) fn beyond(&self) -> u64 {
        self.beyond.load(Relaxed)
    }

    pub(crate) fn folded(&self) -> u64 {
        self.folded.load(Relaxed)
    }

    /// Returns how many are listed.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).requests.len()).sum()
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
        assert!(running.shards.iter().all(|shard| lock(shard).open.is_empty()));
    }

    #[test]
    fn spans_that_never_end_keep_nothing_of_a_folded_request() {
        let running = Running::default();
        (0..10).for_each(|n| start(&running, n, 0));
        (0..10).for_each(|n| running.span_started(&trace(n)));
        assert_eq!(running.entries(HOUR + 1).len(), 0);
        assert!(running.shards.iter().all(|shard| lock(shard).open.is_empty()));
    }

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<RunningEntry>() <= 128);
    }
}

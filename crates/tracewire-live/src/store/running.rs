//! Requests that have begun and not ended.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::facts::{SpanId, TraceId};

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

/// The running requests, in shards by span id.
#[derive(Debug, Default)]
pub(crate) struct Running {
    shards: [Mutex<HashMap<SpanId, RunningEntry>>; SHARDS],
    /// Requests that found no place.
    beyond: AtomicU64,
    /// Requests that began over an hour ago.
    folded: AtomicU64,
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
        let mut shard = self.shard(span_id).lock().unwrap_or_else(PoisonError::into_inner);
        if shard.len() < MOST {
            shard.insert(span_id, entry);
        } else {
            self.beyond.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn ended(&self, span_id: SpanId) {
        let mut shard = self.shard(span_id).lock().unwrap_or_else(PoisonError::into_inner);
        let removed = shard.remove(&span_id);
        drop(shard);
        if removed.is_none() {
            // It is one of those that are only counted.
            let less = |count: &AtomicU64| {
                count.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1)).is_ok()
            };
            let _ = less(&self.beyond) || less(&self.folded);
        }
    }

    /// Returns all entries, longest first. Those older than an hour are counted from here on.
    pub(crate) fn entries(&self, now: u64) -> Vec<RunningEntry> {
        let mut entries = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let before = shard.len();
            shard.retain(|_, entry| now.saturating_sub(entry.start) <= HOUR);
            self.folded.fetch_add((before - shard.len()) as u64, Relaxed);
            entries.extend(shard.values().cloned());
        }
        entries.sort_by_key(|entry| entry.start);
        entries
    }

    /// Returns the entry of a trace that matches.
    pub(crate) fn find(&self, matches: impl Fn(&TraceId) -> bool) -> Option<RunningEntry> {
        self.shards.iter().find_map(|shard| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.values().find(|entry| matches(&entry.trace_id)).cloned()
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
        self.shards.iter().map(|s| s.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    fn shard(&self, span_id: SpanId) -> &Mutex<HashMap<SpanId, RunningEntry>> {
        &self.shards[usize::from(span_id[7]) % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(running: &Running, n: u64, at: u64) {
        running.started([1; 16], n.to_be_bytes(), at, "GET".into(), &"ä".repeat(40));
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
        (0..100_u64).for_each(|n| running.ended(n.to_be_bytes()));
        assert_eq!(running.len(), 0);
    }

    #[test]
    fn requests_beyond_the_limit_are_counted() {
        let running = Running::default();
        (0..5_000).for_each(|n| start(&running, n, 0));
        assert_eq!((running.len(), running.beyond()), (4_096, 904));
        (0..5_000_u64).for_each(|n| running.ended(n.to_be_bytes()));
        assert_eq!((running.len(), running.beyond()), (0, 0));
    }

    #[test]
    fn requests_that_never_end_are_folded_after_an_hour() {
        let running = Running::default();
        (0..10).for_each(|n| start(&running, n, 0));
        start(&running, 10, HOUR);
        assert_eq!(running.entries(HOUR + 1).len(), 1);
        assert_eq!(running.folded(), 10);
        running.ended(3_u64.to_be_bytes());
        assert_eq!(running.folded(), 9);
    }

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<(SpanId, RunningEntry)>() <= 128);
    }
}

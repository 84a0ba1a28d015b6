//! Spans that wait until their trace is finished in this process.
//!
//! Children end before their parents, and two services of one process take part in one trace. So a
//! trace is ready when none of its spans is open here any more. Bounds keep memory and patience: the
//! number of traces, the spans of a trace, the bytes of all spans that wait, and the time that a
//! finished root waits for spans that outlive it. What comes after that is a small tree of its own.

use crate::pipeline::counts::Counts;
use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::SpanData;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

const MOST_TRACES: usize = 256;
const MOST_SPANS: usize = 1_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// How long a finished root waits for spans that are still open.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long any finished span waits for its root.
const OLDEST: Duration = Duration::from_secs(300);

/// The telemetry that a span belongs to: a process may have several, which show one trace together.
#[derive(Debug)]
pub(crate) struct Origin {
    /// The name of the service, if somebody named it.
    pub(crate) service: Option<String>,
    pub(crate) counts: Arc<Counts>,
}

/// A span that waits to be shown.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) span: Arc<SpanData>,
    /// How much memory it keeps.
    pub(crate) bytes: usize,
    pub(crate) origin: Arc<Origin>,
}

#[derive(Debug, Default)]
pub(super) struct Buffer {
    traces: HashMap<TraceId, Trace>,
    /// Of all finished spans.
    bytes: usize,
}

#[derive(Debug)]
struct Trace {
    open: HashSet<SpanId>,
    finished: Vec<Finished>,
    finished_ids: HashSet<SpanId>,
    bytes: usize,
    begun: Instant,
    root_ended: Option<Instant>,
}

/// The spans of one trace, to be shown together.
type Ready = Vec<Finished>;

impl Buffer {
    /// A span begins; gives traces that must make room for it.
    pub(super) fn start(&mut self, trace: TraceId, span: SpanId, now: Instant) -> Vec<Ready> {
        let mut ready = Vec::new();
        if self.traces.len() >= MOST_TRACES && !self.traces.contains_key(&trace) {
            let oldest = self.traces.iter().min_by_key(|(_, trace)| trace.begun);
            if let Some(oldest) = oldest.map(|(&id, _)| id) {
                ready.extend(self.take(oldest));
                self.traces.remove(&oldest);
            }
        }
        let trace = self.traces.entry(trace).or_insert_with(|| Trace::new(now));
        // A trace with too many open spans stays right, but its tree may come in parts.
        if trace.open.len() < MOST_SPANS {
            trace.open.insert(span);
        }
        ready.extend(self.impatient(now));
        ready
    }

    /// A span ended; gives the traces that are ready to be shown.
    pub(super) fn end(&mut self, finished: Finished, now: Instant) -> Vec<Ready> {
        let id = finished.span.span_context.trace_id();
        let trace = self.traces.entry(id).or_insert_with(|| Trace::new(now));
        self.bytes += trace.end(finished, now);
        let mut ready = Vec::new();
        if trace.open.is_empty() {
            ready.extend(self.take(id));
            self.traces.remove(&id);
        } else if trace.finished.len() >= MOST_SPANS {
            ready.extend(self.take(id));
        } else if self.bytes > MOST_BYTES {
            let largest = self.traces.iter().max_by_key(|(_, trace)| trace.bytes);
            ready.extend(largest.map(|(&id, _)| id).and_then(|id| self.take(id)));
        }
        ready.extend(self.impatient(now));
        ready
    }

    /// What has finished of the traces that `origin` takes part in, oldest first, because nothing
    /// more of it will come or somebody wants to see it.
    pub(super) fn drain(&mut self, origin: &Arc<Origin>) -> Vec<Ready> {
        let is_own = |finished: &Finished| Arc::ptr_eq(&finished.origin, origin);
        let own = self.traces.iter().filter(|(_, trace)| trace.finished.iter().any(is_own));
        let mut own: Vec<_> = own.map(|(&id, trace)| (trace.begun, id)).collect();
        own.sort_by_key(|(begun, _)| *begun);
        own.into_iter().filter_map(|(_, id)| self.take(id)).collect()
    }

    fn impatient(&mut self, now: Instant) -> Vec<Ready> {
        let due = self.traces.iter().filter(|(_, trace)| trace.is_impatient(now));
        let due: Vec<_> = due.map(|(&id, _)| id).collect();
        due.into_iter().filter_map(|id| self.take(id)).collect()
    }

    /// What has finished of a trace; `None` if that is nothing.
    fn take(&mut self, id: TraceId) -> Option<Ready> {
        let trace = self.traces.get_mut(&id)?;
        self.bytes -= std::mem::take(&mut trace.bytes);
        trace.root_ended = None;
        trace.finished_ids.clear();
        Some(std::mem::take(&mut trace.finished)).filter(|finished| !finished.is_empty())
    }
}

impl Trace {
    fn new(now: Instant) -> Self {
        Self {
            open: HashSet::new(),
            finished: Vec::new(),
            finished_ids: HashSet::new(),
            bytes: 0,
            begun: now,
            root_ended: None,
        }
    }

    /// Gives how many bytes the span keeps.
    fn end(&mut self, finished: Finished, now: Instant) -> usize {
        let (id, parent) = (finished.span.span_context.span_id(), finished.span.parent_span_id);
        self.open.remove(&id);
        if !self.open.contains(&parent) && !self.finished_ids.contains(&parent) {
            self.root_ended.get_or_insert(now);
        }
        let bytes = finished.bytes;
        self.bytes += bytes;
        self.finished_ids.insert(id);
        self.finished.push(finished);
        bytes
    }

    fn is_impatient(&self, now: Instant) -> bool {
        let waited = |since: Instant, limit| now.duration_since(since) >= limit;
        !self.finished.is_empty()
            && (self.root_ended.is_some_and(|ended| waited(ended, PATIENCE))
                || waited(self.begun, OLDEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pipeline::deliver::Weigh, sample::Sample};

    const TRACE: u128 = 42;

    struct Clock {
        buffer: Buffer,
        origin: Arc<Origin>,
        now: Instant,
    }

    fn origin() -> Arc<Origin> {
        Arc::new(Origin { service: None, counts: Arc::new(Counts::new("spans", "console")) })
    }

    impl Clock {
        fn new() -> Self {
            Self { buffer: Buffer::default(), origin: origin(), now: Instant::now() }
        }

        fn start(&mut self, span: u64) -> Vec<Vec<u64>> {
            self.start_in(TRACE, span)
        }

        fn start_in(&mut self, trace: u128, span: u64) -> Vec<Vec<u64>> {
            ids(self.buffer.start(TraceId::from(trace), SpanId::from(span), self.now))
        }

        fn end(&mut self, span: Sample) -> Vec<Vec<u64>> {
            let origin = Arc::clone(&self.origin);
            let span = Arc::new(span.span());
            let finished = Finished { bytes: span.weight(), span, origin };
            ids(self.buffer.end(finished, self.now))
        }

        fn pass(&mut self, time: Duration) {
            self.now += time;
        }
    }

    fn ids(traces: Vec<Ready>) -> Vec<Vec<u64>> {
        let id = |finished: Finished| {
            u64::from_be_bytes(finished.span.span_context.span_id().to_bytes())
        };
        traces.into_iter().map(|trace| trace.into_iter().map(id).collect()).collect()
    }

    #[test]
    fn a_trace_is_ready_when_its_last_open_span_ends() {
        let mut clock = Clock::new();
        for span in 1..=3 {
            assert!(clock.start(span).is_empty());
        }
        assert!(clock.end(Sample::new(3).under(2)).is_empty());
        assert!(clock.end(Sample::new(2).under(1)).is_empty());
        assert_eq!(clock.end(Sample::new(1)), [[3, 2, 1]]);
        assert!(clock.buffer.traces.is_empty());
    }

    #[test]
    fn the_second_service_waits_for_the_first() {
        let mut clock = Clock::new();
        clock.start(1); // shop's server
        clock.start(2); // its client
        clock.start(3); // inventory's server, whose remote parent is 2
        assert!(clock.end(Sample::new(3).under_remote(2)).is_empty());
        assert!(clock.end(Sample::new(2).under(1)).is_empty());
        assert_eq!(clock.end(Sample::new(1).under_remote(99)), [[3, 2, 1]]);
    }

    #[test]
    fn the_second_service_may_end_last() {
        let mut clock = Clock::new();
        clock.start(1);
        clock.start(2);
        assert!(clock.end(Sample::new(1)).is_empty());
        assert_eq!(clock.end(Sample::new(2).under_remote(1)), [[1, 2]]);
    }

    #[test]
    fn a_finished_root_does_not_wait_for_ever() {
        let mut clock = Clock::new();
        clock.start(1);
        clock.start(2);
        assert!(clock.end(Sample::new(1)).is_empty());
        clock.pass(PATIENCE);
        assert_eq!(clock.start_in(7, 70), [[1]]);
        assert_eq!(clock.end(Sample::new(2).under(1)), [[2]]);
    }

    #[test]
    fn children_of_an_open_root_wait_longer() {
        let mut clock = Clock::new();
        clock.start(1);
        clock.start(2);
        clock.end(Sample::new(2).under(1));
        clock.pass(PATIENCE * 2);
        assert!(clock.start_in(7, 70).is_empty());
        clock.pass(OLDEST);
        assert_eq!(clock.start_in(8, 80), [[2]]);
    }

    #[test]
    fn the_oldest_trace_makes_room() {
        let mut clock = Clock::new();
        clock.start(1);
        clock.start(2);
        clock.end(Sample::new(2).under(1));
        for trace in 0..MOST_TRACES as u128 - 1 {
            clock.pass(Duration::from_millis(1));
            assert!(clock.start_in(1_000 + trace, 5).is_empty());
        }
        assert_eq!(clock.start_in(9_999, 5), [[2]]);
        assert_eq!(clock.buffer.traces.len(), MOST_TRACES);
    }

    #[test]
    fn a_huge_trace_comes_in_parts() {
        let mut clock = Clock::new();
        clock.start(1);
        let most = MOST_SPANS as u64;
        for span in 2..=most {
            assert!(clock.end(Sample::new(span).under(1)).is_empty());
        }
        assert_eq!(clock.end(Sample::new(most + 1).under(1))[0].len(), MOST_SPANS);
        assert_eq!(clock.end(Sample::new(1)), [[1]]);
    }

    #[test]
    fn drain_gives_what_has_finished_oldest_first() {
        let mut clock = Clock::new();
        clock.start_in(9, 1);
        clock.pass(Duration::from_millis(1));
        clock.start(1);
        clock.start(2);
        clock.end(Sample::new(2).under(1));
        assert_eq!(ids(clock.buffer.drain(&clock.origin)), [[2]]);
        assert!(clock.buffer.drain(&clock.origin).is_empty());
        assert_eq!(clock.end(Sample::new(1)), [[1]]);
    }

    #[test]
    fn drain_leaves_the_traces_of_others() {
        let mut clock = Clock::new();
        clock.start(1);
        clock.start(2);
        clock.end(Sample::new(2).under(1));
        let (own, other) = (Arc::clone(&clock.origin), origin());
        assert!(clock.buffer.drain(&other).is_empty());
        clock.origin = Arc::clone(&other);
        clock.start(3);
        clock.end(Sample::new(3).under_remote(1));
        assert_eq!(ids(clock.buffer.drain(&other)), [[2, 3]]);
        assert!(clock.buffer.drain(&own).is_empty());
    }

    #[test]
    fn heavy_spans_of_traces_that_never_end_take_bounded_memory() {
        let mut clock = Clock::new();
        let heavy = "x".repeat(MOST_BYTES / 100);
        let mut shown = 0;
        clock.start(1);
        for span in 2..1_000 {
            let sample = Sample::new(span).under(1).attribute("text", heavy.clone());
            shown += clock.end(sample).iter().map(Vec::len).sum::<usize>();
            assert!(clock.buffer.bytes <= MOST_BYTES + 2 * heavy.len());
        }
        assert!(shown > 800, "{shown}");
        clock.end(Sample::new(1));
        assert_eq!((clock.buffer.bytes, clock.buffer.traces.len()), (0, 0));
    }

    #[test]
    fn a_hundred_thousand_spans_of_a_trace_whose_root_never_ends_are_bounded() {
        let mut clock = Clock::new();
        clock.start(1);
        let mut shown = 0;
        for span in 2..100_002 {
            shown += clock.start(span).len();
            shown += clock.end(Sample::new(span).under(1)).iter().map(Vec::len).sum::<usize>();
        }
        let trace = &clock.buffer.traces[&TraceId::from(TRACE)];
        assert!(shown >= 99_000 && trace.finished.len() < MOST_SPANS, "{shown}");
        assert_eq!(trace.open.len(), 1);
        for span in 200_000..300_000 {
            clock.start(span);
        }
        assert_eq!(clock.buffer.traces[&TraceId::from(TRACE)].open.len(), MOST_SPANS);
    }
}

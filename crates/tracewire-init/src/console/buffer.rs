//! Spans that wait until their trace is finished in this process.
//!
//! Children end before their parents, and two services of one process take part in one trace. So a
//! trace is ready when none of its spans is open here any more. Three bounds keep memory and
//! patience: the number of traces, of spans in a trace, and the time a finished root waits for
//! spans that outlive it. What comes after that is a small tree of its own.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::SpanData;

const MOST_TRACES: usize = 256;
const MOST_SPANS: usize = 1_000;
/// How long a finished root waits for spans that are still open.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long any finished span waits for its root.
const OLDEST: Duration = Duration::from_secs(300);

#[derive(Debug, Default)]
pub(super) struct Buffer {
    traces: HashMap<TraceId, Trace>,
}

#[derive(Debug)]
struct Trace {
    open: HashSet<SpanId>,
    finished: Vec<SpanData>,
    begun: Instant,
    root_ended: Option<Instant>,
}

impl Buffer {
    /// A span begins; gives traces that must make room for it.
    pub(super) fn start(
        &mut self,
        trace: TraceId,
        span: SpanId,
        now: Instant,
    ) -> Vec<Vec<SpanData>> {
        let mut ready = Vec::new();
        if self.traces.len() >= MOST_TRACES && !self.traces.contains_key(&trace) {
            let oldest = self.traces.iter().min_by_key(|(_, trace)| trace.begun);
            if let Some(oldest) = oldest.map(|(&id, _)| id) {
                ready.extend(self.traces.remove(&oldest).map(|trace| trace.finished));
            }
        }
        let trace = self.traces.entry(trace).or_insert_with(|| Trace::new(now));
        // A trace with too many open spans stays right, but its tree may come in parts.
        if trace.open.len() < MOST_SPANS {
            trace.open.insert(span);
        }
        ready.extend(self.impatient(now));
        ready.retain(|spans| !spans.is_empty());
        ready
    }

    /// A span ended; gives the traces that are ready to be shown.
    pub(super) fn end(&mut self, span: SpanData, now: Instant) -> Vec<Vec<SpanData>> {
        let id = span.span_context.trace_id();
        let trace = self.traces.entry(id).or_insert_with(|| Trace::new(now));
        trace.open.remove(&span.span_context.span_id());
        if !trace.open.contains(&span.parent_span_id) && !trace.has_finished(span.parent_span_id) {
            trace.root_ended.get_or_insert(now);
        }
        trace.finished.push(span);
        let mut ready = Vec::new();
        if trace.open.is_empty() {
            ready.extend(self.traces.remove(&id).map(|trace| trace.finished));
        } else if trace.finished.len() >= MOST_SPANS {
            ready.push(std::mem::take(&mut trace.finished));
        }
        ready.extend(self.impatient(now));
        ready
    }

    /// Everything that has finished, because nothing more will come or somebody wants to see it.
    pub(super) fn drain(&mut self) -> Vec<Vec<SpanData>> {
        let mut traces: Vec<_> =
            self.traces.values_mut().filter(|trace| !trace.finished.is_empty()).collect();
        traces.sort_by_key(|trace| trace.begun);
        traces.into_iter().map(Trace::take).collect()
    }

    fn impatient(&mut self, now: Instant) -> Vec<Vec<SpanData>> {
        let waited = |since: Instant, limit| now.duration_since(since) >= limit;
        self.traces
            .values_mut()
            .filter(|trace| !trace.finished.is_empty())
            .filter(|trace| {
                trace.root_ended.is_some_and(|ended| waited(ended, PATIENCE))
                    || waited(trace.begun, OLDEST)
            })
            .map(Trace::take)
            .collect()
    }
}

impl Trace {
    fn new(now: Instant) -> Self {
        Self { open: HashSet::new(), finished: Vec::new(), begun: now, root_ended: None }
    }

    fn has_finished(&self, span: SpanId) -> bool {
        self.finished.iter().any(|finished| finished.span_context.span_id() == span)
    }

    fn take(&mut self) -> Vec<SpanData> {
        self.root_ended = None;
        std::mem::take(&mut self.finished)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    const TRACE: u128 = 42;

    struct Clock {
        buffer: Buffer,
        now: Instant,
    }

    impl Clock {
        fn new() -> Self {
            Self { buffer: Buffer::default(), now: Instant::now() }
        }

        fn start(&mut self, span: u64) -> Vec<Vec<u64>> {
            self.start_in(TRACE, span)
        }

        fn start_in(&mut self, trace: u128, span: u64) -> Vec<Vec<u64>> {
            ids(self.buffer.start(TraceId::from(trace), SpanId::from(span), self.now))
        }

        fn end(&mut self, span: Sample) -> Vec<Vec<u64>> {
            ids(self.buffer.end(span.span(), self.now))
        }

        fn pass(&mut self, time: Duration) {
            self.now += time;
        }
    }

    fn ids(traces: Vec<Vec<SpanData>>) -> Vec<Vec<u64>> {
        let id = |span: SpanData| u64::from_be_bytes(span.span_context.span_id().to_bytes());
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
        assert_eq!(ids(clock.buffer.drain()), [[2]]);
        assert!(clock.buffer.drain().is_empty());
        assert_eq!(clock.end(Sample::new(1)), [[1]]);
    }
}

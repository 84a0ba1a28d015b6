//! Traces that are decided about where their requests end: they are kept whole, or not at all.

use shuttle::thread;

use super::{begin, check, end, find, live, span, trace};
use crate::api::trace::Missing;
use crate::store::Gone;
use crate::{EndedSpan, Live, Recorder};

/// A store that does not keep the next request: others of its route and latency have the places of the
/// slowest, and of those kept a second.
fn busy() -> Recorder {
    let recorder = Live::new().rate(1, 1).build();
    recorder.offer([11, 12, 13].map(|number| span(&recorder, number, 1)));
    recorder
}

/// Ends a request of trace 1 and two spans within it on threads of their own, while a browser looks at the
/// trace, and what has waited for long is shown.
fn end_request(recorder: &Recorder, request: u8, within: [u8; 2]) -> Vec<thread::JoinHandle<()>> {
    let ends = [request, within[0], within[1]].map(|number| {
        let recorder = recorder.clone();
        thread::spawn(move || end(&recorder, 1, number))
    });
    ends.into()
}

/// All of trace 1 is here, or all of it was dropped and counted.
fn is_whole_or_not_kept(recorder: &Recorder, spans: u32) {
    assert_eq!(recorder.running().len(), 0);
    let found = find(recorder, 1).map(|trace| trace.summary.clone());
    let store = recorder.store();
    assert_eq!(store.waiting_count(), 0);
    let counters = store.counters();
    assert_eq!((counters.spans, counters.traces), (3 + u64::from(spans), 4), "{counters:?}");
    match found {
        // Another second may have begun.
        Ok(trace) => assert!(trace.spans == spans || trace.lacks_earlier, "{trace:?}"),
        Err(why) => assert!(matches!(why, Missing::Gone(Gone::NotKept, _)), "{why:?}"),
    }
}

/// A request that is not to be kept ends, while spans within it end on other threads, a browser looks at its
/// trace, and what has waited for long is shown: whichever way they come, nothing of the trace stays, and each
/// span is counted.
#[test]
fn of_a_trace_that_is_not_kept_nothing_stays() {
    check(|| {
        let recorder = busy();
        begin(&recorder, 1, 1, 3);
        (0..2).for_each(|_| recorder.span_started(trace(1)));
        let threads = end_request(&recorder, 1, [2, 3]);
        recorder.tick();
        drop(find(&recorder, 1));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        is_whole_or_not_kept(&recorder, 3);
    });
}

/// The same for two requests of one trace, as when a service calls itself.
#[test]
fn of_two_requests_of_a_trace_that_is_not_kept_nothing_stays() {
    check(|| {
        let recorder = busy();
        begin(&recorder, 1, 1, 0);
        begin(&recorder, 1, 101, 0);
        (0..2).for_each(|_| recorder.span_started(trace(1)));
        let ends = [[2, 1], [3, 101]].map(|spans| {
            let recorder = recorder.clone();
            thread::spawn(move || spans.iter().for_each(|number| end(&recorder, 1, *number)))
        });
        drop(find(&recorder, 1));
        ends.into_iter().for_each(|thread| thread.join().unwrap());
        is_whole_or_not_kept(&recorder, 4);
    });
}

/// Two requests of one trace end at once, and a span that failed waits with one of them: the trace is kept for
/// it, and where not whole it says so.
#[test]
fn a_span_that_failed_keeps_the_trace_of_two_requests() {
    check(|| {
        let recorder = busy();
        begin(&recorder, 1, 1, 0);
        begin(&recorder, 1, 101, 0);
        (0..2).for_each(|_| recorder.span_started(trace(1)));
        end(&recorder, 1, 50);
        let ends = [vec![1], vec![3, 101]].map(|spans| {
            let recorder = recorder.clone();
            thread::spawn(move || spans.iter().for_each(|number| end(&recorder, 1, *number)))
        });
        ends.into_iter().for_each(|thread| thread.join().unwrap());
        let trace = find(&recorder, 1).unwrap();
        let summary = &trace.summary;
        assert_eq!(summary.errors, 1);
        assert!(summary.spans == 4 || summary.lacks_earlier, "{summary:?}");
    });
}

/// Two requests of one trace that is to be kept end at once, with spans within them on other threads: all are
/// in the trace.
#[test]
fn two_requests_of_a_trace_are_kept_together() {
    check(|| {
        let recorder = Live::new().build();
        begin(&recorder, 1, 1, 3);
        begin(&recorder, 1, 101, 0);
        (0..3).for_each(|_| recorder.span_started(trace(1)));
        let mut threads = end_request(&recorder, 1, [2, 3]);
        let other = recorder.clone();
        threads.push(thread::spawn(move || {
            end(&other, 1, 4);
            end(&other, 1, 101);
        }));
        recorder.tick();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(recorder.running().len(), 0);
        assert_eq!(find(&recorder, 1).map(|trace| trace.summary.spans), Ok(5));
        assert_eq!(recorder.store().counters().spans, 5);
    });
}

/// Spans wait with two requests, which end while a browser looks: the memory that is for spans that wait is
/// free again in the end, all of it and no more.
#[test]
fn the_memory_of_spans_that_wait_is_given_back() {
    check(|| {
        let weight = span(&Live::new().build(), 1, 2).weight();
        let recorder = live(|options| options.memory.held = 2 * weight);
        let ends = [1, 2].map(|number| {
            begin(&recorder, number, 1, 0);
            let recorder = recorder.clone();
            thread::spawn(move || [2, 3, 1].iter().for_each(|span| end(&recorder, number, *span)))
        });
        recorder.show(&trace(1));
        ends.into_iter().for_each(|thread| thread.join().unwrap());
        begin(&recorder, 3, 1, 0);
        let brought = [2, 3, 4].map(|number| {
            let span = span(&recorder, 3, number);
            let kept = recorder.ended(&span.facts(), span.weight(), || Box::new(span.clone()));
            kept.map(|arrival| arrival.spans())
        });
        // The third finds no place, and takes along those that waited.
        assert_eq!(brought, [None, None, Some(3)]);
    });
}

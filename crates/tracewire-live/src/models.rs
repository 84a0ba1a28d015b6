//! Models of threads that bring spans and threads that read the page, which shuttle runs in many random
//! orders.

use bytes::Bytes;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner, thread};
use std::sync::Arc;

use crate::api::{
    self,
    path::{Api, IdPrefix},
};
use crate::clock::now;
use crate::store::{EncodedSpan, Sources};
use crate::{EndedSpan, Live, Recorder, RequestStart, TraceId};

/// How many orders of each model are tried, unless `MODEL_ORDERS` says otherwise.
fn check(model: fn()) {
    let orders = option_env!("MODEL_ORDERS").map_or(3_000, |orders| orders.parse().unwrap());
    let mut config = Config::new();
    // Encoding and reading of spans take more than the default of 32 KiB in a build without optimization.
    config.stack_size = 512 * 1024;
    Runner::new(RandomScheduler::new(orders), config.clone()).run(model);
    Runner::new(PctScheduler::new(3, orders), config).run(model);
}

fn trace(number: u8) -> TraceId {
    [number; 16]
}

fn prefix(number: u8) -> IdPrefix<'static> {
    let digits = if number == 1 { "01010101" } else { "02020202" };
    IdPrefix::parse(digits).unwrap()
}

/// A span of a trace: the request's own is number 1, and the others are its children.
fn span(recorder: &Recorder, trace_number: u8, number: u8) -> EncodedSpan {
    let start = now();
    let span = Span {
        trace_id: trace(trace_number).to_vec(),
        span_id: vec![number; 8],
        parent_span_id: if number == 1 { Vec::new() } else { vec![1; 8] },
        name: "GET /orders".to_owned(),
        kind: if number == 1 { 2 } else { 1 },
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000,
        ..Span::default()
    };
    let source = recorder.source(b"", b"");
    EncodedSpan::new(source, Bytes::from(span.encode_to_vec())).unwrap()
}

/// A request runs: it is listed, its child ends, it ends, and both spans are brought.
fn request(recorder: &Recorder, number: u8) {
    let (trace_id, span_id) = (trace(number), [1; 8]);
    let (name, path) = (Arc::from("GET /orders"), "/orders");
    recorder.request_started(RequestStart { trace_id, span_id, start: now(), name, path });
    recorder.span_started(trace_id);
    recorder.span_ended(trace_id);
    recorder.offer([span(recorder, number, 2)]);
    recorder.request_ended(trace_id, span_id);
    recorder.offer([span(recorder, number, 1)]);
}

fn read(recorder: &Recorder, api: Api<'_>) {
    assert_eq!(api::answer(recorder, api, None).status(), 200);
}

/// Two requests run while a browser reads every list and the clock ticks: nobody waits for ever, each
/// answer is one, and in the end both traces are there whole, with nothing running.
#[test]
fn what_is_brought_while_a_browser_reads_is_there_whole() {
    check(|| {
        let recorder = Live::new().build();
        let threads: Vec<_> = [1, 2]
            .map(|number| {
                let recorder = recorder.clone();
                thread::spawn(move || request(&recorder, number))
            })
            .into_iter()
            .collect();
        let browser = recorder.clone();
        let reads = thread::spawn(move || {
            for api in [Api::Traces, Api::Running, Api::Routes, Api::Status] {
                read(&browser, api);
            }
            browser.tick();
        });
        for thread in threads {
            thread.join().unwrap();
        }
        reads.join().unwrap();
        assert_eq!(recorder.running().len(), 0);
        for number in [1, 2] {
            assert_eq!(recorder.running().open_spans(&trace(number)), 0);
            let found = api::trace::find(&recorder, prefix(number)).ok();
            assert_eq!(found.map(|trace| trace.summary.spans), Some(2), "trace {number}");
        }
    });
}

/// Takes a span on the thread that ends it, and brings what is to be kept.
fn end(recorder: &Recorder, number: u8) {
    let span = span(recorder, 1, number);
    let kept = recorder.ended(&span.facts(), span.weight(), || Box::new(span.clone()));
    recorder.bring(kept);
}

/// Spans end while their request does, and a browser looks at its trace: wherever each of them waits, both
/// are in the trace in the end.
#[test]
fn spans_that_end_with_their_request_are_in_its_trace() {
    check(|| {
        let recorder = Live::new().build();
        let (trace_id, span_id, name) = (trace(1), [1; 8], Arc::from("GET /orders"));
        let request = RequestStart { trace_id, span_id, start: now(), name, path: "/" };
        recorder.request_started(request);
        recorder.span_started(trace_id);
        recorder.span_started(trace_id);
        end(&recorder, 2);
        let threads: Vec<_> = [1, 3]
            .map(|number| {
                let recorder = recorder.clone();
                thread::spawn(move || end(&recorder, number))
            })
            .into_iter()
            .collect();
        // It may be found nowhere: its spans are on their way between the end of the request and the store.
        drop(api::trace::find(&recorder, prefix(1)));
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(recorder.running().len(), 0);
        let found = api::trace::find(&recorder, prefix(1)).ok();
        assert_eq!(found.map(|trace| trace.summary.spans), Some(3));
    });
}

/// Requests end while the list of running ones is read, which takes out those that are older than an
/// hour: every one is taken off the list or out of the count, once.
#[test]
fn every_request_leaves_the_list_once() {
    check(|| {
        let recorder = Live::new().build();
        let (old, new) = ([1; 8], [2; 8]);
        let hour = 3_600_000_000_001;
        for (span_id, start) in [(old, 0), (new, hour)] {
            let (trace_id, name, path) = (trace(1), Arc::from("GET"), "/");
            recorder.request_started(RequestStart { trace_id, span_id, start, name, path });
        }
        let threads: Vec<_> = [old, new]
            .map(|span_id| {
                let recorder = recorder.clone();
                thread::spawn(move || recorder.request_ended(trace(1), span_id))
            })
            .into_iter()
            .collect();
        let listed = recorder.running().entries(hour);
        assert!(listed.iter().all(|entry| entry.span_id == new));
        for thread in threads {
            thread.join().unwrap();
        }
        let running = recorder.running();
        assert_eq!((running.len(), running.beyond(), running.folded()), (0, 0, 0));
        assert_eq!(running.open_spans(&trace(1)), 0);
    });
}

/// Two threads ask for the source of the same bytes, and let go of it: while both have it, it is one,
/// and in the end no byte counts as taken.
#[test]
fn a_source_is_shared_and_given_back() {
    check(|| {
        let sources = Sources::default();
        let asks = |sources: &Sources| {
            let first = sources.intern(b"", b"");
            let again = sources.intern(b"", b"");
            assert!(Arc::ptr_eq(&first, &again));
            first
        };
        let theirs = sources.clone();
        let other = thread::spawn(move || drop(asks(&theirs)));
        let own = asks(&sources);
        assert!(sources.used() > 0);
        drop(own);
        other.join().unwrap();
        assert_eq!(sources.used(), 0);
    });
}

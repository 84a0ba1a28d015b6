//! Requests that are brought while a browser reads.

use shuttle::thread;
use std::sync::Arc;

use super::{check, end, find, read, request, trace};
use crate::api::path::Api;
use crate::clock::now;
use crate::store::Sources;
use crate::{Live, RequestStart};

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
            let found = find(&recorder, number).ok();
            assert_eq!(found.map(|trace| trace.summary.spans), Some(2), "trace {number}");
        }
    });
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
        end(&recorder, 1, 2);
        let threads: Vec<_> = [1, 3]
            .map(|number| {
                let recorder = recorder.clone();
                thread::spawn(move || end(&recorder, 1, number))
            })
            .into_iter()
            .collect();
        // It may be found nowhere: its spans are on their way between the end of the request and the store.
        drop(find(&recorder, 1));
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(recorder.running().len(), 0);
        let found = find(&recorder, 1).ok();
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

//! A store that is full, and a page that is closed.

use shuttle::{future::block_on, thread};
use std::{future::poll_fn, time::Duration};

use super::{begin, check, end, end_span, find, live, read, sized, trace};
use crate::api::{
    self,
    path::{Api, IdPrefix},
    trace::Missing,
};
use crate::changes::ChangeStream;
use crate::response::Chunks;
use crate::store::Gone;
use crate::{Live, Recorder, TraceId};

/// A request that takes a quarter of the memory.
fn request(recorder: &Recorder, number: u8) {
    begin(recorder, number, 1, 0);
    recorder.span_started(trace(number));
    end(recorder, number, 2);
    end_span(recorder, &sized(recorder, number, 1, 1_500));
}

/// Reads what changes to the end of the stream, while it shows a trace, or for so long.
fn follow(recorder: &Recorder, open: Option<TraceId>, lifetime: Option<Duration>) {
    let stream = ChangeStream::open(recorder.clone(), None, open, lifetime, None);
    let Some(mut stream) = stream else { return };
    block_on(async { while poll_fn(|cx| stream.poll(cx)).await.is_some() {} });
}

/// More requests are brought than there is memory for, while a browser reads, has one trace open, and the page
/// is closed: what is left fits into the memory, no trace stays only because it was open, and of each that is
/// gone it is known why.
#[test]
fn a_full_store_lets_traces_go_while_they_are_read() {
    check(|| {
        let recorder = live(|options| {
            options.memory.traces = 12 * 1024;
            options.rate = 0;
        });
        (1..=2).for_each(|number| request(&recorder, number));
        let brings = [[3, 4], [5, 6]].map(|numbers| {
            let recorder = recorder.clone();
            thread::spawn(move || numbers.iter().for_each(|number| request(&recorder, *number)))
        });
        let theirs = recorder.clone();
        let shows = thread::spawn(move || follow(&theirs, Some(trace(1)), None));
        let theirs = recorder.clone();
        let reads = thread::spawn(move || {
            read(&theirs, Api::Traces);
            // It may be gone.
            drop(api::answer(&theirs, Api::Otlp(IdPrefix::parse("02020202").unwrap()), None));
            theirs.close_streams();
        });
        for thread in brings.into_iter().chain([shows, reads]) {
            thread.join().unwrap();
        }
        let store = recorder.store();
        store.check();
        let counters = store.counters();
        assert_eq!((counters.traces, counters.spans, counters.refused), (6, 12, 0), "{counters:?}");
        assert!(counters.let_go > 0, "{counters:?}");
        assert_eq!(store.kept().len() as u64 + counters.let_go, 6);
        drop(store);
        for number in 1..=6 {
            let gone = find(&recorder, number).err();
            assert!(
                matches!(gone, None | Some(Missing::Gone(Gone::LetGo, _))),
                "{number}: {gone:?}"
            );
        }
    });
}

/// Two browsers follow what changes, and a third comes, while the page is closed: every stream ends, also one
/// that is about to wait, and so does the thread that wakes them.
#[test]
fn closing_the_page_ends_every_stream() {
    check(|| {
        let recorder = Live::new().build();
        let follows = [(); 3].map(|()| {
            let recorder = recorder.clone();
            thread::spawn(move || follow(&recorder, None, None))
        });
        recorder.close_streams();
        follows.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(recorder.hub().open().is_none());
    });
}

/// Streams come and go: the end of its time is enough for each to end, which it notices when it is woken. The
/// thread that wakes them ends with the last one, and another one begins with the next.
#[test]
fn every_stream_is_woken_until_its_time_is_over() {
    check(|| {
        let recorder = Live::new().build();
        let follows = [10, 50].map(|micros| {
            let recorder = recorder.clone();
            thread::spawn(move || follow(&recorder, None, Some(Duration::from_micros(micros))))
        });
        follows.into_iter().for_each(|thread| thread.join().unwrap());
        follow(&recorder, None, Some(Duration::from_micros(10)));
    });
}

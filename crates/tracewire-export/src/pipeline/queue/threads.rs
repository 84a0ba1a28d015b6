//! The threads of a queue: one encodes, the others send.
//!
//! What one thread allocates stays in its part of the memory, also when it is released. So the
//! bodies come from one thread, and not from each of those that send.

use super::{
    Shared,
    state::{Next, Taken},
};
use crate::{
    error::ExportError,
    pipeline::{
        counts::unwinding,
        deliver::{Deliver, Encoded, HeapSize},
    },
};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Instant,
};

/// A body that is under way, and what it stands for.
struct UnderWay<B> {
    body: B,
    items: u64,
    first: u64,
    bytes: usize,
}

/// Starts the thread that encodes, and so many that send. They end when the queue was stopped.
pub(super) fn start<T: HeapSize, S: Deliver<T>>(
    shared: &Arc<Shared<T>>,
    sink: Arc<S>,
    senders: usize,
) -> Result<(), ExportError> {
    let (bodies, inbox) = channel();
    let inbox = Arc::new(Mutex::new(inbox));
    let alive = Arc::new(AtomicUsize::new(senders));
    for _ in 0..senders {
        let (shared, sink) = (Arc::clone(shared), Arc::clone(&sink));
        let (inbox, alive) = (Arc::clone(&inbox), Arc::clone(&alive));
        spawn("tracewire-export", move || {
            send(&shared, &*sink, &inbox);
            let is_last = alive.fetch_sub(1, Ordering::AcqRel) == 1;
            if is_last {
                let _ = unwinding(|| sink.shutdown());
                shared.lock().end();
                shared.progress.notify_all();
            }
        })?;
    }
    let shared = Arc::clone(shared);
    spawn("tracewire-encode", move || encode(&shared, &*sink, &bodies))
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), ExportError> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(|error| {
        ExportError::exporter("no thread can be started to export").with_source(error)
    })
}

/// Takes batches as long as there are any, encodes them, and hands the bodies to those that send.
fn encode<T: HeapSize, S: Deliver<T>>(
    shared: &Shared<T>,
    sink: &S,
    bodies: &Sender<UnderWay<S::Body>>,
) {
    while let Some(Taken { mut items, first, bytes }) = next_batch(shared) {
        let taken = items.len();
        let encoded = unwinding(|| sink.encode(&mut items));
        if encoded.is_err() && items.len() == taken {
            // The one that cannot be encoded must not come again.
            items.pop_front();
        }
        let number = (taken - items.len()) as u64;
        let kept = encoded.as_ref().map_or(0, |encoded| encoded.bytes);
        shared.counts.taken(number);
        shared.lock().encoded(items, bytes, kept);
        match encoded {
            Ok(Encoded { body, bytes }) => {
                // Those that send live as long as this thread.
                let _ = bodies.send(UnderWay { body, items: number, first, bytes });
            }
            Err(failure) => {
                shared.counts.delivered(number, Err(failure));
                shared.lock().idle();
                done(shared, first, 0);
            }
        }
    }
}

/// Waits until a batch is due; `None` at the end.
fn next_batch<T>(shared: &Shared<T>) -> Option<Taken<T>> {
    let mut state = shared.lock();
    loop {
        let until = match state.next() {
            Next::Batch => return Some(state.take()),
            Next::End => return None,
            Next::Wait(until) => until,
        };
        state = match until {
            None => shared.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                let waited = shared.work.wait_timeout(state, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
}

/// Sends bodies until there are no more.
fn send<T: HeapSize, S: Deliver<T>>(
    shared: &Shared<T>,
    sink: &S,
    inbox: &Mutex<Receiver<UnderWay<S::Body>>>,
) {
    loop {
        shared.lock().idle();
        shared.work.notify_one();
        let body = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(UnderWay { body, items, first, bytes }) = body else { return };
        shared.counts.export(items, || sink.send(body));
        done(shared, first, bytes);
    }
}

/// The fate of a batch is known.
fn done<T>(shared: &Shared<T>, first: u64, bytes: usize) {
    shared.lock().done(first, bytes);
    shared.progress.notify_all();
    // There may be room for the next.
    shared.work.notify_one();
}

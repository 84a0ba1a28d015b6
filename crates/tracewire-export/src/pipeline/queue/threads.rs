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
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
        thread,
    },
};
use std::{
    sync::{Arc, PoisonError},
    time::Instant,
};

/// A body that is under way, and what it stands for.
struct UnderWay<B> {
    body: B,
    items: u64,
    first: u64,
    bytes: usize,
}

/// Starts the thread that encodes, and the first that sends. They end when the queue was stopped.
pub(super) fn start<T: HeapSize, S: Deliver<T>>(
    shared: &Arc<Shared<T>>,
    sink: Arc<S>,
) -> Result<(), ExportError> {
    let (bodies, inbox) = channel();
    let senders = Senders {
        shared: Arc::clone(shared),
        sink,
        inbox: Arc::new(Mutex::new(inbox)),
        alive: Arc::new(AtomicUsize::new(0)),
    };
    senders.start_one()?;
    spawn("tracewire-encode", move || encode(&senders, &bodies))
}

/// The threads that send. A collector near by needs one; one that answers late gets as many as the
/// settings allow.
struct Senders<T, S: Deliver<T>> {
    shared: Arc<Shared<T>>,
    sink: Arc<S>,
    inbox: Arc<Mutex<Receiver<UnderWay<S::Body>>>>,
    alive: Arc<AtomicUsize>,
}

impl<T: HeapSize, S: Deliver<T>> Senders<T, S> {
    fn start_one(&self) -> Result<(), ExportError> {
        let (shared, sink) = (Arc::clone(&self.shared), Arc::clone(&self.sink));
        let (inbox, alive) = (Arc::clone(&self.inbox), Arc::clone(&self.alive));
        self.alive.fetch_add(1, Ordering::Relaxed);
        let started = spawn("tracewire-export", move || {
            send(&shared, &*sink, &inbox);
            let is_last = alive.fetch_sub(1, Ordering::AcqRel) == 1;
            if is_last {
                let _ = unwinding(|| sink.shutdown());
                shared.lock().end();
                shared.progress.notify_all();
            }
        });
        match started {
            Ok(()) => self.shared.lock().started(),
            Err(_) => drop(self.alive.fetch_sub(1, Ordering::Relaxed)),
        }
        started
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), ExportError> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(|error| {
        ExportError::exporter("no thread can be started to export").with_source(error)
    })
}

/// Takes batches as long as there are any, encodes them, and hands the bodies to those that send.
fn encode<T: HeapSize, S: Deliver<T>>(senders: &Senders<T, S>, bodies: &Sender<UnderWay<S::Body>>) {
    let Senders { shared, sink, .. } = senders;
    while let Some(Taken { mut items, first, bytes }) = next_batch(senders) {
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
fn next_batch<T: HeapSize, S: Deliver<T>>(senders: &Senders<T, S>) -> Option<Taken<T>> {
    let shared = &senders.shared;
    let mut state = shared.lock();
    loop {
        let until = match state.next() {
            Next::Batch => return Some(state.take()),
            Next::Sender => {
                drop(state);
                let started = senders.start_one();
                state = shared.lock();
                if started.is_err() {
                    // Those that there are will do, if later.
                    state.start_no_more();
                }
                continue;
            }
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
        let body = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(UnderWay { body, items, first, bytes }) = body else { return };
        shared.counts.export(items, || sink.send(body));
        shared.lock().idle();
        done(shared, first, bytes);
    }
}

/// The outcome of a batch is known.
fn done<T>(shared: &Shared<T>, first: u64, bytes: usize) {
    shared.lock().done(first, bytes);
    shared.progress.notify_all();
    // There may be room for the next.
    shared.work.notify_one();
}

//! The way of spans and log records to an exporter: a bounded queue, and threads that take batches
//! from it.
//!
//! An item is refused before it waits, so every loss is known at once; the queue is bounded in items
//! and in bytes, those under way included. A batch is due when it is full, when half of the bytes
//! are taken, when its first item has waited for the schedule delay, or on a flush. What piled up
//! while exports were slow leaves in larger batches, and several exports run at once, so that a
//! collector far away does not limit how much can be sent.
//!
//! One thread takes batches and encodes them, which releases the items, and others send the bodies:
//! one, and more while those are all waiting for an answer. So a batch is in memory either as items or
//! as a body, usually a quarter of their size, and both count against the same limit. What is under way
//! leaves room for one batch that waits.

#[cfg(all(test, shuttle))]
mod model;
mod state;
mod threads;

use self::state::State;
use crate::{
    error::ExportError,
    pipeline::{
        batch::Batch,
        counts::Counts,
        deadline::after,
        deliver::{Deliver, HeapSize},
    },
    sync::{Condvar, Mutex, MutexGuard},
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
};
use std::{
    any::Any,
    fmt,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};
use tracewire_text::redact_message;

/// How long a flush waits: an exporter that hangs must not gather the threads that wait for it.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// The queue and its threads, which end with `shutdown`.
pub(crate) struct Queue<T> {
    shared: Arc<Shared<T>>,
    set_resource: Box<dyn Fn(&Resource) + Send + Sync>,
}

impl<T: HeapSize> Queue<T> {
    /// Starts the threads that take batches to `sink`.
    pub(crate) fn start(
        batch: Batch,
        sink: impl Deliver<T>,
        counts: Arc<Counts>,
    ) -> Result<Self, ExportError> {
        let mut batch = batch.checked()?;
        if !sink.is_concurrent() {
            batch.concurrent_exports = 1;
        }
        let sink = Arc::new(sink);
        // The sink lives as long as its threads.
        let weak = Arc::downgrade(&sink);
        let set_resource = move |resource: &Resource| {
            if let Some(sink) = weak.upgrade() {
                sink.set_resource(resource);
            }
        };
        let shared = Arc::new(Shared {
            counts,
            state: Mutex::new(State::new(batch)),
            work: Condvar::new(),
            progress: Condvar::new(),
        });
        describe(&shared, &batch);
        // Dropped on an error, it ends the threads that were started.
        let queue = Self { shared: Arc::clone(&shared), set_resource: Box::new(set_resource) };
        threads::start(&shared, sink)?;
        Ok(queue)
    }

    /// Puts an item of so many bytes into the queue, or counts it as dropped.
    pub(crate) fn push(&self, item: T, heap_size: usize) {
        self.shared.push(item, heap_size);
    }

    /// Says who sends what is to come.
    pub(crate) fn set_resource(&self, resource: &Resource) {
        (self.set_resource)(resource);
    }
}

impl<T> Queue<T> {
    /// Exports what is there, and gives what [`wait_flushed`](Self::wait_flushed) takes.
    pub(crate) fn begin_flush(&self) -> u64 {
        let target = self.shared.lock().begin_flush();
        self.shared.work.notify_all();
        target
    }

    /// Waits until everything that was there at a flush has its outcome.
    pub(crate) fn wait_flushed(&self, target: u64, deadline: Instant) -> OTelSdkResult {
        self.shared.wait(deadline, |state| state.is_done(target) || state.has_ended())
    }

    /// Exports what is there, and takes nothing more.
    pub(crate) fn begin_shutdown(&self) {
        self.shared.lock().close();
        self.shared.work.notify_all();
    }

    /// Waits until a shutdown is over.
    pub(crate) fn wait_for_end(&self, deadline: Instant) -> OTelSdkResult {
        self.shared.wait(deadline, State::has_ended)
    }
}

impl<T: fmt::Debug> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl<T> Drop for Queue<T> {
    /// The threads end when they have exported what is left.
    fn drop(&mut self) {
        self.begin_shutdown();
    }
}

/// Flushes queues at once, under one deadline, and does `meanwhile` while they work.
pub(crate) fn flush_all<'a, T: 'a>(
    queues: impl Iterator<Item = &'a Queue<T>>,
    meanwhile: impl FnOnce(Instant) -> OTelSdkResult,
) -> OTelSdkResult {
    let deadline = after(FLUSH_TIMEOUT);
    let begun: Vec<_> = queues.map(|queue| (queue, queue.begin_flush())).collect();
    let other = meanwhile(deadline);
    begun
        .into_iter()
        .fold(other, |result, (queue, target)| result.and(queue.wait_flushed(target, deadline)))
}

/// Shuts queues down at once, under one deadline, and does `meanwhile` while they work.
pub(crate) fn shutdown_all<'a, T: 'a>(
    queues: impl Iterator<Item = &'a Queue<T>> + Clone,
    timeout: Duration,
    meanwhile: impl FnOnce(Instant) -> OTelSdkResult,
) -> OTelSdkResult {
    let deadline = after(timeout);
    queues.clone().for_each(Queue::begin_shutdown);
    let other = meanwhile(deadline);
    queues.fold(other, |result, queue| result.and(queue.wait_for_end(deadline)))
}

#[derive(Debug)]
struct Shared<T> {
    counts: Arc<Counts>,
    state: Mutex<State<T>>,
    /// Tells the thread that encodes that a batch may be due.
    work: Condvar,
    /// Tells those who wait that a batch is done.
    progress: Condvar,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the threads, at most until the deadline.
    fn wait(&self, deadline: Instant, is_done: impl Fn(&State<T>) -> bool) -> OTelSdkResult {
        let limit = deadline.saturating_duration_since(Instant::now());
        let (_state, waited) = self
            .progress
            .wait_timeout_while(self.lock(), limit, |state| !is_done(state))
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() { Err(OTelSdkError::Timeout(limit)) } else { Ok(()) }
    }
}

impl<T: HeapSize> Shared<T> {
    fn push(&self, item: T, heap_size: usize) {
        self.counts.ended(1);
        let mut state = self.lock();
        match state.push(item, heap_size) {
            Ok(false) => {}
            Ok(true) => self.work.notify_one(),
            Err(refusal) => {
                drop(state);
                self.counts.dropped(1, &refusal);
            }
        }
    }
}

/// Tells metrics about the queue.
fn describe<T: HeapSize>(shared: &Arc<Shared<T>>, batch: &Batch) {
    let weak = Arc::downgrade(shared);
    shared.counts.set_queue(
        batch.queue_size,
        batch.queue_bytes,
        Box::new(move || weak.upgrade().map_or(0, |shared| shared.lock().bytes())),
    );
}

/// What a panic said. A client may have said the whole URL.
pub(crate) fn describe_panic(panic: &(dyn Any + Send)) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("the exporter panicked: {}", redact_message(said, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{deliver::Encoded, failure::Failure};
    use std::collections::VecDeque;
    use std::sync::{
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, Sender, channel},
    };

    const NEVER: Duration = Duration::MAX;
    const MINUTE: Duration = Duration::from_secs(60);

    #[derive(Debug)]
    struct Item(u32);

    impl HeapSize for Item {
        fn heap_size(&self) -> usize {
            100
        }
    }

    /// Encodes two items at a time, and fails at those that are zero.
    #[derive(Debug)]
    struct Pairs {
        sent: Sender<Vec<u32>>,
        /// Of each body.
        bytes: usize,
        open: Mutex<Receiver<()>>,
        at_once: AtomicUsize,
        most_at_once: Arc<AtomicUsize>,
    }

    impl Deliver<Item> for Pairs {
        type Body = Vec<u32>;

        fn encode(&self, batch: &mut VecDeque<Item>) -> Encoded<Vec<u32>> {
            let mut body = Vec::new();
            while let Some(Item(number)) = batch.front()
                && body.len() < 2
            {
                assert_ne!(*number, 0);
                body.push(*number);
                batch.pop_front();
            }
            Encoded { body, bytes: self.bytes }
        }

        fn send(&self, body: Vec<u32>) -> Result<(), Failure> {
            let now = self.at_once.fetch_add(1, Relaxed) + 1;
            self.most_at_once.fetch_max(now, Relaxed);
            self.sent.send(body).unwrap();
            let opened = self.open.lock().unwrap().recv();
            self.at_once.fetch_sub(1, Relaxed);
            opened.map_err(|_| Failure::all("closed"))
        }
    }

    struct Running {
        queue: Queue<Item>,
        counts: Arc<Counts>,
        sent: Receiver<Vec<u32>>,
        open: Sender<()>,
        most_at_once: Arc<AtomicUsize>,
    }

    /// A queue for ten items, whose bodies are of `bytes`.
    fn start(batch_size: usize, bytes: usize) -> Running {
        let batch = Batch {
            queue_size: 100,
            queue_bytes: 1_000,
            queue_setting: "QUEUE",
            batch_size,
            max_batch_size: 100,
            concurrent_exports: 3,
            delay: NEVER,
            timeout: Duration::ZERO,
        };
        let ((tell, sent), (open, wait)) = (channel(), channel());
        let most_at_once = Arc::default();
        let sink = Pairs {
            sent: tell,
            bytes,
            open: Mutex::new(wait),
            at_once: AtomicUsize::new(0),
            most_at_once: Arc::clone(&most_at_once),
        };
        let counts = Arc::new(Counts::new("items", "test"));
        let queue = Queue::start(batch, sink, Arc::clone(&counts)).unwrap();
        Running { queue, counts, sent, open, most_at_once }
    }

    impl Running {
        fn push(&self, numbers: impl IntoIterator<Item = u32>) {
            numbers.into_iter().for_each(|number| self.queue.push(Item(number), 100));
        }

        fn open(&self, bodies: usize) {
            (0..bodies).for_each(|_| self.open.send(()).unwrap());
        }

        /// Exported, failed, dropped.
        fn outcomes(&self) -> [u64; 3] {
            let counts = self.counts.snapshot();
            [counts.exported, counts.failed, counts.dropped]
        }
    }

    #[test]
    fn what_a_panic_said_shows_no_credentials() {
        let said = |text: &'static str| describe_panic(&text);
        assert_eq!(said("out of luck"), "the exporter panicked: out of luck");
        let told = said("no answer from https://ada:pw@collector/v1/traces?token=S");
        assert!(!told.contains("pw") && !told.contains("=S"), "{told}");
    }

    #[test]
    fn what_does_not_fit_into_a_body_comes_next() {
        let running = start(5, 1);
        running.push(1..=5);
        running.open(3);
        flush_all([&running.queue].into_iter(), |_| Ok(())).unwrap();
        assert_eq!(running.outcomes(), [5, 0, 0]);
        let mut bodies: Vec<_> = running.sent.try_iter().collect();
        bodies.sort();
        assert_eq!(bodies, [vec![1, 2], vec![3, 4], vec![5]]);
    }

    #[test]
    fn an_item_that_cannot_be_encoded_does_not_come_again() {
        let running = start(4, 1);
        running.push([0, 1, 2, 0]);
        running.open(2);
        flush_all([&running.queue].into_iter(), |_| Ok(())).unwrap();
        assert_eq!(running.outcomes(), [2, 2, 0]);
        assert_eq!(running.sent.try_iter().collect::<Vec<_>>(), [[1, 2]]);
        running.push([7]);
        shutdown_all([&running.queue].into_iter(), MINUTE, |_| Ok(())).unwrap();
        assert_eq!(running.outcomes(), [3, 2, 0]);
    }

    #[test]
    fn a_body_counts_in_place_of_its_items() {
        let running = start(2, 950);
        running.push([1, 2]);
        running.sent.recv().unwrap();
        running.push([3]);
        assert_eq!(running.outcomes(), [0, 0, 1]);
        running.open(1);
        flush_all([&running.queue].into_iter(), |_| Ok(())).unwrap();
        running.push([4]);
        assert_eq!(running.outcomes(), [2, 0, 1]);
    }

    #[test]
    fn what_is_under_way_leaves_room_for_a_batch_that_waits() {
        let running = start(2, 300);
        // Two bodies fit beside each other, and the third waits for one of them.
        running.push([1, 2]);
        running.sent.recv().unwrap();
        running.push([3, 4]);
        running.sent.recv().unwrap();
        running.push([5, 6]);
        running.open(3);
        shutdown_all([&running.queue].into_iter(), MINUTE, |_| Ok(())).unwrap();
        assert_eq!(running.outcomes(), [6, 0, 0]);
        assert_eq!(running.most_at_once.load(Relaxed), 2);
    }
}

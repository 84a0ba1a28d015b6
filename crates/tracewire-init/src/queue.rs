//! The way of spans and log records to an exporter: a bounded queue, and threads that take batches
//! from it.
//!
//! An item is refused before it waits, so every loss is known at once; the queue is bounded in items
//! and in bytes, those under way included. A batch is due when it is full, when half of the bytes
//! are taken, when its first item has waited for the schedule delay, or when somebody flushes. What
//! piled up while exports were slow leaves in larger batches, and several exports run at once, so
//! that a collector far away does not limit how much can be sent.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};

use crate::batching::Batching;
use crate::count::{Counts, Failure};
use crate::error::InitError;
use crate::stop::after;

/// How long a flush waits: an exporter that hangs must not gather the threads that wait for it.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);
/// The most that is put into one request: collectors refuse bodies beyond a few megabytes.
const MOST_BATCH_BYTES: usize = 1024 * 1024;

/// Takes batches to where they belong. Blocks, for a bounded time; may panic.
pub(crate) trait Deliver<T>: Send + Sync + fmt::Debug + 'static {
    fn deliver(&self, batch: Vec<T>) -> Result<(), Failure>;

    /// Nothing will be delivered any more.
    fn shutdown(&self) {}

    /// Whether several batches may be under way at once.
    fn is_concurrent(&self) -> bool {
        true
    }
}

/// Something that keeps memory while it waits.
pub(crate) trait Weigh: Send + fmt::Debug + 'static {
    /// About how many bytes it keeps.
    fn weight(&self) -> usize;
}

/// The queue and its threads, which end with `shutdown`.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    shared: Arc<Shared<T>>,
}

impl<T: Weigh> Queue<T> {
    /// Starts the threads that take batches to `sink`.
    pub(crate) fn start(
        batching: Batching,
        sink: impl Deliver<T>,
        counts: Arc<Counts>,
    ) -> Result<Self, InitError> {
        let threads = if sink.is_concurrent() { batching.exports.max(1) } else { 1 };
        let queue = Self {
            shared: Arc::new(Shared {
                batching,
                counts,
                state: Mutex::new(State::new(threads)),
                work: Condvar::new(),
                progress: Condvar::new(),
            }),
        };
        let sink = Arc::new(sink);
        for _ in 0..threads {
            let (shared, sink) = (Arc::clone(&queue.shared), Arc::clone(&sink));
            thread::Builder::new()
                .name("tracewire-export".to_owned())
                .spawn(move || shared.run(&*sink))
                .map_err(|error| {
                    InitError::exporter("no thread can be started to export").with_source(error)
                })?;
        }
        Ok(queue)
    }

    /// Puts an item into the queue, or counts it as dropped.
    pub(crate) fn push(&self, item: T) {
        self.shared.push(item);
    }

    /// Exports what is there, and waits until that is done.
    pub(crate) fn flush(&self) -> OTelSdkResult {
        let mut state = self.shared.lock();
        let target = state.entered;
        state.flush = target;
        self.shared.work.notify_all();
        self.shared.wait(state, FLUSH_TIMEOUT, |state| state.is_done(target) || state.stopped)
    }

    /// Exports what is there and takes nothing more.
    pub(crate) fn shutdown(&self, timeout: Duration) -> OTelSdkResult {
        let mut state = self.shared.lock();
        state.stopping = true;
        self.shared.work.notify_all();
        self.shared.wait(state, timeout, |state| state.stopped)
    }
}

impl<T> Drop for Queue<T> {
    /// The threads end when they have exported what is left.
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.work.notify_all();
    }
}

#[derive(Debug)]
struct Shared<T> {
    batching: Batching,
    counts: Arc<Counts>,
    state: Mutex<State<T>>,
    /// Tells the threads that a batch may be due.
    work: Condvar,
    /// Tells those who wait that a batch is done.
    progress: Condvar,
}

#[derive(Debug)]
struct State<T> {
    queue: VecDeque<(T, usize)>,
    queued_bytes: usize,
    /// When the oldest item has waited long enough.
    due: Option<Instant>,
    /// Whether a thread was told of what is due and none has looked since: a second call would cost
    /// each item a system call, while all threads are busy with a slow collector.
    called: bool,
    /// Of the batches that are under way.
    taken_bytes: usize,
    /// The number of the first item of each batch that is under way.
    under_way: Vec<u64>,
    /// How many items ever entered the queue, and how many left it.
    entered: u64,
    left: u64,
    /// Up to which one somebody wants them exported now.
    flush: u64,
    stopping: bool,
    /// How many threads have not ended.
    threads: usize,
    stopped: bool,
}

impl<T> State<T> {
    fn new(threads: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            queued_bytes: 0,
            due: None,
            called: false,
            taken_bytes: 0,
            under_way: Vec::new(),
            entered: 0,
            left: 0,
            flush: 0,
            stopping: false,
            threads,
            stopped: false,
        }
    }

    /// Whether the fate of the first so many items is known.
    fn is_done(&self, items: u64) -> bool {
        self.left >= items && self.under_way.iter().all(|first| *first >= items)
    }
}

/// What a thread took, to be given back when its fate is known.
struct Batch<T> {
    items: Vec<T>,
    first: u64,
    bytes: usize,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Weigh> Shared<T> {
    fn push(&self, item: T) {
        self.counts.ended(1);
        let weight = item.weight();
        let mut state = self.lock();
        let refusal = if state.stopping {
            "telemetry was shut down".to_owned()
        } else if state.queue.len() >= self.batching.queue_size {
            format!("the queue is full, see {}", self.batching.queue_variable)
        } else if state.queued_bytes + state.taken_bytes + weight > self.batching.queue_bytes {
            format!("the queue is full: what waits takes {} KiB", self.batching.queue_bytes / 1024)
        } else {
            state.queue.push_back((item, weight));
            state.queued_bytes += weight;
            state.entered += 1;
            let is_first = state.due.is_none();
            if is_first {
                state.due = Some(after(self.batching.schedule_delay));
            }
            // The first item starts the delay; after that a thread sleeps until a batch is due.
            if (is_first || self.is_full(&state)) && !state.called {
                state.called = true;
                self.work.notify_one();
            }
            return;
        };
        drop(state);
        self.counts.dropped(1, &refusal);
    }

    fn is_full(&self, state: &State<T>) -> bool {
        state.queue.len() >= self.batching.batch_size
            || state.queued_bytes > (self.batching.queue_bytes / 2).min(MOST_BATCH_BYTES)
    }

    /// Waits for the threads, at most so long.
    fn wait(
        &self,
        state: MutexGuard<'_, State<T>>,
        limit: Duration,
        is_done: impl Fn(&State<T>) -> bool,
    ) -> OTelSdkResult {
        let (_state, waited) = self
            .progress
            .wait_timeout_while(state, limit, |state| !is_done(state))
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() { Err(OTelSdkError::Timeout(limit)) } else { Ok(()) }
    }

    /// A thread's life.
    fn run(&self, sink: &impl Deliver<T>) {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        while let Some(Batch { items, first, bytes }) = self.next_batch() {
            let number = items.len() as u64;
            let result = unwinding(|| sink.deliver(items));
            self.counts.delivered(number, result);
            let mut state = self.lock();
            state.taken_bytes -= bytes;
            state.under_way.retain(|other| *other != first);
            drop(state);
            self.progress.notify_all();
        }
        let mut state = self.lock();
        state.threads -= 1;
        let is_last = state.threads == 0;
        drop(state);
        if is_last {
            let _ = unwinding(|| {
                sink.shutdown();
                Ok(())
            });
            self.lock().stopped = true;
            self.progress.notify_all();
        }
    }

    /// Waits until a batch is due; `None` at the end.
    fn next_batch(&self) -> Option<Batch<T>> {
        let mut state = self.lock();
        loop {
            state.called = false;
            let Some(due) = state.due else {
                if state.stopping {
                    return None;
                }
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = due.saturating_duration_since(Instant::now());
            let wanted = state.stopping || state.flush > state.left;
            if wanted || left == Duration::ZERO || self.is_full(&state) {
                break;
            }
            let waited = self.work.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let batch = self.take(&mut state);
        if !state.queue.is_empty() {
            self.work.notify_one();
        }
        Some(batch)
    }

    /// Takes what fits into one batch, of a queue that is not empty.
    fn take(&self, state: &mut State<T>) -> Batch<T> {
        let (mut number, mut bytes) = (0, 0);
        for (_, weight) in state.queue.iter().take(self.batching.most_batch) {
            if number > 0 && bytes + weight > MOST_BATCH_BYTES {
                break;
            }
            number += 1;
            bytes += weight;
        }
        let first = state.left;
        let items: Vec<T> = state.queue.drain(..number).map(|(item, _)| item).collect();
        state.queued_bytes -= bytes;
        state.taken_bytes += bytes;
        state.left += number as u64;
        state.under_way.push(first);
        let waits = !state.queue.is_empty();
        state.due = waits.then(|| after(self.batching.schedule_delay));
        Batch { items, first, bytes }
    }
}

/// A panic must not end the thread: nothing would leave the process after it.
fn unwinding(work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Failure::all(describe_panic(&*panic))))
}

/// What a panic said.
pub(crate) fn describe_panic(panic: &(dyn Any + Send)) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("the exporter panicked: {said}")
}

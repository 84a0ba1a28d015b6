//! The way of spans and log records to an exporter: a bounded queue, and threads that take batches
//! from it.
//!
//! An item is refused before it waits, so every loss is known at once; the queue is bounded in items
//! and in bytes, those under way included. A batch is due when it is full, when half of the bytes
//! are taken, when its first item has waited for the schedule delay, or on a flush. What piled up
//! while exports were slow leaves in larger batches, and several exports run at once, so that a
//! collector far away does not limit how much can be sent.
//!
//! One thread at a time takes a batch and encodes it, which releases the items; then it sends the
//! body, and the next thread has its turn. So a batch is in memory either as items or as a body, and
//! both count against the same limit. At most half of the bytes are under way: the rest can wait in
//! the memory that items had before.

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
use crate::body::MOST_BODY_BYTES;
use crate::count::{Counts, Failure};
use crate::error::InitError;
use crate::stop::after;

/// How long a flush waits: an exporter that hangs must not gather the threads that wait for it.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// Takes batches to where they belong.
pub(crate) trait Deliver<T>: Send + Sync + fmt::Debug + 'static {
    /// What is sent, again if need be.
    type Body;

    /// Encodes what fits into one request, at least one item, and takes it out of `batch`. May panic.
    fn encode(&self, batch: &mut VecDeque<T>) -> Encoded<Self::Body>;

    /// Sends a body. Blocks, for a bounded time; may panic.
    fn send(&self, body: Self::Body) -> Result<(), Failure>;

    /// Nothing will be delivered any more.
    fn shutdown(&self) {}

    /// Whether several batches may be under way at once.
    fn is_concurrent(&self) -> bool {
        true
    }
}

/// A body, and how many bytes it keeps.
#[derive(Debug)]
pub(crate) struct Encoded<B> {
    pub(crate) body: B,
    pub(crate) bytes: usize,
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
                turn: Mutex::default(),
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
    /// Held by the thread that waits for a batch and encodes it.
    turn: Mutex<()>,
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
    /// Of the batches that are under way: their items, or the bodies these became.
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

    /// Makes room for one more, by less than doubling: room that is not used is memory too.
    fn make_room(&mut self) {
        if self.queue.len() == self.queue.capacity() {
            self.queue.reserve_exact((self.queue.len() / 4).max(64));
        }
    }

    /// Gives back the room that a burst needed.
    fn release_room(&mut self) {
        const USUAL: usize = 1024;
        let used = self.queue.len().max(USUAL / 4);
        if self.queue.capacity() > USUAL.max(4 * used) {
            self.queue.shrink_to(2 * used);
        }
    }

    /// Whether the fate of the first so many items is known.
    fn is_done(&self, items: u64) -> bool {
        self.left >= items && self.under_way.iter().all(|first| *first >= items)
    }
}

/// Items that a thread took from the queue.
struct Batch<T> {
    items: VecDeque<T>,
    first: u64,
    bytes: usize,
}

/// A body that is under way, and what it stands for.
struct UnderWay<B> {
    body: B,
    items: u64,
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
            state.make_room();
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
            || state.queued_bytes > (self.batching.queue_bytes / 2).min(MOST_BODY_BYTES)
    }

    /// Whether another batch may be taken beside those that are under way.
    fn has_room(&self, state: &State<T>) -> bool {
        let next = state.queued_bytes.min(MOST_BODY_BYTES);
        state.under_way.is_empty() || state.taken_bytes + next <= self.batching.queue_bytes / 2
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
        while let Some(UnderWay { body, items, first, bytes }) = self.next_body(sink) {
            let result = unwinding(|| sink.send(body)).unwrap_or_else(Err);
            self.counts.delivered(items, result);
            self.done(first, bytes);
        }
        let mut state = self.lock();
        state.threads -= 1;
        let is_last = state.threads == 0;
        drop(state);
        if is_last {
            let _ = unwinding(|| sink.shutdown());
            self.lock().stopped = true;
            self.progress.notify_all();
        }
    }

    /// Waits until a batch is due, and encodes it; `None` at the end.
    fn next_body<S: Deliver<T>>(&self, sink: &S) -> Option<UnderWay<S::Body>> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let Batch { mut items, first, bytes } = self.next_batch()?;
            let taken = items.len();
            let encoded = unwinding(|| sink.encode(&mut items));
            if encoded.is_err() && items.len() == taken {
                // The one that cannot be encoded must not come again.
                items.pop_front();
            }
            let number = (taken - items.len()) as u64;
            let kept = encoded.as_ref().map_or(0, |encoded| encoded.bytes);
            self.encoded(items, bytes, kept);
            match encoded {
                Ok(Encoded { body, bytes }) => {
                    return Some(UnderWay { body, items: number, first, bytes });
                }
                Err(failure) => {
                    self.counts.delivered(number, Err(failure));
                    self.done(first, 0);
                }
            }
        }
    }

    /// Items of `bytes` became a body of `kept` bytes, and the `rest` comes next.
    fn encoded(&self, rest: VecDeque<T>, bytes: usize, kept: usize) {
        let mut state = self.lock();
        state.taken_bytes = state.taken_bytes - bytes + kept;
        if rest.is_empty() {
            return;
        }
        state.left -= rest.len() as u64;
        for item in rest.into_iter().rev() {
            let weight = item.weight();
            state.queued_bytes += weight;
            state.queue.push_front((item, weight));
        }
        state.due = Some(Instant::now());
    }

    /// The fate of a batch is known.
    fn done(&self, first: u64, bytes: usize) {
        let mut state = self.lock();
        state.taken_bytes -= bytes;
        state.under_way.retain(|other| *other != first);
        drop(state);
        self.progress.notify_all();
        // There may be room for the next.
        self.work.notify_one();
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
                if self.has_room(&state) {
                    break;
                }
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = self.work.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(self.take(&mut state))
    }

    /// Takes what fits into one batch, of a queue that is not empty.
    fn take(&self, state: &mut State<T>) -> Batch<T> {
        let (mut number, mut bytes) = (0, 0);
        for (_, weight) in state.queue.iter().take(self.batching.most_batch) {
            if number > 0 && bytes + weight > MOST_BODY_BYTES {
                break;
            }
            number += 1;
            bytes += weight;
        }
        let first = state.left;
        let items = state.queue.drain(..number).map(|(item, _)| item).collect();
        state.release_room();
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
fn unwinding<R>(work: impl FnOnce() -> R) -> Result<R, Failure> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Failure::all(describe_panic(&*panic)))
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const NEVER: Duration = Duration::MAX;

    #[derive(Debug)]
    struct Item(u32);

    impl Weigh for Item {
        fn weight(&self) -> usize {
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
        let batching = Batching {
            queue_size: 100,
            queue_bytes: 1_000,
            queue_variable: "QUEUE",
            batch_size,
            most_batch: 100,
            exports: 3,
            schedule_delay: NEVER,
            export_timeout: Duration::ZERO,
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
        let queue = Queue::start(batching, sink, Arc::clone(&counts)).unwrap();
        Running { queue, counts, sent, open, most_at_once }
    }

    impl Running {
        fn push(&self, numbers: impl IntoIterator<Item = u32>) {
            numbers.into_iter().for_each(|number| self.queue.push(Item(number)));
        }

        fn open(&self, bodies: usize) {
            (0..bodies).for_each(|_| self.open.send(()).unwrap());
        }

        /// Exported, failed, dropped.
        fn fates(&self) -> [u64; 3] {
            let counts = self.counts.snapshot();
            [counts.exported, counts.failed, counts.dropped]
        }
    }

    #[test]
    fn what_does_not_fit_into_a_body_comes_next() {
        let running = start(5, 1);
        running.push(1..=5);
        running.open(3);
        running.queue.flush().unwrap();
        assert_eq!(running.fates(), [5, 0, 0]);
        let mut bodies: Vec<_> = running.sent.try_iter().collect();
        bodies.sort();
        assert_eq!(bodies, [vec![1, 2], vec![3, 4], vec![5]]);
    }

    #[test]
    fn an_item_that_cannot_be_encoded_does_not_come_again() {
        let running = start(4, 1);
        running.push([0, 1, 2, 0]);
        running.open(2);
        running.queue.flush().unwrap();
        assert_eq!(running.fates(), [2, 2, 0]);
        assert_eq!(running.sent.try_iter().collect::<Vec<_>>(), [[1, 2]]);
        running.push([7]);
        running.queue.shutdown(Duration::from_secs(60)).unwrap();
        assert_eq!(running.fates(), [3, 2, 0]);
    }

    #[test]
    fn a_body_counts_in_place_of_its_items() {
        let running = start(2, 950);
        running.push([1, 2]);
        running.sent.recv().unwrap();
        running.push([3]);
        assert_eq!(running.fates(), [0, 0, 1]);
        running.open(1);
        running.queue.flush().unwrap();
        running.push(1..=10);
        assert_eq!(running.fates(), [2, 0, 1]);
    }

    #[test]
    fn at_most_half_of_the_bytes_are_under_way() {
        let running = start(2, 200);
        // Two bodies fit beside each other, and the third waits for one of them.
        running.push([1, 2]);
        running.sent.recv().unwrap();
        running.push([3, 4]);
        running.sent.recv().unwrap();
        running.push([5, 6]);
        running.open(3);
        running.queue.shutdown(Duration::from_secs(60)).unwrap();
        assert_eq!(running.fates(), [6, 0, 0]);
        assert_eq!(running.most_at_once.load(Relaxed), 2);
    }

    #[test]
    fn room_for_a_burst_is_given_back() {
        let mut state: State<Item> = State::new(1);
        for number in 0..10_000 {
            state.make_room();
            state.queue.push_back((Item(number), 100));
            assert!(state.queue.capacity() <= state.queue.len() * 5 / 4 + 64);
        }
        state.queue.drain(..9_990);
        state.release_room();
        assert!(state.queue.capacity() <= 1_024, "{}", state.queue.capacity());
        assert_eq!(state.queue.len(), 10);
    }
}

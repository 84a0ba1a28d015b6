//! What a queue holds and what is under way. Nothing here waits.

use crate::pipeline::{
    batch::Batch,
    body::MOST_BODY_BYTES,
    deadline::after,
    deliver::HeapSize,
    failure::{ErrorType, Failure},
};
use std::{collections::VecDeque, time::Instant};

/// The most that one batch weighs: twice a body, because most spans take less than half as bytes of one.
const MOST_TAKEN: usize = 2 * MOST_BODY_BYTES;

#[derive(Debug)]
pub(super) struct State<T> {
    batch: Batch,
    queue: VecDeque<(T, usize)>,
    queued_bytes: usize,
    /// When the oldest item has waited long enough.
    due: Option<Instant>,
    /// Whether the encoding thread was woken and has not looked since, or need not be woken: each
    /// further call would cost an item a system call, while a slow collector keeps all threads busy.
    called: bool,
    /// Of the batches that are under way: their items, or the bodies these became.
    taken_bytes: usize,
    /// The number of the first item of each batch that is under way.
    under_way: Vec<u64>,
    /// How many threads have nothing to send, and how many more may be started.
    idle: usize,
    to_start: usize,
    /// How many items ever entered the queue, and how many left it.
    entered: u64,
    left: u64,
    /// Up to which one they are wanted now.
    flush: u64,
    is_closed: bool,
    has_ended: bool,
}

/// Items that were taken from the queue.
pub(super) struct Taken<T> {
    pub(super) items: VecDeque<T>,
    pub(super) first: u64,
    pub(super) bytes: usize,
}

/// What comes next.
pub(super) enum Next {
    /// A batch can be taken.
    Batch,
    /// A batch could be taken, if there were one more thread to send it.
    Sender,
    /// Nothing before this moment, unless the thread is woken; `None` is no moment.
    Wait(Option<Instant>),
    /// Nothing ever.
    End,
}

impl<T> State<T> {
    pub(super) fn new(batch: Batch) -> Self {
        Self {
            batch,
            queue: VecDeque::new(),
            queued_bytes: 0,
            due: None,
            called: false,
            taken_bytes: 0,
            under_way: Vec::new(),
            idle: 0,
            to_start: batch.concurrent_exports,
            entered: 0,
            left: 0,
            flush: 0,
            is_closed: false,
            has_ended: false,
        }
    }

    /// Takes an item and says whether to wake the encoding thread, or why there is no room.
    pub(super) fn push(&mut self, item: T, heap_size: usize) -> Result<bool, Failure> {
        let Batch { queue_size, queue_bytes, queue_setting, .. } = self.batch;
        if self.is_closed {
            return Err(Failure::of(ErrorType::AlreadyShutdown, "telemetry was shut down"));
        }
        if self.queue.len() >= queue_size {
            let reason = format!("the queue is full, see {queue_setting}");
            return Err(Failure::of(ErrorType::QueueFull, reason));
        }
        if self.queued_bytes + self.taken_bytes + heap_size > queue_bytes {
            let reason = format!("the queue is full: it holds {} KiB", queue_bytes / 1024);
            return Err(Failure::of(ErrorType::QueueFull, reason));
        }
        self.make_room();
        self.queue.push_back((item, heap_size));
        self.queued_bytes += heap_size;
        self.entered += 1;
        let is_first = self.due.is_none();
        if is_first {
            self.due = Some(after(self.batch.delay));
        }
        // The first item starts the delay; after that the thread sleeps until a batch is due.
        let call = (is_first || self.is_full()) && !self.called;
        self.called |= call;
        Ok(call)
    }

    /// How many bytes wait or are under way.
    pub(super) fn bytes(&self) -> usize {
        self.queued_bytes + self.taken_bytes
    }

    /// Wants everything exported now that is there.
    pub(super) fn begin_flush(&mut self) -> u64 {
        self.flush = self.entered;
        self.entered
    }

    /// Whether the outcome of the first so many items is known.
    pub(super) fn is_done(&self, items: u64) -> bool {
        self.left >= items && self.under_way.iter().all(|first| *first >= items)
    }

    /// Takes nothing more.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// All threads have ended.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// A thread can send.
    pub(super) fn idle(&mut self) {
        self.idle += 1;
    }

    /// A thread that sends was started.
    pub(super) fn started(&mut self) {
        self.to_start -= 1;
        self.idle();
    }

    /// No more threads can be started.
    pub(super) fn start_no_more(&mut self) {
        self.to_start = 0;
    }

    /// Looks what is due.
    pub(super) fn next(&mut self) -> Next {
        self.called = false;
        let Some(due) = self.due else {
            return if self.is_closed { Next::End } else { Next::Wait(None) };
        };
        let is_wanted = self.is_closed || self.flush > self.left || self.is_full();
        if !is_wanted && Instant::now() < due {
            return Next::Wait(Some(due));
        }
        if self.has_room() {
            if self.idle > 0 {
                return Next::Batch;
            }
            if self.to_start > 0 {
                return Next::Sender;
            }
        }
        // What is under way will say when it is done; items to come need not say anything.
        self.called = true;
        Next::Wait(None)
    }

    fn is_full(&self) -> bool {
        let Batch { batch_size, queue_bytes, .. } = self.batch;
        self.queue.len() >= batch_size || self.queued_bytes > (queue_bytes / 2).min(MOST_BODY_BYTES)
    }

    /// Whether another batch may be taken beside those that are under way.
    fn has_room(&self) -> bool {
        let next = self.queued_bytes.min(MOST_TAKEN);
        let most = self.batch.queue_bytes - (self.batch.queue_bytes / 4).min(MOST_BODY_BYTES);
        self.under_way.is_empty() || self.taken_bytes + next <= most
    }

    /// Takes what fits into one batch, of a queue that is not empty.
    pub(super) fn take(&mut self) -> Taken<T> {
        let (mut number, mut bytes) = (0, 0);
        for (_, heap_size) in self.queue.iter().take(self.batch.max_batch_size) {
            if number > 0 && bytes + heap_size > MOST_TAKEN {
                break;
            }
            number += 1;
            bytes += heap_size;
        }
        let first = self.left;
        let items = self.queue.drain(..number).map(|(item, _)| item).collect();
        self.release_room();
        self.queued_bytes -= bytes;
        self.taken_bytes += bytes;
        self.left += number as u64;
        self.under_way.push(first);
        self.idle -= 1;
        let waits = !self.queue.is_empty();
        self.due = waits.then(|| after(self.batch.delay));
        Taken { items, first, bytes }
    }

    /// The outcome of a batch is known, of which so many bytes were kept.
    pub(super) fn done(&mut self, first: u64, bytes: usize) {
        self.taken_bytes -= bytes;
        self.under_way.retain(|other| *other != first);
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
}

impl<T: HeapSize> State<T> {
    /// Items of `bytes` became a body of `kept` bytes, and the `rest` comes next.
    pub(super) fn encoded(&mut self, rest: VecDeque<T>, bytes: usize, kept: usize) {
        self.taken_bytes = self.taken_bytes - bytes + kept;
        if rest.is_empty() {
            return;
        }
        self.left -= rest.len() as u64;
        for item in rest.into_iter().rev() {
            let heap_size = item.heap_size();
            self.queued_bytes += heap_size;
            self.queue.push_front((item, heap_size));
        }
        self.due = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A state whose threads are those of the test.
    fn state(batch_size: usize) -> State<u32> {
        let mut state = State::new(batch(batch_size));
        state.start_no_more();
        state
    }

    fn batch(batch_size: usize) -> Batch {
        Batch {
            queue_size: 10_000,
            queue_bytes: usize::MAX,
            queue_setting: "QUEUE",
            batch_size,
            max_batch_size: 9_990,
            concurrent_exports: 2,
            delay: Duration::MAX,
            timeout: Duration::ZERO,
        }
    }

    #[test]
    fn a_thread_more_is_wanted_only_while_all_others_send() {
        let mut state = State::new(batch(1));
        state.started();
        state.push(1, 1).unwrap();
        assert!(matches!(state.next(), Next::Batch));
        let first = state.take();
        state.push(2, 1).unwrap();
        assert!(matches!(state.next(), Next::Sender));
        state.started();
        assert!(matches!(state.next(), Next::Batch));
        state.take();
        // There are as many as may be.
        state.push(3, 1).unwrap();
        assert!(matches!(state.next(), Next::Wait(None)));
        state.idle();
        state.done(first.first, first.bytes);
        assert!(matches!(state.next(), Next::Batch));
    }

    #[test]
    fn items_wake_no_thread_while_all_are_busy() {
        let mut state = state(2);
        let calls = |state: &mut State<u32>| [1, 2, 3].map(|item| state.push(item, 1).unwrap());
        // The first starts the delay; the second fills a batch, but the thread is awake already.
        assert_eq!(calls(&mut state), [true, false, false]);
        assert!(matches!(state.next(), Next::Wait(None)));
        assert_eq!(calls(&mut state), [false; 3]);
        state.idle();
        assert!(matches!(state.next(), Next::Batch));
        assert_eq!(state.take().items.len(), 6);
        assert_eq!(calls(&mut state), [true, false, false]);
    }

    #[test]
    fn room_for_a_burst_is_given_back() {
        let mut state = state(10_000);
        state.idle();
        for number in 0..10_000 {
            state.push(number, 100).unwrap();
            assert!(state.queue.capacity() <= state.queue.len() * 5 / 4 + 64);
        }
        assert_eq!(state.take().items.len(), 9_990);
        assert!(state.queue.capacity() <= 1_024, "{}", state.queue.capacity());
        assert_eq!(state.queue.len(), 10);
    }
}

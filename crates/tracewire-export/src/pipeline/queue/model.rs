//! Models of the queue, which shuttle runs in many random orders.
//!
//! No wait ever times out in them. So a thread that is not woken, and would have waited for its
//! timeout, is a deadlock here, which shuttle reports.

use super::*;
use crate::{
    diagnostics::log,
    pipeline::{
        deliver::Encoded,
        failure::{ErrorType, Failure},
    },
    sync::thread,
};
use shuttle::{check_pct, check_random};
use std::collections::VecDeque;

/// How many orders of each model are tried, unless `MODEL_ORDERS` says otherwise.
fn orders() -> usize {
    option_env!("MODEL_ORDERS").map_or(5_000, |orders| orders.parse().unwrap())
}

fn check(model: fn()) {
    log::set_level(log::Level::Off);
    check_random(model, orders());
    check_pct(model, orders(), 3);
}

#[derive(Debug)]
struct Item(u32);

impl HeapSize for Item {
    fn heap_size(&self) -> usize {
        100
    }
}

/// Encodes one item at a time, and fails at every third.
#[derive(Debug, Default)]
struct Sink {
    sent: Arc<Mutex<Vec<u32>>>,
    is_over: Arc<Mutex<bool>>,
}

impl Deliver<Item> for Sink {
    type Body = u32;

    fn encode(&self, batch: &mut VecDeque<Item>) -> Encoded<u32> {
        let Item(number) = batch.pop_front().unwrap();
        Encoded { body: number, bytes: 10 }
    }

    fn send(&self, number: u32) -> Result<(), Failure> {
        assert!(!*self.is_over.lock().unwrap(), "nothing is sent after the sink was shut down");
        self.sent.lock().unwrap().push(number);
        if number % 3 == 0 { Err(Failure::of(ErrorType::Rejected, "on purpose")) } else { Ok(()) }
    }

    fn shutdown(&self) {
        let mut is_over = self.is_over.lock().unwrap();
        assert!(!*is_over, "it is shut down once");
        *is_over = true;
    }
}

/// A queue for so many items whose batches are due when they have two, on a flush, and at the end.
fn start(queue_size: usize, concurrent_exports: usize) -> (Arc<Queue<Item>>, Arc<Counts>, Sink) {
    let batch = Batch {
        queue_size,
        queue_bytes: 100_000,
        queue_setting: "QUEUE",
        batch_size: 2,
        max_batch_size: 2,
        concurrent_exports,
        delay: Duration::MAX,
        timeout: Duration::ZERO,
    };
    let (sink, counts) = (Sink::default(), Arc::new(Counts::new("items", "test")));
    let own = Sink { sent: Arc::clone(&sink.sent), is_over: Arc::clone(&sink.is_over) };
    (Arc::new(Queue::start(batch, sink, Arc::clone(&counts)).unwrap()), counts, own)
}

fn push(queue: &Arc<Queue<Item>>, numbers: [u32; 2]) -> thread::JoinHandle<()> {
    let queue = Arc::clone(queue);
    thread::spawn(move || numbers.into_iter().for_each(|number| queue.push(Item(number), 100)))
}

fn far() -> Instant {
    after(Duration::MAX)
}

/// Two threads push while a third flushes, and then the queue is shut down. Each item has one outcome, and
/// the flush and the shutdown return without a timeout.
#[test]
fn every_item_has_one_outcome() {
    check(|| {
        let (queue, counts, sink) = start(3, 2);
        let threads = [push(&queue, [1, 2]), push(&queue, [3, 4])];
        let flushed = Arc::clone(&queue);
        let flush = thread::spawn(move || {
            let target = flushed.begin_flush();
            flushed.wait_flushed(target, far()).unwrap();
        });
        for thread in threads {
            thread.join().unwrap();
        }
        flush.join().unwrap();
        queue.begin_shutdown();
        queue.wait_for_end(far()).unwrap();
        let counted = counts.snapshot();
        assert_eq!(counted.ended, 4);
        assert_eq!(counted.exported + counted.failed + counted.dropped, 4, "{counted:?}");
        assert_eq!(counted.taken, counted.exported + counted.failed);
        let mut sent = sink.sent.lock().unwrap().clone();
        assert_eq!(sent.len() as u64, counted.taken);
        sent.sort_unstable();
        sent.dedup();
        assert_eq!(sent.len() as u64, counted.taken, "no item is sent twice");
        assert!(*sink.is_over.lock().unwrap());
    });
}

/// A flush begins after an item was pushed: when it returns, the item's outcome is known, whatever else
/// is pushed meanwhile.
#[test]
fn a_flush_waits_for_what_was_pushed_before() {
    check(|| {
        let (queue, counts, sink) = start(100, 2);
        queue.push(Item(1), 100);
        let thread = push(&queue, [2, 4]);
        let target = queue.begin_flush();
        queue.wait_flushed(target, far()).unwrap();
        assert!(sink.sent.lock().unwrap().contains(&1));
        assert!(counts.snapshot().exported >= 1);
        thread.join().unwrap();
        drop(queue);
    });
}

/// Threads push while the queue is shut down: what entered it before is sent, and the rest is counted
/// as dropped. Another shutdown at the same time waits for the same end.
#[test]
fn a_shutdown_sends_what_entered_before() {
    check(|| {
        let (queue, counts, sink) = start(100, 1);
        queue.push(Item(1), 100);
        let thread = push(&queue, [2, 4]);
        let other = Arc::clone(&queue);
        let again = thread::spawn(move || {
            other.begin_shutdown();
            other.wait_for_end(far()).unwrap();
        });
        queue.begin_shutdown();
        queue.wait_for_end(far()).unwrap();
        assert!(sink.sent.lock().unwrap().contains(&1));
        thread.join().unwrap();
        again.join().unwrap();
        let counted = counts.snapshot();
        assert_eq!((counted.exported + counted.dropped, counted.late), (3, counted.dropped));
    });
}

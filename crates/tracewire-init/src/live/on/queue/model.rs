//! Models of requests that end while the page is flushed and shut down, which shuttle runs in many random
//! orders.
//!
//! No wait ever times out in them. So a thread that nothing wakes, and that would have waited for its timeout, is a
//! deadlock, which shuttle reports.

use std::sync::Arc;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use shuttle::{Config, Runner, thread};

use super::super::spans::tests::arrival;
use super::*;

/// How many orders of each model are tried, unless `MODEL_ORDERS` says otherwise.
fn check(model: fn()) {
    let orders = option_env!("MODEL_ORDERS").map_or(2_000, |orders| orders.parse().unwrap());
    let mut config = Config::new();
    config.stack_size = 256 * 1024; // a page is built on it
    Runner::new(RandomScheduler::new(orders), config.clone()).run(model);
    Runner::new(PctScheduler::new(3, orders), config).run(model);
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(3_600)
}

/// A queue with room for three items, and how many of them were taken and brought.
struct Page {
    recorder: Recorder,
    queue: Queue,
    taken: AtomicUsize,
    brought: AtomicUsize,
}

const ITEM: usize = 100;

impl Page {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            recorder: tracewire_live::Live::new().build(),
            queue: Queue::new(3 * (ITEM + size_of::<Item>())),
            taken: AtomicUsize::new(0),
            brought: AtomicUsize::new(0),
        })
    }

    fn push(&self) {
        if self.queue.push(Item::Spans(arrival(&self.recorder)), ITEM).is_ok() {
            self.taken.fetch_add(1, SeqCst);
        }
    }

    /// Flushes, and checks that what was taken before is brought.
    fn flush(&self, ends: bool) {
        let before = self.taken.load(SeqCst);
        assert!(self.queue.flush(far(), ends));
        assert!(self.brought.load(SeqCst) >= before);
    }

    /// What the thread of the page does, until it has brought so many items.
    fn bring(&self, items: usize) {
        while self.brought.load(SeqCst) < items {
            match self.queue.next(Vec::new()) {
                Next::End => break,
                Next::Idle => {} // it was called for what it had taken already
                Next::Bring(items, flush) => {
                    self.brought.fetch_add(items.len(), SeqCst);
                    self.queue.answer(flush);
                }
            }
        }
        self.queue.desert();
    }

    fn start<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> thread::JoinHandle<T> {
        let page = Arc::clone(self);
        thread::spawn(move || work(&page))
    }
}

/// Two threads push while a third flushes and two shut the page down: what was taken is brought, and each
/// flush and shutdown returns when what was taken before it is. Nothing is taken after the end.
#[test]
fn what_is_taken_is_brought_before_the_end() {
    check(|| {
        let page = Page::new();
        let brings = page.start(|page| page.bring(usize::MAX));
        let pushes = [(); 2].map(|()| page.start(|page| (0..2).for_each(|_| page.push())));
        let flushes = [false, true].map(|ends| page.start(move |page| page.flush(ends)));
        page.push();
        page.flush(true);
        for thread in pushes.into_iter().chain(flushes).chain([brings]) {
            thread.join().unwrap();
        }
        assert_eq!(page.taken.load(SeqCst), page.brought.load(SeqCst));
        assert!(page.queue.push(Item::Spans(arrival(&page.recorder)), ITEM).is_err());
    });
}

/// Two threads push an item each, which fills half of the queue: both are brought, although nobody flushes.
#[test]
fn a_queue_that_is_half_full_is_brought_by_itself() {
    check(|| {
        let page = Page::new();
        let brings = page.start(|page| page.bring(2));
        let pushes = [(); 2].map(|()| page.start(Page::push));
        for thread in pushes.into_iter().chain([brings]) {
            thread.join().unwrap();
        }
        assert_eq!(page.brought.load(SeqCst), 2);
    });
}

/// Two threads flush at once: one answer is enough for both.
#[test]
fn flushes_at_once_are_answered_together() {
    check(|| {
        let page = Page::new();
        let brings = page.start(|page| page.bring(usize::MAX));
        page.push();
        let flushes = [(); 2].map(|()| page.start(|page| page.flush(false)));
        flushes.into_iter().for_each(|flush| flush.join().unwrap());
        page.flush(true);
        brings.join().unwrap();
    });
}

/// The thread of the page ends early, as after a fault in the store, while others push, flush and shut down:
/// nobody waits for it for ever.
#[test]
fn nobody_waits_for_a_thread_that_is_gone() {
    check(|| {
        let page = Page::new();
        let brings = page.start(|page| page.bring(1));
        let pushes = page.start(|page| (0..2).for_each(|_| page.push()));
        let flushes =
            [false, true].map(|ends| page.start(move |page| page.queue.flush(far(), ends)));
        for flush in flushes {
            assert!(flush.join().unwrap());
        }
        brings.join().unwrap();
        pushes.join().unwrap();
        assert!(page.brought.load(SeqCst) <= page.taken.load(SeqCst));
    });
}

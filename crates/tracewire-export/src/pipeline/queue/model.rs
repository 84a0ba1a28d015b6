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
    option_env!("MODEL_ORDERS").map_or(2_000, |orders| orders.parse().unwrap())
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

/// What a sink did. A panic in a sink is caught, so it is the models that look at this.
#[derive(Debug, Default)]
struct Log {
    sent: Vec<u32>,
    shutdowns: u32,
    /// Whether anything was sent after the shutdown.
    sent_late: bool,
}

/// Encodes one item at a time, and fails at every third. It panics when it encodes 5 and when it sends 7. After
/// it has sent 7, its shutdown panics, too.
#[derive(Clone, Debug, Default)]
struct Sink(Arc<Mutex<Log>>);

impl Sink {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap()
    }

    /// The items that were sent, from an end that came once and last.
    #[track_caller]
    fn sent_until_the_end(&self) -> Vec<u32> {
        let log = self.log();
        assert_eq!((log.shutdowns, log.sent_late), (1, false));
        let mut sent = log.sent.clone();
        sent.sort_unstable();
        sent
    }
}

/// A panic of which nothing is printed.
fn quiet_panic() {
    std::panic::resume_unwind(Box::new("on purpose"));
}

impl Deliver<Item> for Sink {
    type Body = u32;

    fn encode(&self, batch: &mut VecDeque<Item>) -> Encoded<u32> {
        if matches!(batch.front(), Some(Item(5))) {
            quiet_panic();
        }
        let Item(number) = batch.pop_front().unwrap();
        Encoded { body: number, bytes: 10 }
    }

    fn send(&self, number: u32) -> Result<(), Failure> {
        let mut log = self.log();
        log.sent_late |= log.shutdowns > 0;
        log.sent.push(number);
        drop(log);
        if number == 7 {
            quiet_panic();
        }
        if number % 3 == 0 { Err(Failure::of(ErrorType::Rejected, "on purpose")) } else { Ok(()) }
    }

    fn shutdown(&self) {
        let mut log = self.log();
        log.shutdowns += 1;
        let is_broken = log.sent.contains(&7);
        drop(log);
        if is_broken {
            quiet_panic();
        }
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
    (Arc::new(Queue::start(batch, sink.clone(), Arc::clone(&counts)).unwrap()), counts, sink)
}

type Queues = [Arc<Queue<Item>>];

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
        let mut sent = sink.sent_until_the_end();
        assert_eq!(sent.len() as u64, counted.taken);
        sent.dedup();
        assert_eq!(sent.len() as u64, counted.taken, "no item is sent twice");
    });
}

/// Two flushes begin after an item was pushed: when either returns, the item's outcome is known, whatever else
/// is pushed meanwhile.
#[test]
fn a_flush_waits_for_what_was_pushed_before() {
    check(|| {
        let (queue, counts, sink) = start(100, 2);
        queue.push(Item(1), 100);
        let thread = push(&queue, [2, 4]);
        let flush = |queue: &Queue<Item>, counts: &Counts, sink: &Sink| {
            let target = queue.begin_flush();
            queue.wait_flushed(target, far()).unwrap();
            assert!(sink.log().sent.contains(&1));
            assert!(counts.snapshot().exported >= 1);
        };
        let theirs = (queue.clone(), counts.clone(), sink.clone());
        let other = thread::spawn(move || flush(&theirs.0, &theirs.1, &theirs.2));
        flush(&queue, &counts, &sink);
        other.join().unwrap();
        thread.join().unwrap();
        drop(queue);
    });
}

/// Two threads push an item each, which makes a batch: it is sent, although nobody flushes.
#[test]
fn a_full_batch_is_sent_by_itself() {
    check(|| {
        let (queue, counts, _) = start(100, 1);
        let threads = [1, 2].map(|number| {
            let queue = queue.clone();
            thread::spawn(move || queue.push(Item(number), 100))
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        queue.wait_flushed(2, far()).unwrap();
        assert_eq!(counts.snapshot().exported, 2);
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
        assert!(sink.sent_until_the_end().contains(&1));
        thread.join().unwrap();
        again.join().unwrap();
        let counted = counts.snapshot();
        assert_eq!((counted.exported + counted.dropped, counted.late), (3, counted.dropped));
    });
}

/// The exporter panics when it encodes one item, when it sends another one, and at its shutdown, while two
/// threads push and a third flushes: the two count as failed, the others are sent, and everybody returns.
#[test]
fn an_item_at_which_the_exporter_panics_fails_alone() {
    check(|| {
        let (queue, counts, sink) = start(100, 1);
        let threads = [push(&queue, [1, 5]), push(&queue, [7, 2])];
        let target = queue.begin_flush();
        queue.wait_flushed(target, far()).unwrap();
        for thread in threads {
            thread.join().unwrap();
        }
        queue.begin_shutdown();
        queue.wait_for_end(far()).unwrap();
        assert_eq!(sink.sent_until_the_end(), [1, 2, 7]);
        let counted = counts.snapshot();
        assert_eq!((counted.ended, counted.taken, counted.exported, counted.failed), (4, 4, 2, 2));
        assert_eq!(counts.failures(), [(ErrorType::Panic, 2)]);
    });
}

/// Two threads flush two queues while two others shut them down, as `force_flush` and `shutdown` of a provider
/// do. When the first of them returns, everything pushed before has its outcome in both queues. A flush after
/// the end returns at once.
#[test]
fn flushes_and_shutdowns_at_once_return_when_everything_has_its_outcome() {
    check(|| {
        let started = [start(100, 1), start(100, 2)];
        let queues: Arc<Queues> = started.iter().map(|(queue, ..)| queue.clone()).collect();
        let rest = Arc::new(started.map(|(_, counts, sink)| (counts, sink)));
        queues.iter().for_each(|queue| queue.push(Item(1), 100));
        let flush = |queues: &Queues| {
            flush_all(queues.iter().map(|queue| &**queue), |_| Ok(())).unwrap();
        };
        let shut_down = |queues: &Queues| {
            let queues = queues.iter().map(|queue| &**queue);
            shutdown_all(queues, Duration::MAX, |_| Ok(())).unwrap();
        };
        let do_and_look = |act: fn(&Queues)| {
            let (queues, rest) = (queues.clone(), rest.clone());
            move || {
                act(&queues);
                assert!(rest.iter().all(|(counts, _)| counts.snapshot().exported == 1));
            }
        };
        let acts: [fn(&Queues); 3] = [flush, flush, shut_down];
        let threads = acts.map(|act| thread::spawn(do_and_look(act)));
        do_and_look(shut_down)();
        for thread in threads {
            thread.join().unwrap();
        }
        flush(&queues);
        assert!(rest.iter().all(|(_, sink)| sink.sent_until_the_end() == [1]));
    });
}

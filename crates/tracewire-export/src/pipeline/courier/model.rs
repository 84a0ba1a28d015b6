//! A model of threads that have tasks done on another one, which shuttle runs in many random orders.
//!
//! No wait ever times out in it, so a thread that nobody tells that its task is over is a deadlock.

use super::*;
use crate::pipeline::deadline::after;
use shuttle::{check_pct, check_random};
use std::{panic::resume_unwind, time::Duration};

/// What was done, in this order, and whether two tasks were ever under way at once.
#[derive(Debug, Default)]
struct Log {
    done: Vec<u32>,
    is_busy: bool,
    overlapped: bool,
}

/// A task that was begun, its number, the one that it replaced, and what was done when the wait was over.
struct Waited {
    task: u32,
    begun: Begun<u32>,
    done: Vec<u32>,
}

fn model() {
    let log = Arc::new(Mutex::new(Log::default()));
    let own = log.clone();
    let courier = Courier::new("model", move |task| {
        let mut log = own.lock().unwrap();
        log.overlapped |= log.is_busy;
        log.is_busy = true;
        drop(log);
        let mut log = own.lock().unwrap();
        log.is_busy = false;
        log.done.push(task);
        drop(log);
        if task == 2 {
            resume_unwind(Box::new("a panic, of which nothing is said"));
        }
    });
    let wait = |task| {
        let (courier, log) = (courier.clone(), log.clone());
        move || {
            let begun = courier.begin(task);
            assert!(courier.wait(begun.number, after(Duration::MAX)));
            let done = log.lock().unwrap().done.clone();
            Waited { task, begun, done }
        }
    };
    let threads = [1, 2].map(|task| thread::spawn(wait(task)));
    let own = wait(3)();
    let mut all: Vec<_> =
        threads.into_iter().map(|thread| thread.join().unwrap()).chain([own]).collect();
    all.sort_by_key(|waited| waited.begun.number);
    let log = log.lock().unwrap();
    assert!(!log.overlapped);
    for (place, waited) in all.iter().enumerate() {
        let mut later = all[place..].iter().map(|waited| waited.task);
        assert!(later.any(|task| waited.done.contains(&task)), "{:?} at {place}", waited.done);
    }
    // What was not done was replaced.
    let replaced = all.iter().filter_map(|waited| waited.begun.replaced);
    let mut tasks: Vec<_> = log.done.iter().copied().chain(replaced).collect();
    tasks.sort_unstable();
    assert_eq!(tasks, [1, 2, 3]);
}

/// Three threads begin a task each, one of which panics, and wait: each returns when its task is over, or a
/// later one that took its place. One is under way at a time, and none is forgotten.
#[test]
fn who_waits_returns_when_its_task_or_a_later_one_is_over() {
    let orders = option_env!("MODEL_ORDERS").map_or(2_000, |orders| orders.parse().unwrap());
    check_random(model, orders);
    check_pct(model, orders, 3);
}

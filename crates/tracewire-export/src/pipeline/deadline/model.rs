//! A model of threads that sleep while shutdown begins, which shuttle runs in many random orders.
//!
//! No wait ever times out in it, so a sleep that is not cut short is a deadlock.

use super::*;
use crate::sync::thread;
use shuttle::{check_pct, check_random};
use std::sync::Arc;

fn model() {
    let deadline = Arc::new(Deadline::default());
    let moments = [1, 2, 3, 4].map(|hours| after(Duration::from_secs(3_600 * hours)));
    let [early, late, retry, end] = moments;
    let sleeps: [fn(&Deadline, Instant); 3] =
        [Deadline::sleep_until, Deadline::sleep_until, Deadline::sleep_unless_begun];
    let asleep = sleeps.map(|sleep| {
        let deadline = deadline.clone();
        thread::spawn(move || {
            sleep(&deadline, retry);
            assert!(deadline.has_begun());
            assert!([early, late].contains(&deadline.at_most(end)));
        })
    });
    let other = deadline.clone();
    let begins = thread::spawn(move || other.begin(late));
    deadline.begin(early);
    for thread in asleep.into_iter().chain([begins]) {
        thread.join().unwrap();
    }
    assert_eq!(deadline.at_most(end), early);
}

/// Three threads wait to try again, one of them only until shutdown begins, while two others begin it with
/// deadlines before that: none sleeps on, and the earlier deadline holds.
#[test]
fn who_would_sleep_beyond_the_deadline_is_woken() {
    let orders = option_env!("MODEL_ORDERS").map_or(2_000, |orders| orders.parse().unwrap());
    check_random(model, orders);
    check_pct(model, orders, 3);
}

//! A model of decisions that arrive at once when an update is due, which shuttle runs in many random orders.

use super::*;
use shuttle::{check_pct, check_random, thread};
use std::sync::Arc;

fn model() {
    let full = Threshold::ALWAYS;
    let estimator = Arc::new(Estimator::new(full));
    let arrive = move |estimator: &Estimator, millis| {
        estimator.arrive(Duration::from_millis(millis), 1.0, full, 1.0);
    };
    arrive(&estimator, 1);
    let threads = [(); 2].map(|()| {
        let estimator = estimator.clone();
        thread::spawn(move || arrive(&estimator, 101))
    });
    for thread in threads {
        thread.join().unwrap();
    }
    arrive(&estimator, 201);
    // The first update took the one that came before, one of the two or both; the second one took the rest.
    let old = (-0.1 / DECAY_SECONDS).exp();
    let smoothed = |first: f64| (1.0 - old) * 10.0 * (old * first + (4.0 - first));
    let rate = load(&estimator.rate);
    let is = |first| (rate - smoothed(first)).abs() < 1e-6;
    assert!(is(2.0) || is(3.0), "{rate} is neither {} nor {}", smoothed(2.0), smoothed(3.0));
    let weight = (1.0 - old) * (1.0 + old);
    assert!((load(&estimator.weight) - weight).abs() < 1e-6);
}

/// Two decisions arrive when an update is due: one of them updates, and every arrival counts once.
#[test]
fn arrivals_at_once_update_once_and_all_count() {
    let orders = option_env!("MODEL_ORDERS").map_or(5_000, |orders| orders.parse().unwrap());
    check_random(model, orders);
    check_pct(model, orders, 3);
}

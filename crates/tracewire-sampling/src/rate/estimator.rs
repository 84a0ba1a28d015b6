//! How many decisions arrive in a second, and the threshold that follows from it.

#[cfg(all(test, shuttle))]
mod model;

use crate::{
    Threshold,
    sync::atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

/// What arrived longer ago than this has less than 5 % of the weight.
const WINDOW: Duration = Duration::from_secs(10);
/// The time constant of the smoothing.
const DECAY_SECONDS: f64 = WINDOW.as_secs() as f64 / 3.0;
/// How often the threshold changes at most.
const TICK: Duration = Duration::from_millis(100);
/// A clock that is so far behind was set back. Threads that race are apart by much less.
const BACK: Duration = Duration::from_secs(1);

/// What one arrival counts. A part of it stands for a trace that may be dropped for another reason.
const ONE: f64 = (1u64 << 32) as f64;

/// Counts arrivals, and turns their rate into a threshold ten times a second.
///
/// Everything is atomic. Two threads that should update at once race for `updated_at`; who loses
/// goes on with the threshold that is there.
#[derive(Debug)]
pub(crate) struct Estimator {
    /// Decisions since the last update, in parts of [`ONE`].
    arrived: AtomicU64,
    /// When the last update was, in nanoseconds of the clock; 0 before the first arrival.
    updated_at: AtomicU64,
    /// Arrivals in a second, smoothed, as bits of an `f64`.
    rate: AtomicU64,
    /// How much of the smoothed rate has been seen, 0 to 1, as bits of an `f64`.
    weight: AtomicU64,
    threshold: AtomicU64,
    /// Decisions with less than the full probability.
    limited: AtomicU64,
}

impl Estimator {
    pub(crate) fn new(full: Threshold) -> Self {
        Self {
            arrived: AtomicU64::new(0),
            updated_at: AtomicU64::new(0),
            rate: AtomicU64::new(0),
            weight: AtomicU64::new(0),
            threshold: AtomicU64::new(full.value()),
            limited: AtomicU64::new(0),
        }
    }

    /// Counts one decision, or the part of it that is `share`, and returns its threshold: that of the
    /// rule, or a higher one to meet `limit` a second.
    pub(crate) fn arrive(
        &self,
        now: Duration,
        share: f64,
        full: Threshold,
        limit: f64,
    ) -> Threshold {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX).max(1);
        self.arrived.fetch_add((share * ONE) as u64, Ordering::Relaxed);
        let last = self.updated_at.load(Ordering::Relaxed);
        if now.saturating_sub(last) >= TICK.as_nanos() as u64 || last == 0 {
            let claim =
                self.updated_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed);
            if claim.is_ok() && last != 0 {
                self.update(now - last, full, limit);
            }
        } else if last.saturating_sub(now) > BACK.as_nanos() as u64 {
            let claim =
                self.updated_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed);
            if claim.is_ok() {
                // Nobody knows in which time they arrived.
                self.arrived.store(0, Ordering::Relaxed);
            }
        }
        let threshold = Threshold::from_value(self.threshold.load(Ordering::Relaxed)).max(full);
        if threshold > full {
            self.limited.fetch_add(1, Ordering::Relaxed);
        }
        threshold
    }

    fn update(&self, nanos: u64, full: Threshold, limit: f64) {
        let seconds = nanos as f64 / 1e9;
        let arrived = self.arrived.swap(0, Ordering::Relaxed) as f64 / ONE;
        let old = (-seconds / DECAY_SECONDS).exp();
        let rate = old * load(&self.rate) + (1.0 - old) * (arrived / seconds);
        let weight = old * load(&self.weight) + (1.0 - old);
        self.rate.store(rate.to_bits(), Ordering::Relaxed);
        self.weight.store(weight.to_bits(), Ordering::Relaxed);
        // In the first seconds only a part of the window has been seen.
        let probability = (limit * weight / rate).clamp(Threshold::LEAST.probability(), 1.0);
        let wanted = Threshold::from_probability(probability);
        let threshold = wanted.unwrap_or(Threshold::LEAST).max(full);
        self.threshold.store(threshold.value(), Ordering::Relaxed);
    }

    /// Arrivals in a second, smoothed.
    pub(crate) fn rate(&self) -> f64 {
        let weight = load(&self.weight);
        if weight > 0.0 { load(&self.rate) / weight } else { 0.0 }
    }

    pub(crate) fn threshold(&self) -> Threshold {
        Threshold::from_value(self.threshold.load(Ordering::Relaxed))
    }

    pub(crate) fn limited(&self) -> u64 {
        self.limited.load(Ordering::Relaxed)
    }
}

fn load(bits: &AtomicU64) -> f64 {
    f64::from_bits(bits.load(Ordering::Relaxed))
}

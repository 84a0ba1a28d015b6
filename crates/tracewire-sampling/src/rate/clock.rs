//! The time that target rates go by.

use std::{
    fmt,
    sync::LazyLock,
    time::{Duration, Instant},
};

/// A clock that never goes back, for [`Sampler::with_clock`](crate::Sampler::with_clock).
///
/// Tests give one of their own, so that a minute of requests takes no minute.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::time::Duration;
/// use tracewire_sampling::{AlwaysOn, MonotonicClock, Sampler};
///
/// /// A clock that a test sets.
/// #[derive(Debug, Default)]
/// struct Seconds(AtomicU64);
///
/// impl MonotonicClock for Seconds {
///     fn now(&self) -> Duration {
///         Duration::from_secs(self.0.load(Ordering::Relaxed))
///     }
/// }
///
/// let sampler = Sampler::new(AlwaysOn).with_clock(Seconds::default());
/// ```
pub trait MonotonicClock: fmt::Debug + Send + Sync {
    /// Returns the time since some fixed moment.
    fn now(&self) -> Duration;
}

/// The system's monotonic clock.
///
/// ```
/// use tracewire_sampling::{MonotonicClock, SystemClock};
///
/// let before = SystemClock.now();
/// assert!(SystemClock.now() >= before);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl MonotonicClock for SystemClock {
    fn now(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

//! The time that target rates go by.

use std::{
    fmt,
    sync::LazyLock,
    time::{Duration, Instant},
};

/// A clock that never goes back, for [`Sampler::with_clock`](crate::Sampler::with_clock).
///
/// Tests give one of their own, so that a minute of requests takes no minute.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the time since some fixed moment.
    fn now(&self) -> Duration;
}

/// The system's monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

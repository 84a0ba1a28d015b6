//! The shutdown deadline, shared by everything that blocks.

#[cfg(all(test, shuttle))]
mod model;

use crate::sync::{Condvar, Mutex, MutexGuard};
use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

/// The moment so long from now; a limit beyond all reckoning is ten years.
pub fn after(limit: Duration) -> Instant {
    const LONG: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
    Instant::now() + limit.min(LONG)
}

/// How much earlier exporters stop than `limit`, so that what they did can still be told.
pub(crate) fn margin(limit: Duration) -> Duration {
    (limit / 20).min(Duration::from_millis(250))
}

/// Says when exporting must end, once shutdown has begun.
#[derive(Debug, Default)]
pub(crate) struct Deadline {
    deadline: Mutex<Option<Instant>>,
    begun: Condvar,
}

impl Deadline {
    /// Shutdown begins: nothing may be under way after `deadline`, or the earlier one that was given
    /// before.
    pub(crate) fn begin(&self, deadline: Instant) {
        let mut own = self.lock();
        *own = Some(own.map_or(deadline, |earlier| earlier.min(deadline)));
        drop(own);
        self.begun.notify_all();
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.lock().is_some()
    }

    /// `instant`, or the deadline if that is earlier.
    pub(crate) fn at_most(&self, instant: Instant) -> Instant {
        self.lock().map_or(instant, |deadline| deadline.min(instant))
    }

    /// Sleeps until `instant`, or until it is known that the deadline is earlier: then there is nothing
    /// to wait for.
    pub(crate) fn sleep_until(&self, instant: Instant) {
        let mut deadline = self.lock();
        loop {
            let left = instant.saturating_duration_since(Instant::now());
            if left == Duration::ZERO || deadline.is_some_and(|deadline| deadline < instant) {
                return;
            }
            deadline =
                self.begun.wait_timeout(deadline, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Sleeps until `instant`, or until shutdown begins if that is earlier.
    pub(crate) fn sleep_unless_begun(&self, instant: Instant) {
        let left = instant.saturating_duration_since(Instant::now());
        let _ = self.begun.wait_timeout_while(self.lock(), left, |deadline| deadline.is_none());
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

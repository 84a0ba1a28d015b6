//! The time, as the page counts it.

use std::time::SystemTime;

use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Ends of spans are believed this far from a time that is known to be right.
const NEAR: u64 = 1_000_000_000;

/// The time in nanoseconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs().saturating_mul(1_000_000_000).saturating_add(since.subsec_nanos().into())
}

/// A clock that is asked about once a second, however many spans end: each brings the time with it.
#[derive(Debug)]
pub(crate) struct Clock {
    known: AtomicU64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { known: AtomicU64::new(now()) }
    }

    /// Returns the time at which a span ended that ends now. A span may say anything of its end, so what is
    /// not near the time known last is not believed.
    pub(crate) fn at_end(&self, end: u64) -> u64 {
        if self.known.load(Relaxed).abs_diff(end) <= NEAR {
            return end;
        }
        let now = now();
        self.known.store(now, Relaxed);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_believed_near_the_time_alone() {
        let clock = Clock::new();
        let begin = now();
        for wrong in [0, 1, begin - 60 * NEAR, begin + 60 * NEAR, u64::MAX] {
            let time = clock.at_end(wrong);
            assert!((begin..begin + 60 * NEAR).contains(&time), "{wrong}: {time}");
        }
        let near = now() + NEAR / 4;
        assert_eq!(clock.at_end(near), near);
    }
}

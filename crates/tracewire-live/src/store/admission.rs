//! How many ordinary traces are kept a second.

const SECOND: u64 = 1_000_000_000;

/// A token bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admission {
    /// Time between two tokens in nanoseconds, or 0 for no limit.
    interval: u64,
    burst: u64,
    /// When the bucket would be full, if nothing were taken.
    full_at: u64,
}

impl Admission {
    /// Admits `rate` a second, and `burst` at once. A rate of 0 admits everything.
    pub(crate) fn new(rate: u32, burst: u32) -> Self {
        let interval = SECOND.checked_div(u64::from(rate)).unwrap_or(0);
        Self { interval, burst: u64::from(burst), full_at: 0 }
    }

    /// Takes a token, if there is one.
    pub(crate) fn admit(&mut self, now: u64) -> bool {
        if self.interval == 0 {
            return true;
        }
        let span = self.interval * self.burst;
        // A clock that was set back does not close the bucket for long.
        self.full_at = self.full_at.clamp(now, now.saturating_add(span));
        let admits = self.full_at.saturating_add(self.interval) <= now.saturating_add(span);
        if admits {
            self.full_at += self.interval;
        }
        admits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_admitted_and_then_the_rate() {
        let mut admission = Admission::new(50, 200);
        let admitted =
            |admission: &mut Admission, now| (0..1_000).filter(|_| admission.admit(now)).count();
        assert_eq!(admitted(&mut admission, 10 * SECOND), 200);
        assert_eq!(admitted(&mut admission, 11 * SECOND), 50);
        assert_eq!(admitted(&mut admission, 60 * SECOND), 200);
        // The clock is set back by 50 seconds.
        assert_eq!(admitted(&mut admission, 10 * SECOND), 0);
        assert_eq!(admitted(&mut admission, 11 * SECOND), 50);
    }

    #[test]
    fn no_rate_admits_everything() {
        let mut admission = Admission::new(0, 0);
        assert!((0..10_000).all(|_| admission.admit(0)));
    }
}

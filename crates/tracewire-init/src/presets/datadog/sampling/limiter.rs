//! How many traces a second rules keep.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A bucket of tokens: one for each trace, as many a second as the limit says.
#[derive(Debug)]
pub(super) struct Limiter {
    /// `None` is no limit.
    limit: Option<f64>,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Option<Instant>,
}

impl Limiter {
    pub(super) fn new(traces_per_second: Option<u32>) -> Self {
        let limit = traces_per_second.map(f64::from);
        let bucket = Mutex::new(Bucket { tokens: limit.unwrap_or_default(), filled: None });
        Self { limit, bucket }
    }

    /// Whether there is room for one more trace.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let Some(limit) = self.limit else { return true };
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let since = bucket.filled.map_or(Duration::ZERO, |filled| now.duration_since(filled));
        bucket.tokens = (bucket.tokens + since.as_secs_f64() * limit).min(limit);
        bucket.filled = Some(now);
        let has_room = bucket.tokens >= 1.0;
        if has_room {
            bucket.tokens -= 1.0;
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(limiter: &Limiter, traces: usize, now: Instant) -> usize {
        (0..traces).filter(|_| limiter.admits(now)).count()
    }

    #[test]
    fn a_limit_holds_for_each_second() {
        let (limiter, start) = (Limiter::new(Some(10)), Instant::now());
        assert_eq!(admitted(&limiter, 50, start), 10);
        assert_eq!(admitted(&limiter, 50, start + Duration::from_millis(500)), 5);
        assert_eq!(admitted(&limiter, 50, start + Duration::from_secs(3600)), 10);
        assert_eq!(admitted(&Limiter::new(Some(0)), 50, start), 0);
        assert_eq!(admitted(&Limiter::new(None), 50, start), 50);
    }
}

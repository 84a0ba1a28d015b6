//! How often something is sent: again if that may help, and never beyond its time.

use crate::{
    diagnostics::unreachable,
    pipeline::{
        deadline::{Deadline, after},
        failure::{ErrorType, Failure},
    },
};
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

const FIRST_DELAY: Duration = Duration::from_millis(200);
/// The longest pause that is kept for a batch without a time limit: a collector may ask for years.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The attempts to send to one endpoint.
#[derive(Debug)]
pub(crate) struct Retries {
    /// The endpoint as it may be shown.
    endpoint: String,
    /// For one batch, retries included; `None` is no limit.
    timeout: Option<Duration>,
    deadline: Arc<Deadline>,
    // The last batch could not be delivered.
    failing: AtomicBool,
    /// Before this moment the collector wants nothing, of whatever batch.
    pause: Mutex<Option<Instant>>,
}

/// One attempt that failed.
pub(crate) struct Fault {
    pub(crate) kind: ErrorType,
    pub(crate) what: String,
    pub(crate) retry: Retry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    Never,
    Soon,
    After(Duration),
}

impl Retries {
    pub(crate) fn new(
        endpoint: String,
        timeout: Option<Duration>,
        deadline: Arc<Deadline>,
    ) -> Self {
        let (failing, pause) = (AtomicBool::new(false), Mutex::default());
        Self { endpoint, timeout, deadline, failing, pause }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Does `once`, which gets the time that is left, until it succeeds or there is no use in it.
    pub(crate) fn run<T>(
        &self,
        once: impl FnMut(Duration) -> Result<T, Fault>,
    ) -> Result<T, Failure> {
        let result = self.repeat(once);
        self.failing.store(result.is_err(), Ordering::Relaxed);
        result
    }

    fn repeat<T>(&self, mut once: impl FnMut(Duration) -> Result<T, Fault>) -> Result<T, Failure> {
        let limit = after(self.timeout.unwrap_or(Duration::MAX));
        let mut attempt = 1;
        self.keep_pause();
        loop {
            let left = self.deadline.at_most(limit).saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                let reason = format!("no time was left to send to {}", self.endpoint);
                return Err(Failure::of(ErrorType::Timeout, reason));
            }
            let fault = match once(left) {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            // At the end, a collector that refused one batch is asked but once for each other.
            let most = match (self.deadline.has_begun(), self.failing.load(Ordering::Relaxed)) {
                (false, _) => u32::MAX,
                (true, false) => 3,
                (true, true) => 1,
            };
            if let Retry::After(wanted) = fault.retry {
                self.begin_pause(wanted);
            }
            let next = fault.retry.after(attempt).map(after);
            let latest = limit.min(after(self.timeout.unwrap_or(LONGEST_PAUSE)));
            match next {
                Some(next) if attempt < most && next < self.deadline.at_most(latest) => {
                    self.deadline.sleep_until(next);
                    attempt += 1;
                }
                _ => return Err(fault.describe(attempt)),
            }
        }
    }
}

impl Retries {
    /// The collector asked for a pause. Batches to come keep it too, for half of the time they have,
    /// so that each can still be sent.
    fn begin_pause(&self, wanted: Duration) {
        const MOST: Duration = Duration::from_secs(30);
        let end = after(wanted.min(self.timeout.map_or(MOST, |timeout| timeout / 2)));
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        *pause = (*pause).max(Some(end));
    }

    /// Waits for the end of a pause, unless everything ends.
    fn keep_pause(&self) {
        let pause = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(end) = pause {
            self.deadline.sleep_unless_begun(end);
        }
    }
}

impl Fault {
    fn describe(self, attempts: u32) -> Failure {
        // Where nothing answers, the number says nothing more.
        if attempts == 1 || unreachable::is_reason(&self.what) {
            return Failure::of(self.kind, self.what);
        }
        Failure::of(self.kind, format!("{}, {attempts} attempts", self.what))
    }
}

impl Retry {
    /// The pause after this attempt. A collector may ask for a longer one than ours, not for a
    /// shorter one: if it asks for none while it is overloaded, that would be a flood.
    pub(crate) fn after(self, attempt: u32) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::Soon => Some(pause(attempt)),
            Self::After(wanted) => Some(pause(attempt).max(wanted)),
        }
    }
}

/// Our own pause after this attempt: doubling, with jitter.
fn pause(attempt: u32) -> Duration {
    let pause = FIRST_DELAY * 2_u32.pow((attempt - 1).min(6));
    // Between 80 and 120 percent; a hasher's random keys are randomness enough.
    let jitter = 80 + RandomState::new().hash_one(attempt) % 41;
    pause.mul_f64(jitter as f64 / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_differ_by_a_fifth() {
        for (attempt, milliseconds) in [(1, 200), (2, 400), (3, 800), (7, 12_800), (99, 12_800)] {
            let pause = pause(attempt);
            let middle = Duration::from_millis(milliseconds);
            assert!(pause >= middle.mul_f64(0.8) && pause <= middle.mul_f64(1.2), "{pause:?}");
        }
    }

    #[test]
    fn a_collector_may_lengthen_a_pause_and_not_shorten_it() {
        let seconds = Duration::from_secs;
        for (attempt, least) in [(1, 160), (4, 1_280), (9, 10_240)] {
            let least = Duration::from_millis(least);
            for wanted in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(159)] {
                assert!(Retry::After(wanted).after(attempt).unwrap() >= least, "{wanted:?}");
            }
            for wanted in [seconds(20), seconds(600), Duration::MAX] {
                assert_eq!(Retry::After(wanted).after(attempt), Some(wanted));
            }
        }
        assert_eq!(Retry::Never.after(1), None);
    }

    fn refusal(pause: Duration) -> Result<(), Fault> {
        Err(Fault {
            kind: ErrorType::Other,
            what: "refused".to_owned(),
            retry: Retry::After(pause),
        })
    }

    #[test]
    fn a_pause_that_a_collector_asked_for_holds_for_the_next_batch_too() {
        let retries =
            Retries::new("http://c".to_owned(), Some(Duration::from_secs(2)), Arc::default());
        let begun = Instant::now();
        // Beyond the time of the batch, which is given up at once.
        assert_eq!(retries.run(|_| refusal(Duration::MAX)), Err(Failure::all("refused")));
        assert_eq!(retries.run(|_| Ok(Instant::now() - begun >= Duration::from_secs(1))), Ok(true));
    }

    #[test]
    fn a_collector_that_asks_for_years_does_not_keep_a_batch_without_a_limit() {
        let retries = Retries::new("http://c".to_owned(), None, Arc::default());
        let years = Duration::from_secs(3 * 365 * 24 * 3600);
        assert_eq!(retries.run(|_| refusal(years)), Err(Failure::all("refused")));
    }

    #[test]
    fn a_batch_that_pauses_beyond_the_end_is_tried_once_more_when_it_begins() {
        let deadline = Arc::new(Deadline::default());
        let limit = Duration::from_secs(100);
        let retries = Retries::new("http://c".to_owned(), Some(limit), Arc::clone(&deadline));
        let mut tried = 0;
        let result = retries.run(|_| {
            tried += 1;
            if tried == 2 {
                return Ok(());
            }
            let deadline = Arc::clone(&deadline);
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(50));
                deadline.begin(after(Duration::from_secs(20)));
            });
            refusal(Duration::from_secs(60))
        });
        assert_eq!((result, tried), (Ok(()), 2));
        // Before the deadline, which is still to come.
        assert!(deadline.at_most(after(Duration::MAX)) > Instant::now() + Duration::from_secs(5));
    }

    #[test]
    fn a_pause_ends_when_everything_ends() {
        let deadline = Arc::new(Deadline::default());
        let retries = Retries::new("http://c".to_owned(), None, Arc::clone(&deadline));
        retries.begin_pause(Duration::MAX);
        deadline.begin(after(Duration::from_secs(60)));
        let begun = Instant::now();
        assert_eq!(retries.run(|_| Ok(())), Ok(()));
        // Half a minute otherwise.
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}

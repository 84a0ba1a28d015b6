//! The variables of batch processing.

use std::time::Duration;

use crate::env::{self, Env};
use crate::error::InitError;
use crate::shown::Shown;

/// How many bytes may wait or be under way for each place in a queue whose size was set.
///
/// That is more than the span of an HTTP request takes. Without a limit, two thousand places keep
/// 120 MB if a client sends 60 KB in each request.
pub(crate) const BYTES_PER_PLACE: usize = 3 * 1024;
/// The bounds of a queue whose size was not set: it is the bytes that count.
const PLACES: u32 = 32_768;
const BYTES: usize = 7 * 1024 * 1024;
/// How many items a batch holds at least before it is due, and at most if more piled up.
const BATCH: u32 = 512;
const MOST_BATCH: usize = 4096;
/// How many batches are under way at once.
pub(crate) const EXPORTS: usize = 6;

/// The variables of one signal and what they are if unset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variables {
    queue: &'static str,
    batch: &'static str,
    delay: &'static str,
    timeout: &'static str,
    default_delay: Duration,
}

pub(crate) const SPANS: Variables = Variables {
    queue: "OTEL_BSP_MAX_QUEUE_SIZE",
    batch: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    delay: "OTEL_BSP_SCHEDULE_DELAY",
    timeout: "OTEL_BSP_EXPORT_TIMEOUT",
    default_delay: Duration::from_secs(5),
};

#[cfg(feature = "logs")]
pub(crate) const LOGS: Variables = Variables {
    queue: "OTEL_BLRP_MAX_QUEUE_SIZE",
    batch: "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    delay: "OTEL_BLRP_SCHEDULE_DELAY",
    timeout: "OTEL_BLRP_EXPORT_TIMEOUT",
    default_delay: Duration::from_secs(1),
};

/// What code says about batches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) queue_size: Option<u32>,
    pub(crate) batch_size: Option<u32>,
    pub(crate) schedule_delay: Option<Duration>,
    pub(crate) export_timeout: Option<Duration>,
}

/// Batch processing as decided. No size is zero, and a batch is no larger than the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batching {
    pub(crate) queue_size: usize,
    pub(crate) queue_bytes: usize,
    /// What to set if the queue is too small.
    pub(crate) queue_variable: &'static str,
    /// With how many items a batch does not wait any longer.
    pub(crate) batch_size: usize,
    /// How many items a batch may have.
    pub(crate) most_batch: usize,
    /// How many batches may be under way at once.
    pub(crate) exports: usize,
    pub(crate) schedule_delay: Duration,
    /// For one export; zero is no limit.
    pub(crate) export_timeout: Duration,
}

impl Batching {
    pub(crate) fn decide(
        env: &Env,
        variables: Variables,
        code: Settings,
    ) -> Result<Self, InitError> {
        let Variables { queue, batch, .. } = variables;
        let zero = |name| env.text(name).is_some_and(|text| text.trim().parse() == Ok(0_u32));
        for (name, code) in [(queue, code.queue_size), (batch, code.batch_size)] {
            if code == Some(0) || code.is_none() && zero(name) {
                let allowed = "it must be at least 1, or nothing is ever exported";
                return Err(InitError::configuration(name, &Shown::value("0"), allowed));
            }
        }
        let set = |code: Option<u32>, name| {
            code.or_else(|| env.read(&[name], env::integer(1)).map(|found| found.value))
        };
        let is_queue_set = set(code.queue_size, queue).is_some();
        let is_batch_set = set(code.batch_size, batch).is_some();
        let queue_size = env.pick(&[queue], code.queue_size, env::integer(1), PLACES);
        let default = BATCH.min(queue_size);
        let mut batch_size = env.pick(&[batch], code.batch_size, env::integer(1), default);
        if batch_size > queue_size {
            env.warn(format!(
                "{batch}={batch_size} is more than {queue}={queue_size}: batches are of {queue_size}"
            ));
            batch_size = queue_size;
        }
        let schedule_delay = env.pick(
            &[variables.delay],
            code.schedule_delay,
            env::milliseconds(0),
            variables.default_delay,
        );
        let export_timeout = env.pick(
            &[variables.timeout],
            code.export_timeout,
            env::milliseconds(0),
            Duration::from_secs(30),
        );
        let queue_size = queue_size.try_into().unwrap_or(usize::MAX);
        let batch_size = batch_size.try_into().unwrap_or(usize::MAX);
        Ok(Self {
            queue_size,
            queue_bytes: if is_queue_set {
                queue_size.saturating_mul(BYTES_PER_PLACE)
            } else {
                BYTES
            },
            queue_variable: queue,
            batch_size,
            most_batch: if is_batch_set { batch_size } else { MOST_BATCH },
            exports: EXPORTS,
            schedule_delay,
            export_timeout,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(variables: &[(&str, &str)]) -> [usize; 4] {
        let env = Env::of(variables);
        let found = Batching::decide(&env, SPANS, Settings::default()).unwrap();
        assert_eq!(env.take_warnings(), Vec::<String>::new());
        [found.queue_size, found.queue_bytes, found.batch_size, found.most_batch]
    }

    #[test]
    fn sizes_that_are_set_are_kept_and_others_follow_the_load() {
        assert_eq!(sizes(&[]), [32_768, 7 * 1024 * 1024, 512, 4096]);
        assert_eq!(sizes(&[(SPANS.queue, "100")]), [100, 300 * 1024, 100, 4096]);
        assert_eq!(sizes(&[(SPANS.batch, "64")]), [32_768, 7 * 1024 * 1024, 64, 64]);
    }
}

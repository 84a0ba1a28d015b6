//! The variables of batch processing.

use std::time::Duration;

use crate::env::{self, Env};
use crate::error::InitError;

const QUEUE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
const BATCH: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";

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
    pub(crate) batch_size: usize,
    pub(crate) schedule_delay: Duration,
    /// For one export; zero is no limit.
    pub(crate) export_timeout: Duration,
}

impl Batching {
    pub(crate) fn decide(env: &Env, code: Settings) -> Result<Self, InitError> {
        let zero = |name| env.text(name).is_some_and(|text| text.trim().parse() == Ok(0_u32));
        for (name, code) in [(QUEUE, code.queue_size), (BATCH, code.batch_size)] {
            if code == Some(0) || code.is_none() && zero(name) {
                let allowed = "it must be at least 1, or no span is ever exported";
                return Err(InitError::configuration(name, "0", allowed));
            }
        }
        let queue_size = env.pick(&[QUEUE], code.queue_size, env::integer(1), 2048);
        let default = 512.min(queue_size);
        let mut batch_size = env.pick(&[BATCH], code.batch_size, env::integer(1), default);
        if batch_size > queue_size {
            env.warn(format!(
                "{BATCH}={batch_size} is more than {QUEUE}={queue_size}: batches are of {queue_size}"
            ));
            batch_size = queue_size;
        }
        let schedule_delay = env.pick(
            &["OTEL_BSP_SCHEDULE_DELAY"],
            code.schedule_delay,
            env::milliseconds(0),
            Duration::from_secs(5),
        );
        let export_timeout = env.pick(
            &["OTEL_BSP_EXPORT_TIMEOUT"],
            code.export_timeout,
            env::milliseconds(0),
            Duration::from_secs(30),
        );
        Ok(Self {
            queue_size: queue_size.try_into().unwrap_or(usize::MAX),
            batch_size: batch_size.try_into().unwrap_or(usize::MAX),
            schedule_delay,
            export_timeout,
        })
    }
}

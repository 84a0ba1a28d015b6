//! The variables of batch processing.

use std::time::Duration;

use tracewire_export::Batch;
use tracewire_export::wiring::Shown;

use crate::env::{self, Env};
use crate::error::InitError;

/// The variables of one signal and what they are if unset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variables {
    queue: &'static str,
    batch: &'static str,
    delay: &'static str,
    timeout: &'static str,
    /// What holds where nothing is set.
    defaults: fn() -> Batch,
}

pub(crate) const SPANS: Variables = Variables {
    queue: "OTEL_BSP_MAX_QUEUE_SIZE",
    batch: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    delay: "OTEL_BSP_SCHEDULE_DELAY",
    timeout: "OTEL_BSP_EXPORT_TIMEOUT",
    defaults: Batch::spans,
};

#[cfg(feature = "logs")]
pub(crate) const LOGS: Variables = Variables {
    queue: "OTEL_BLRP_MAX_QUEUE_SIZE",
    batch: "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    delay: "OTEL_BLRP_SCHEDULE_DELAY",
    timeout: "OTEL_BLRP_EXPORT_TIMEOUT",
    defaults: Batch::logs,
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
pub(crate) fn batch(env: &Env, variables: Variables, code: Settings) -> Result<Batch, InitError> {
    let Variables { queue, batch, delay, timeout, defaults } = variables;
    let defaults = defaults();
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
    let queue_size =
        env.pick(&[queue], code.queue_size, env::integer(1), size(defaults.queue_size));
    let default = size(defaults.batch_size).min(queue_size);
    let mut batch_size = env.pick(&[batch], code.batch_size, env::integer(1), default);
    if batch_size > queue_size {
        env.warn(format!(
            "{batch}={batch_size} is more than {queue}={queue_size}: batches are of {queue_size}"
        ));
        batch_size = queue_size;
    }
    let batch_size = batch_size.try_into().unwrap_or(usize::MAX);
    let mut decided = defaults;
    if is_queue_set {
        decided = decided.with_queue_size(queue_size.try_into().unwrap_or(usize::MAX));
    }
    decided.queue_setting = queue;
    decided.batch_size = batch_size;
    if is_batch_set {
        decided.max_batch_size = batch_size;
    }
    decided.delay = env.pick(&[delay], code.schedule_delay, env::milliseconds(0), defaults.delay);
    decided.timeout =
        env.pick(&[timeout], code.export_timeout, env::milliseconds(0), defaults.timeout);
    Ok(decided)
}

/// A size as variables have it.
fn size(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(variables: &[(&str, &str)]) -> [usize; 4] {
        let env = Env::of(variables);
        let found = batch(&env, SPANS, Settings::default()).unwrap();
        assert_eq!(env.take_warnings(), Vec::<String>::new());
        [found.queue_size, found.queue_bytes, found.batch_size, found.max_batch_size]
    }

    #[test]
    fn sizes_that_are_set_are_kept_and_others_follow_the_load() {
        assert_eq!(sizes(&[]), [32_768, 7 * 1024 * 1024, 512, 4096]);
        assert_eq!(sizes(&[(SPANS.queue, "100")]), [100, 300 * 1024, 100, 4096]);
        assert_eq!(sizes(&[(SPANS.batch, "64")]), [32_768, 7 * 1024 * 1024, 64, 64]);
    }
}

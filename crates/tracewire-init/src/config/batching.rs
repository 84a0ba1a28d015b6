//! How spans and log records wait for their export.

use tracewire_export::Batch;
use tracewire_export::wiring::Shown;

use crate::builder::Batching;
use crate::error::InitError;
use crate::plan::{Origin, Plan};
use crate::settings::{Given, Setting};

/// The variables of one signal and what holds if they are unset.
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

pub(crate) const LOGS: Variables = Variables {
    queue: "OTEL_BLRP_MAX_QUEUE_SIZE",
    batch: "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    delay: "OTEL_BLRP_SCHEDULE_DELAY",
    timeout: "OTEL_BLRP_EXPORT_TIMEOUT",
    defaults: Batch::logs,
};

/// Batch processing as decided. No size is zero, and a batch is no larger than the queue.
///
/// # Errors
///
/// A size is zero.
pub(crate) fn batch(
    given: Batching,
    variables: &Variables,
    plan: &mut Plan,
) -> Result<Batch, InitError> {
    let Variables { queue, batch, delay, timeout, defaults } = *variables;
    let mut decided = defaults();
    refuse_zero(&given.queue_size, queue, "Batching::queue_size")?;
    refuse_zero(&given.batch_size, batch, "Batching::batch_size")?;
    let (has_queue, has_batch) = (given.queue_size.is_some(), given.batch_size.is_some());
    let queue_size = plan.pick(queue, given.queue_size, size(decided.queue_size));
    let default = size(decided.batch_size).min(queue_size);
    let mut batch_size = plan.pick(batch, given.batch_size, default);
    if batch_size > queue_size {
        plan.warn(format!(
            "{batch}={batch_size} is more than {queue}={queue_size}: batches have {queue_size} items"
        ));
        batch_size = queue_size;
    }
    if has_queue {
        decided = decided.with_queue_size(queue_size.try_into().unwrap_or(usize::MAX));
    }
    decided.queue_setting = queue;
    decided.batch_size = batch_size.try_into().unwrap_or(usize::MAX);
    if has_batch {
        decided.max_batch_size = decided.batch_size;
    }
    decided.delay = plan.pick(delay, given.delay, decided.delay);
    decided.timeout = plan.pick(timeout, given.timeout, decided.timeout);
    Ok(decided)
}

fn refuse_zero(given: &Setting<u32>, variable: &str, in_code: &str) -> Result<(), InitError> {
    match given {
        Some(Given { value: 0, origin }) => {
            let name = if *origin == Origin::Code { in_code } else { variable };
            let allowed = "it must be at least 1, or nothing is ever exported";
            Err(InitError::configuration(name, &Shown::value("0"), allowed))
        }
        _ => Ok(()),
    }
}

/// A size as variables have it.
fn size(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(variables: &[(&str, &str)]) -> [usize; 4] {
        let given = |name| {
            let text = variables.iter().find(|(variable, _)| *variable == name);
            text.and_then(|(_, text)| crate::settings::from_variable(name, text.parse().unwrap()))
        };
        let batching = Batching {
            queue_size: given(SPANS.queue),
            batch_size: given(SPANS.batch),
            ..Batching::default()
        };
        let mut plan = Plan::default();
        let found = batch(batching, &SPANS, &mut plan).unwrap();
        assert_eq!(plan.warnings().count(), 0);
        [found.queue_size, found.queue_bytes, found.batch_size, found.max_batch_size]
    }

    #[test]
    fn sizes_that_are_set_are_kept_and_others_follow_the_load() {
        assert_eq!(sizes(&[]), [32_768, 10 * 1024 * 1024, 512, 4096]);
        assert_eq!(sizes(&[(SPANS.queue, "100")]), [100, 300 * 1024, 100, 4096]);
        assert_eq!(sizes(&[(SPANS.batch, "64")]), [32_768, 10 * 1024 * 1024, 64, 64]);
    }
}

//! The settings of batch processing.

use crate::error::ExportError;
use std::time::Duration;

/// How many bytes may wait or be under way for each place in a queue whose size was set.
///
/// That is more than the span of an HTTP request takes. Without a limit, two thousand places keep
/// 120 MB if a client sends 60 KB in each request.
pub(super) const BYTES_PER_PLACE: usize = 3 * 1024;
/// How many batches are under way at once.
pub(crate) const CONCURRENT_EXPORTS: usize = 16;

/// How items wait for one exporter, and how they are exported together.
///
/// ```
/// use std::time::Duration;
/// use tracewire_export::Batch;
///
/// let mut batch = Batch::spans();
/// batch.delay = Duration::from_secs(1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// How many items may wait, at least 1; 32,768 unless set. What finds no room is dropped and
    /// counted.
    pub queue_size: usize,
    /// How many bytes may wait and be under way, at least 1; 10 MiB unless set. An item counts with
    /// all that it holds on the heap.
    pub queue_bytes: usize,
    /// With how many items a batch does not wait any longer, at least 1; 512 unless set.
    pub batch_size: usize,
    /// How many items a batch may have if more have piled up; 4,096 unless set.
    pub max_batch_size: usize,
    /// How many batches may be under way at once; 16 unless set. Each has a thread, which is started
    /// when all others wait for an answer.
    pub concurrent_exports: usize,
    /// How long an item waits for its batch to fill: 5 seconds for spans and 1 second for log
    /// records unless set.
    pub delay: Duration,
    /// How long one export may take, retries included; 30 seconds unless set, and zero is no limit.
    /// The exporter's own timeout counts as well.
    pub timeout: Duration,
    /// What to change if the queue is too small, for the message about dropped items.
    pub queue_setting: &'static str,
}

impl Batch {
    /// The defaults for spans.
    pub fn spans() -> Self {
        Self {
            queue_size: 32_768,
            queue_bytes: 10 * 1024 * 1024,
            batch_size: 512,
            max_batch_size: 4096,
            concurrent_exports: CONCURRENT_EXPORTS,
            delay: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            queue_setting: "Batch::queue_size",
        }
    }

    /// The defaults for log records.
    pub fn logs() -> Self {
        Self { delay: Duration::from_secs(1), ..Self::spans() }
    }

    /// Bounds the queue to so many items, and to 3 KiB for each of them.
    pub fn with_queue_size(mut self, items: usize) -> Self {
        self.queue_size = items;
        self.queue_bytes = items.saturating_mul(BYTES_PER_PLACE);
        self
    }

    /// The settings as the queue needs them.
    ///
    /// # Errors
    ///
    /// A size is zero, so that nothing would ever be exported.
    pub(crate) fn checked(self) -> Result<Self, ExportError> {
        for (setting, size) in [
            ("queue_size", self.queue_size),
            ("queue_bytes", self.queue_bytes),
            ("batch_size", self.batch_size),
        ] {
            if size == 0 {
                let allowed = "it must be at least 1, or nothing is ever exported";
                return Err(ExportError::configuration(setting, "0", allowed));
            }
        }
        let batch_size = self.batch_size.min(self.queue_size);
        Ok(Self {
            batch_size,
            max_batch_size: self.max_batch_size.max(batch_size),
            concurrent_exports: self.concurrent_exports.max(1),
            ..self
        })
    }
}

/// The shorter of two limits, of which zero is none.
pub(crate) fn shorter(one: Duration, other: Duration) -> Option<Duration> {
    [one, other].into_iter().filter(|limit| !limit.is_zero()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_zero_are_errors_that_name_them() {
        for (batch, setting) in [
            (Batch { queue_size: 0, ..Batch::spans() }, "queue_size"),
            (Batch { queue_bytes: 0, ..Batch::logs() }, "queue_bytes"),
            (Batch { batch_size: 0, ..Batch::spans() }, "batch_size"),
        ] {
            let error = batch.checked().unwrap_err();
            assert_eq!(error.setting(), Some(setting));
            assert!(error.is_configuration());
        }
    }

    #[test]
    fn a_batch_is_no_larger_than_its_queue() {
        let batch = Batch::spans().with_queue_size(10).checked().unwrap();
        assert_eq!((batch.batch_size, batch.queue_bytes), (10, 10 * BYTES_PER_PLACE));
        assert_eq!(batch.max_batch_size, 4096);
    }

    #[test]
    fn the_shorter_limit_counts_and_zero_is_none() {
        let second = Duration::from_secs(1);
        assert_eq!(shorter(Duration::ZERO, Duration::ZERO), None);
        assert_eq!(shorter(second, Duration::ZERO), Some(second));
        assert_eq!(shorter(second, 2 * second), Some(second));
    }
}

//! Settings of batches.

use std::time::Duration;

use crate::settings::{Setting, in_code, settings};

settings! {
    /// How spans or log records wait for their export: for a signal ([`Traces::batching`] and
    /// [`Logs::batching`]), or for one exporter ([`TracesExporter::batching`] and its like).
    ///
    /// [`Traces::batching`]: crate::Traces::batching
    /// [`Logs::batching`]: crate::Logs::batching
    /// [`TracesExporter::batching`]: crate::TracesExporter::batching
    ///
    /// ```
    /// use std::time::Duration;
    /// use tracewire_init::{Batching, Telemetry, Traces};
    ///
    /// let batching = Batching::new().batch_size(2048).delay(Duration::from_secs(1));
    /// let builder = Telemetry::builder().traces(Traces::new().batching(batching));
    /// ```
    #[derive(Clone)]
    pub struct Batching {
        queue_size: Setting<u32>,
        batch_size: Setting<u32>,
        delay: Setting<Duration>,
        timeout: Setting<Duration>,
    }
}

impl Batching {
    /// Makes settings of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many items may wait for an exporter (`OTEL_BSP_MAX_QUEUE_SIZE`,
    /// `OTEL_BLRP_MAX_QUEUE_SIZE`), at most 3 KiB for each. Unless set, what may wait is bounded by its
    /// bytes: 10 MiB. Zero is an error of [`init`](crate::Builder::init).
    pub fn queue_size(mut self, items: u32) -> Self {
        self.queue_size = in_code(items);
        self
    }

    /// Sets how many items are exported at once (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`,
    /// `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`); 512 unless set, and then up to 4096 when more have piled up.
    /// Zero is an error of [`init`](crate::Builder::init).
    pub fn batch_size(mut self, items: u32) -> Self {
        self.batch_size = in_code(items);
        self
    }

    /// Sets how long an item waits for its batch to fill (`OTEL_BSP_SCHEDULE_DELAY`,
    /// `OTEL_BLRP_SCHEDULE_DELAY`); five seconds for spans and one for log records unless set.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = in_code(delay);
        self
    }

    /// Sets how long one export may take, retries included (`OTEL_BSP_EXPORT_TIMEOUT`,
    /// `OTEL_BLRP_EXPORT_TIMEOUT`); half a minute unless set, and zero is no limit. The shorter one of
    /// this and [`Otlp::timeout`](crate::Otlp::timeout) counts.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = in_code(timeout);
        self
    }

    /// Whether none is set.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { queue_size, batch_size, delay, timeout } = self;
        queue_size.is_none() && batch_size.is_none() && delay.is_none() && timeout.is_none()
    }
}

//! What takes spans besides the queues of exporters.

use opentelemetry::trace::SpanContext;
use opentelemetry_sdk::{Resource, error::OTelSdkResult, trace::SpanData};
use std::{fmt, sync::Arc, time::Instant};

/// Takes sampled spans as they start and end, beside the exporters of a
/// [`BatchSpanProcessor`](crate::BatchSpanProcessor).
///
/// The console is one, and a page that shows recent traces would be another. Every method is called on
/// the thread that starts or ends the span, so it must neither block, take long nor panic. A span is shared
/// with the queues of exporters: keep its pointer, do not clone the span.
///
/// ```
/// use opentelemetry_sdk::trace::SpanData;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use tracewire_export::{BatchSpanProcessor, Exports, SpanSink};
///
/// /// Counts the spans that ended.
/// #[derive(Debug, Default)]
/// struct Ended(AtomicUsize);
///
/// impl SpanSink for Ended {
///     fn offer(&self, _span: &Arc<SpanData>, _bytes: usize) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
///
/// let ended = Arc::new(Ended::default());
/// let processor = BatchSpanProcessor::new(&Exports::new()).sink(ended.clone());
/// ```
pub trait SpanSink: fmt::Debug + Send + Sync + 'static {
    /// Notes that a span starts. Does nothing unless implemented.
    fn start(&self, _span: &SpanContext) {}

    /// Takes a span that has ended, which keeps about so many `bytes` of memory.
    fn offer(&self, span: &Arc<SpanData>, bytes: usize);

    /// Takes the provider's resource, once, before the first span. Does nothing unless implemented.
    fn set_resource(&self, _resource: &Resource) {}

    /// Lets go of what waits, by `deadline`. May block until then. Does nothing unless implemented.
    ///
    /// # Errors
    ///
    /// If it is not done by the deadline.
    fn flush(&self, _deadline: Instant) -> OTelSdkResult {
        Ok(())
    }

    /// Does the same for the last time. [Flushes](Self::flush) unless implemented.
    ///
    /// # Errors
    ///
    /// If it is not done by the deadline.
    fn shutdown(&self, deadline: Instant) -> OTelSdkResult {
        self.flush(deadline)
    }
}

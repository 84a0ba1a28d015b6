//! One line for programs whose log lines have no trace ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingResult, ShouldSample};
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

use tracewire_export::wiring::log;

/// Looks at the subscriber of `tracing` when spans start, until there is one.
///
/// The subscriber may be set after telemetry, so the first span that finds one is the earliest moment.
#[derive(Clone, Debug)]
pub(crate) struct NoIds {
    inner: Box<dyn ShouldSample>,
    looked: Arc<AtomicBool>,
}

impl NoIds {
    pub(crate) fn new(inner: impl Into<Box<dyn ShouldSample>>) -> Self {
        Self { inner: inner.into(), looked: Arc::default() }
    }

    #[cold]
    fn look(&self) {
        let without_ids = tracing::dispatcher::get_default(|subscriber| {
            let is_set = !subscriber.is::<NoSubscriber>();
            is_set.then(|| tracewire_tracing::writes_without_ids(subscriber))
        });
        let Some(without_ids) = without_ids else { return };
        if !self.looked.swap(true, Ordering::Relaxed) && without_ids {
            say();
        }
    }
}

impl ShouldSample for NoIds {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        if !self.looked.load(Ordering::Relaxed) {
            self.look();
        }
        self.inner.should_sample(parent_context, trace_id, name, span_kind, attributes, links)
    }
}

fn say() {
    let message = "log lines have no trace ids unless your own format adds them: write \
                   tracing_subscriber::fmt().map_event_format(TraceIds::new).init(), or set \
                   TRACEWIRE_LOG=text and no subscriber of your own";
    if tracing::enabled!(target: "tracewire", tracing::Level::WARN) {
        log::warn(message);
    } else {
        // `fmt::init()` without RUST_LOG takes errors only; this is none, and should be seen.
        tracing::dispatcher::with_default(&Dispatch::none(), || log::warn(message));
    }
}

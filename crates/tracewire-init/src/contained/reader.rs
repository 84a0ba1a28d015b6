//! Readers of metrics.

use std::sync::Weak;
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, Pipeline, Temporality};

use super::Caller;

/// `reader`, whose panics cost what it would have done and nothing else.
pub(crate) fn reader(reader: impl MetricReader) -> impl MetricReader {
    Contained { reader, caller: Caller::new("a metric reader") }
}

#[derive(Debug)]
struct Contained<R> {
    reader: R,
    caller: Caller,
}

impl<R: MetricReader> MetricReader for Contained<R> {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.caller.call(|| self.reader.register_pipeline(pipeline));
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.caller.result(|| self.reader.collect(metrics))
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.caller.result(|| self.reader.force_flush())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.caller.result(|| self.reader.shutdown_with_timeout(timeout))
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.caller.call(|| self.reader.temporality(kind)).unwrap_or_default()
    }
}

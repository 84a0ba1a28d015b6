//! Exporters of metrics.

use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;

use super::Caller;

/// `exporter`, of which a panic costs one export.
pub(crate) fn metric_exporter(exporter: impl PushMetricExporter) -> impl PushMetricExporter {
    Contained { exporter, caller: Caller::new("a metric exporter") }
}

struct Contained<E> {
    exporter: E,
    caller: Caller,
}

impl<E: PushMetricExporter> PushMetricExporter for Contained<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.caller.exported(|| self.exporter.export(metrics)).await
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.caller.result(|| self.exporter.force_flush())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.caller.result(|| self.exporter.shutdown_with_timeout(timeout))
    }

    fn temporality(&self) -> Temporality {
        self.caller.call(|| self.exporter.temporality()).unwrap_or_default()
    }
}

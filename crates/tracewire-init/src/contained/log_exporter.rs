//! Exporters of log records.

use std::time::Duration;

use opentelemetry::logs::Severity;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter};

use super::Caller;

/// `exporter`, of which a panic costs one export.
pub(crate) fn log_exporter(exporter: impl LogExporter + 'static) -> impl LogExporter {
    Contained { exporter, caller: Caller::new("a log exporter") }
}

#[derive(Debug)]
struct Contained<E> {
    exporter: E,
    caller: Caller,
}

impl<E: LogExporter> LogExporter for Contained<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        self.caller.exported(|| self.exporter.export(batch)).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.caller.result(|| self.exporter.shutdown_with_timeout(timeout))
    }

    fn event_enabled(&self, level: Severity, target: &str, name: Option<&str>) -> bool {
        self.caller.call(|| self.exporter.event_enabled(level, target, name)).unwrap_or(true)
    }

    fn set_resource(&mut self, resource: &Resource) {
        let exporter = &mut self.exporter;
        self.caller.call(|| exporter.set_resource(resource));
    }
}

//! Without the cargo feature `live`: no page, and nothing on the way of a request.

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::MeterProviderBuilder;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::trace::{ShouldSample, TracerProviderBuilder};
use tracewire_export::{BatchSpanProcessor, ConsoleExporter, Exports};

use super::Live;
use crate::config::Config;

/// The page of another telemetry, which has none either.
pub(crate) enum SharedPage {}

/// A page that does not exist.
pub(crate) enum LivePages {}

impl LivePages {
    pub(crate) fn start(_live: Live, _resource: &Resource, _exports: &Exports) -> Option<Self> {
        None
    }

    pub(crate) fn prepare(&self, _config: &mut Config) {
        match *self {}
    }

    pub(crate) fn read_through(
        &self,
        _provider: MeterProviderBuilder,
        _reader: impl MetricReader,
    ) -> MeterProviderBuilder {
        match *self {}
    }

    pub(crate) fn reader(&self, _provider: MeterProviderBuilder) -> MeterProviderBuilder {
        match *self {}
    }

    pub(crate) fn spans(&self, _processor: BatchSpanProcessor) -> BatchSpanProcessor {
        match *self {}
    }

    pub(crate) fn sampled_by(
        &self,
        _provider: TracerProviderBuilder,
        _sampler: impl ShouldSample + Clone + 'static,
    ) -> TracerProviderBuilder {
        match *self {}
    }

    pub(crate) fn serve(&mut self, _console: &ConsoleExporter) {
        match *self {}
    }
}

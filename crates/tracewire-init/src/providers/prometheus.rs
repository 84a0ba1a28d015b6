//! The page for Prometheus.

use opentelemetry_sdk::metrics::MeterProviderBuilder;
use tracewire_exemplar::Exemplars;
use tracewire_export::{Exports, PrometheusExporter, PrometheusServer, PrometheusService};

use super::Making;
use crate::Telemetry;
use crate::config::prometheus::Prometheus;
use crate::error::InitError;

/// What to set if nothing can listen there.
const VARIABLES: &str = "OTEL_EXPORTER_PROMETHEUS_HOST, OTEL_EXPORTER_PROMETHEUS_PORT";

/// What reads metrics and shows them.
pub(crate) struct Page {
    exporter: PrometheusExporter,
    /// `None` if the program mounts the page.
    _server: Option<PrometheusServer>,
}

impl Page {
    pub(super) fn start(
        settings: Prometheus,
        exemplars: Option<&Exemplars>,
        exports: &Exports,
    ) -> Result<Self, InitError> {
        let exporter = PrometheusExporter::new().counted(exports);
        let exporter = exemplars.into_iter().fold(exporter, PrometheusExporter::exemplars);
        let server = match settings.address {
            None => None,
            Some((host, port)) => {
                let started = PrometheusServer::start(&host, port, &exporter);
                Some(started.map_err(|e| InitError::export("", e).with_hint(VARIABLES))?)
            }
        };
        Ok(Self { exporter, _server: server })
    }

    pub(super) fn read_by(
        &self,
        making: &Making,
        provider: MeterProviderBuilder,
    ) -> MeterProviderBuilder {
        making.with_reader(provider, self.exporter.clone())
    }
}

impl Telemetry {
    /// The page for Prometheus as a Tower service, to mount in a server of your own; `None` unless
    /// metrics have the exporter `prometheus`. It negotiates formats as the exporter's own page does.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), tracewire_init::InitError> {
    /// use tracewire_init::{Metrics, MetricsExporter, Prometheus, Telemetry};
    ///
    /// let page = Prometheus::new().mounted(); // and no port of its own
    /// let metrics = Metrics::new().exporters([MetricsExporter::prometheus_with(page)]);
    /// let telemetry = Telemetry::builder().metrics(metrics).init()?;
    /// if let Some(service) = telemetry.prometheus_service() {
    ///     // axum::Router::new().route_service("/metrics", service)
    /// #   drop(service);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn prometheus_service(&self) -> Option<PrometheusService> {
        Some(self.running()?.page.as_ref()?.exporter.service())
    }
}

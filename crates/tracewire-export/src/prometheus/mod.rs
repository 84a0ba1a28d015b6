//! Metrics on a page that a Prometheus server reads: its formats, a service, and a server of ours.

mod connections;
mod format;
mod name;
mod page;
mod server;
mod service;

pub use self::{server::PrometheusServer, service::PrometheusService};

use self::format::Format;
use crate::{
    diagnostics::log, exports::Exports, metric_exporter::points, pipeline::counts::Counts,
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        InstrumentKind, ManualReader, Pipeline, Temporality, data::ResourceMetrics,
        reader::MetricReader,
    },
};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::sync::Semaphore;
use tracewire_exemplar::Exemplars;

/// Metrics for Prometheus: the reader of a meter provider, and the page with what it reads.
///
/// Give a clone to the provider, and mount the [`service`](Self::service) in a server of your own, or
/// start a [`PrometheusServer`].
///
/// ```
/// use opentelemetry_sdk::metrics::SdkMeterProvider;
/// use tracewire_export::PrometheusExporter;
///
/// let prometheus = PrometheusExporter::new();
/// let provider = SdkMeterProvider::builder().with_reader(prometheus.clone()).build();
/// let service = prometheus.service(); // such as `Router::route_service("/metrics", service)`
/// # drop((provider, service));
/// ```
#[derive(Clone, Debug)]
pub struct PrometheusExporter {
    reader: Arc<ManualReader>,
    /// The page is made for one request at a time.
    turn: Arc<Semaphore>,
    exemplars: Option<Exemplars>,
    counts: Option<Arc<Counts>>,
}

impl PrometheusExporter {
    /// Makes one without a provider: until it has one, there is no page.
    pub fn new() -> Self {
        let reader = ManualReader::builder().with_temporality(Temporality::Cumulative).build();
        Self {
            reader: Arc::new(reader),
            turn: Arc::new(Semaphore::new(1)),
            exemplars: None,
            counts: None,
        }
    }

    /// Shows the exemplars of this store with the buckets of histograms, where the page is in
    /// OpenMetrics: none unless set.
    ///
    /// A bucket shows the last one, and none that is older than ten minutes. Set it before clones are
    /// made.
    #[must_use]
    pub fn exemplars(mut self, exemplars: &Exemplars) -> Self {
        self.exemplars = Some(exemplars.clone());
        self
    }

    /// Counts the data points of every page for [`Exports::self_metrics`]: not unless set. Reports do
    /// not tell of them.
    ///
    /// Set it before clones are made.
    ///
    /// ```
    /// use tracewire_export::{Exports, PrometheusExporter};
    ///
    /// let prometheus = PrometheusExporter::new().counted(&Exports::new());
    /// # drop(prometheus);
    /// ```
    #[must_use]
    pub fn counted(mut self, exports: &Exports) -> Self {
        self.counts = Some(exports.counts_for_page());
        self
    }

    /// Makes a service that answers with the page, whatever path it is mounted at.
    pub fn service(&self) -> PrometheusService {
        PrometheusService::new(self.clone())
    }

    /// The page as of now; `None` if metrics cannot be collected, as after shutdown.
    fn page(&self, format: Format) -> Option<String> {
        let mut metrics = ResourceMetrics::default();
        if let Err(error) = self.reader.collect(&mut metrics) {
            log::debug(&format!("metrics cannot be collected for Prometheus: {error}"));
            return None;
        }
        let render = || page::render(&metrics, format, self.exemplars.as_ref());
        let Some(counts) = &self.counts else { return Some(render()) };
        counts.collected();
        let (points, mut page) = (points(&metrics), None);
        counts.ended(points);
        counts.export(points, || {
            page = Some(render());
            Ok(())
        });
        page
    }
}

impl Default for PrometheusExporter {
    fn default() -> Self {
        Self::new()
    }
}

impl MetricReader for PrometheusExporter {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.reader.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.reader.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.reader.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.reader.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.reader.temporality(kind)
    }
}

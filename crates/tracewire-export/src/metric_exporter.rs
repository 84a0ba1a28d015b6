//! The way of metrics to an exporter, counted.

use crate::{
    console::ConsoleExporter,
    error::ExportError,
    exports::Exports,
    otlp::{OtlpExporter, OtlpMetrics},
    pipeline::{
        counts::{Counts, unwinding},
        courier::Courier,
        deadline::{Deadline, after, margin},
        deliver::{DeliverMetrics, Dispatch},
        failure::{ErrorType, Failure},
    },
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        Temporality,
        data::{AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics},
        exporter::PushMetricExporter,
    },
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tracewire_exemplar::Exemplars;

/// Metrics on their way to one exporter.
struct Delivery {
    points: u64,
    send: Dispatch,
}

/// The ways of one provider's metrics to its exporters.
///
/// The SDK flushes and shuts down one reader after the other. So with several of them a reader is
/// done when its metrics are on their way, and what is under way is waited for here.
#[derive(Clone, Debug, Default)]
pub struct Deliveries(Arc<Mutex<Vec<Courier<Delivery>>>>);

impl Deliveries {
    /// Waits for everything that is under way, and says whether it is over.
    pub fn wait(&self, deadline: Instant) -> bool {
        self.all().iter().all(|courier| courier.wait_for_all(deadline))
    }

    fn all(&self) -> Vec<Courier<Delivery>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, courier: Courier<Delivery>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(courier);
    }
}

/// Exports metrics, as the exporter of a periodic reader.
///
/// ```no_run
/// use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
/// use tracewire_export::{Exports, MetricExporter, OtlpExporter};
///
/// # fn main() -> Result<(), tracewire_export::ExportError> {
/// let exports = Exports::new();
/// let exporter =
///     MetricExporter::otlp(&exports, OtlpExporter::new("http://localhost:4318/v1/metrics"))?;
/// let reader = PeriodicReader::builder(exporter).build();
/// let provider = SdkMeterProvider::builder().with_reader(reader).build();
/// # drop(provider);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MetricExporter {
    sink: Box<dyn DeliverMetrics>,
    counts: Arc<Counts>,
    temporality: Temporality,
    courier: Courier<Delivery>,
    deliveries: Deliveries,
    deadline: Arc<Deadline>,
}

impl MetricExporter {
    /// Makes an exporter over OTLP.
    ///
    /// # Errors
    ///
    /// If a setting cannot work.
    pub fn otlp(exports: &Exports, otlp: OtlpExporter) -> Result<Self, ExportError> {
        let (deadline, component) = (exports.deadline(), otlp.component("data points"));
        let client = otlp.client(Duration::ZERO, exports, Arc::clone(&deadline))?;
        let sink = Box::new(OtlpMetrics::new(client));
        Ok(Self::new(sink, exports.counts_for("data points", "otlp", &component), deadline))
    }

    /// Makes one that shows metrics on the console.
    pub fn console(exports: &Exports, console: &ConsoleExporter) -> Self {
        let sink = Box::new(console.clone());
        Self::new(
            sink,
            exports.counts_for("data points", "console", &ConsoleExporter::component()),
            exports.deadline(),
        )
    }

    /// Sets the temporality of what is exported: cumulative, delta or low-memory; cumulative unless
    /// set.
    pub fn temporality(mut self, temporality: Temporality) -> Self {
        self.temporality = temporality;
        self
    }

    /// Adds the exemplars of this store to histograms, each once: none unless set. The console shows
    /// none.
    pub fn exemplars(mut self, exemplars: &Exemplars) -> Self {
        self.sink.set_exemplars(exemplars.clone());
        self
    }

    /// Leaves waiting for what is under way to the owner of `deliveries`, where several readers have
    /// one provider.
    pub fn with_deliveries(mut self, deliveries: &Deliveries) -> Self {
        self.deliveries = deliveries.clone();
        self.deliveries.add(self.courier.clone());
        self
    }

    fn new(sink: Box<dyn DeliverMetrics>, counts: Arc<Counts>, deadline: Arc<Deadline>) -> Self {
        let own = Arc::clone(&counts);
        let courier = Courier::new("tracewire-metrics", move |Delivery { points, send }| {
            own.export(points, send);
        });
        let (temporality, deliveries) = (Temporality::Cumulative, Deliveries::default());
        Self { sink, counts, temporality, courier, deliveries, deadline }
    }
}

impl PushMetricExporter for MetricExporter {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.counts.collected();
        let points = points(metrics);
        self.counts.ended(points);
        let send = match unwinding(|| self.sink.prepare(metrics)) {
            Ok(send) => send,
            Err(failure) => {
                self.counts.delivered(points, Err(failure));
                return Ok(());
            }
        };
        let begun = self.courier.begin(Delivery { points, send });
        if let Some(Delivery { points, .. }) = begun.replaced {
            let reason = "an earlier export is still under way";
            self.counts.dropped(points, &Failure::of(ErrorType::Busy, reason));
        }
        if self.deliveries.all().len() <= 1 {
            // Nobody else waits for this reader.
            self.courier.wait(begun.number, after(Duration::MAX));
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.deadline.begin(after(timeout) - margin(timeout));
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        self.temporality
    }
}

/// How many data points there are.
pub(crate) fn points(metrics: &ResourceMetrics) -> u64 {
    fn of<T>(data: &MetricData<T>) -> usize {
        match data {
            MetricData::Gauge(gauge) => gauge.data_points().count(),
            MetricData::Sum(sum) => sum.data_points().count(),
            MetricData::Histogram(histogram) => histogram.data_points().count(),
            MetricData::ExponentialHistogram(histogram) => histogram.data_points().count(),
        }
    }
    let points: usize = metrics
        .scope_metrics()
        .flat_map(ScopeMetrics::metrics)
        .map(|metric| match metric.data() {
            AggregatedMetrics::F64(data) => of(data),
            AggregatedMetrics::U64(data) => of(data),
            AggregatedMetrics::I64(data) => of(data),
        })
        .sum();
    points as u64
}

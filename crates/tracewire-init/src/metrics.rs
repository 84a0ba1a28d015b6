//! The way of metrics to an exporter: a periodic reader and a counted exporter.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, PeriodicReader, Stream, Temporality,
};

use crate::count::{Counts, Failure};
use crate::courier::Courier;
use crate::env::{self, Env};
use crate::queue::describe_panic;
use crate::quiet::quietly;
use crate::stop::after;

/// Takes collected metrics to where they belong.
pub(crate) trait DeliverMetrics: Send + Sync + std::fmt::Debug + 'static {
    /// Encodes metrics, and gives what sends them. May panic.
    fn prepare(&self, metrics: &ResourceMetrics) -> Dispatch;
}

/// Sends metrics. Blocks, for a bounded time; may panic.
pub(crate) type Dispatch = Box<dyn FnOnce() -> Result<(), Failure> + Send>;

/// Metrics on their way to one exporter.
pub(crate) struct Delivery {
    points: u64,
    send: Dispatch,
}

/// The ways of one provider's metrics to its exporters.
///
/// The SDK flushes and shuts down one reader after the other. So with several of them a reader is
/// done when its metrics are on their way, and what is under way is waited for here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deliveries(Arc<Mutex<Vec<Courier<Delivery>>>>);

impl Deliveries {
    /// Waits for everything that is under way, and says whether it is over.
    pub(crate) fn wait(&self, deadline: Instant) -> bool {
        self.all().iter().all(|courier| courier.wait_for_all(deadline))
    }

    fn all(&self) -> Vec<Courier<Delivery>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, counts: Arc<Counts>) -> Courier<Delivery> {
        let courier = Courier::new("tracewire-metrics", move |Delivery { points, send }| {
            let result = unwinding(send).unwrap_or_else(Err);
            counts.delivered(points, result);
        });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(courier.clone());
        courier
    }
}

/// What code says about metrics.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) interval: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) temporality: Option<Temporality>,
}

/// How often metrics are collected, and how long one export may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
}

impl Interval {
    pub(crate) fn decide(env: &Env, code: Settings) -> Self {
        let interval = env.pick(
            &["OTEL_METRIC_EXPORT_INTERVAL"],
            code.interval,
            env::milliseconds(1),
            Duration::from_secs(60),
        );
        let timeout = env.pick(
            &["OTEL_METRIC_EXPORT_TIMEOUT"],
            code.timeout,
            env::milliseconds(0),
            Duration::from_secs(30),
        );
        Self { interval, timeout }
    }

    /// The reader that carries metrics to `sink`.
    pub(crate) fn reader<S: DeliverMetrics>(
        self,
        sink: S,
        counts: Arc<Counts>,
        temporality: Temporality,
        deliveries: &Deliveries,
    ) -> PeriodicReader<CountedExporter<S>> {
        let (courier, deliveries) = (deliveries.add(Arc::clone(&counts)), deliveries.clone());
        PeriodicReader::builder(CountedExporter { sink, counts, temporality, courier, deliveries })
            .with_interval(self.interval)
            .build()
    }
}

/// `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`.
pub(crate) fn temporality(env: &Env, code: Settings) -> Temporality {
    env.pick(
        &["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"],
        code.temporality,
        env::choice(&[
            ("cumulative", Temporality::Cumulative),
            ("delta", Temporality::Delta),
            ("lowmemory", Temporality::LowMemory),
        ]),
        Temporality::Cumulative,
    )
}

/// `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`: how histograms are summarized, if
/// not with the boundaries that their instrument asks for.
pub(crate) fn histogram_aggregation(env: &Env) -> Option<Aggregation> {
    const EXPONENTIAL: Aggregation = Aggregation::Base2ExponentialHistogram {
        max_size: 160,
        max_scale: 20,
        record_min_max: true,
    };
    env.pick(
        &["OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"],
        None,
        env::choice(&[
            ("explicit_bucket_histogram", None),
            ("base2_exponential_bucket_histogram", Some(EXPONENTIAL)),
        ]),
        None,
    )
}

/// The view that gives all histograms this aggregation.
pub(crate) fn histograms_as(
    aggregation: Aggregation,
) -> impl Fn(&Instrument) -> Option<Stream> + Send + Sync + 'static {
    move |instrument| {
        if instrument.kind() != InstrumentKind::Histogram {
            return None;
        }
        Stream::builder().with_aggregation(aggregation.clone()).build().ok()
    }
}

#[derive(Debug)]
pub(crate) struct CountedExporter<S> {
    sink: S,
    counts: Arc<Counts>,
    temporality: Temporality,
    courier: Courier<Delivery>,
    deliveries: Deliveries,
}

impl<S: DeliverMetrics> PushMetricExporter for CountedExporter<S> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
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
            self.counts.dropped(points, "an earlier export is still under way");
        }
        if self.deliveries.all().len() == 1 {
            // Nobody else waits for this reader.
            self.courier.wait(begun.number, after(Duration::MAX));
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        self.temporality
    }
}

fn unwinding<R>(work: impl FnOnce() -> R) -> Result<R, Failure> {
    catch_unwind(AssertUnwindSafe(|| quietly(work)))
        .map_err(|panic| Failure::all(describe_panic(&*panic)))
}

fn points(metrics: &ResourceMetrics) -> u64 {
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

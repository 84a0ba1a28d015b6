//! The way of metrics to an exporter: a periodic reader and a counted exporter.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, PeriodicReader, Stream, Temporality,
};

use crate::count::{Counts, Failure};
use crate::env::{self, Env};
use crate::queue::describe_panic;

/// Takes collected metrics to where they belong. Blocks, for a bounded time; may panic.
pub(crate) trait DeliverMetrics: Send + Sync + std::fmt::Debug + 'static {
    fn deliver(&self, metrics: &ResourceMetrics) -> Result<(), Failure>;
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
    ) -> PeriodicReader<CountedExporter<S>> {
        PeriodicReader::builder(CountedExporter { sink, counts, temporality })
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
}

impl<S: DeliverMetrics> PushMetricExporter for CountedExporter<S> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let points = points(metrics);
        self.counts.ended(points);
        let result = catch_unwind(AssertUnwindSafe(|| {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            self.sink.deliver(metrics)
        }))
        .unwrap_or_else(|panic| Err(Failure::all(describe_panic(&*panic))));
        self.counts.delivered(points, result);
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

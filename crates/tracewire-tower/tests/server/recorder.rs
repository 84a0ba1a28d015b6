//! A layer with providers of its own, and what they recorded.

use opentelemetry::{KeyValue, trace::SpanKind};
use opentelemetry_sdk::{
    metrics::{
        InMemoryMetricExporter, PeriodicReader, SdkMeterProvider,
        data::{AggregatedMetrics, MetricData},
    },
    trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData},
};
use std::collections::BTreeMap;
use tracewire_propagation::{Baggage, Composite, TraceContext};
use tracewire_tower::ServerLayer;

/// Attributes by name, their values as text.
pub(crate) type Attributes = BTreeMap<String, String>;

/// Captures what a layer records.
pub(crate) struct Recorder {
    spans: InMemorySpanExporter,
    metrics: InMemoryMetricExporter,
    pub(crate) tracer_provider: SdkTracerProvider,
    meter_provider: SdkMeterProvider,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self::with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
    }

    pub(crate) fn with_sampler(sampler: Sampler) -> Self {
        let spans = InMemorySpanExporter::default();
        let metrics = InMemoryMetricExporter::default();
        let tracer_provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_simple_exporter(spans.clone())
            .build();
        let meter_provider = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(metrics.clone()).build())
            .build();
        Self { spans, metrics, tracer_provider, meter_provider }
    }

    pub(crate) fn layer(&self) -> ServerLayer {
        ServerLayer::new()
            .tracer_provider(self.tracer_provider.clone())
            .meter_provider(self.meter_provider.clone())
            .propagator(Composite::new().and(TraceContext::new()).and(Baggage::new()))
    }

    /// Every span ended so far, in the order of their ends.
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.spans.get_finished_spans().unwrap()
    }

    /// The only server span ended so far.
    pub(crate) fn server_span(&self) -> SpanData {
        let mut spans: Vec<_> = self.spans();
        spans.retain(|span| span.span_kind == SpanKind::Server);
        assert_eq!(spans.len(), 1, "one server span expected: {spans:#?}");
        spans.remove(0)
    }

    /// The series of `http.server.request.duration`: attributes, and how often each was recorded.
    pub(crate) fn durations(&self) -> Vec<(Attributes, u64)> {
        self.histogram("http.server.request.duration")
    }

    /// The series of a histogram of seconds.
    pub(crate) fn histogram(&self, name: &str) -> Vec<(Attributes, u64)> {
        self.points(name, |data| match data {
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => histogram
                .data_points()
                .map(|point| (attributes(point.attributes()), point.count()))
                .collect(),
            other => panic!("not a histogram of floats: {other:?}"),
        })
    }

    /// The sum of everything that `http.server.request.duration` recorded, in seconds.
    pub(crate) fn duration_sum(&self) -> f64 {
        self.points("http.server.request.duration", |data| match data {
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                histogram.data_points().map(|point| point.sum()).collect()
            }
            other => panic!("not a histogram of floats: {other:?}"),
        })
        .into_iter()
        .sum()
    }

    /// Counts and sums of a histogram of sizes.
    pub(crate) fn sizes(&self, name: &str) -> Vec<(u64, u64)> {
        self.points(name, |data| match data {
            AggregatedMetrics::U64(MetricData::Histogram(histogram)) => {
                histogram.data_points().map(|point| (point.count(), point.sum())).collect()
            }
            other => panic!("not a histogram of integers: {other:?}"),
        })
    }

    /// The series of `http.server.active_requests`: attributes and values.
    pub(crate) fn active_requests(&self) -> Vec<(Attributes, i64)> {
        self.points("http.server.active_requests", |data| match data {
            AggregatedMetrics::I64(MetricData::Sum(sum)) => sum
                .data_points()
                .map(|point| (attributes(point.attributes()), point.value()))
                .collect(),
            other => panic!("not a sum of integers: {other:?}"),
        })
    }

    fn points<T>(&self, name: &str, read: impl Fn(&AggregatedMetrics) -> Vec<T>) -> Vec<T> {
        self.metrics.reset();
        self.meter_provider.force_flush().unwrap();
        let exported = self.metrics.get_finished_metrics().unwrap();
        exported
            .iter()
            .flat_map(|resource| resource.scope_metrics())
            .flat_map(|scope| scope.metrics())
            .filter(|metric| metric.name() == name)
            .flat_map(|metric| read(metric.data()))
            .collect()
    }
}

pub(crate) fn attributes<'a>(pairs: impl IntoIterator<Item = &'a KeyValue>) -> Attributes {
    let mut map = Attributes::new();
    for pair in pairs {
        let kind = match &pair.value {
            opentelemetry::Value::I64(_) => "int ",
            _ => "",
        };
        let twice = map.insert(pair.key.to_string(), format!("{kind}{}", pair.value));
        assert_eq!(twice, None, "{} is set twice", pair.key);
    }
    map
}

/// Attributes as a test writes them.
pub(crate) fn expected<const N: usize>(pairs: [(&str, &str); N]) -> Attributes {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

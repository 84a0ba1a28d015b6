//! Providers of a test's own, and what was recorded with them.

use opentelemetry::{
    Context, KeyValue, Value,
    trace::{SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_sdk::{
    metrics::{
        InMemoryMetricExporter, PeriodicReader, SdkMeterProvider,
        data::{AggregatedMetrics, MetricData},
    },
    trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData},
};
use std::collections::BTreeMap;
use tracewire_propagation::{Baggage, Composite, TraceContext};

/// Attributes by name, their values as text.
pub(crate) type Attributes = BTreeMap<String, String>;

/// Captures what a client records.
pub(crate) struct Recorder {
    spans: InMemorySpanExporter,
    metrics: InMemoryMetricExporter,
    tracer_provider: SdkTracerProvider,
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

    pub(crate) fn tracer_provider(&self) -> SdkTracerProvider {
        self.tracer_provider.clone()
    }

    pub(crate) fn meter_provider(&self) -> SdkMeterProvider {
        self.meter_provider.clone()
    }

    /// A context with a span named `parent`, which ends with it.
    pub(crate) fn parent(&self) -> Context {
        let tracer = self.tracer_provider.tracer("test");
        Context::new().with_span(tracer.start_with_context("parent", &Context::new()))
    }

    /// Every span ended so far, in the order of their ends.
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.spans.get_finished_spans().unwrap()
    }

    /// The client spans ended so far.
    pub(crate) fn client_spans(&self) -> Vec<SpanData> {
        let mut spans = self.spans();
        spans.retain(|span| span.span_kind == SpanKind::Client);
        spans
    }

    /// The only client span ended so far.
    pub(crate) fn client_span(&self) -> SpanData {
        let mut spans = self.client_spans();
        assert_eq!(spans.len(), 1, "one client span expected: {spans:#?}");
        spans.remove(0)
    }

    /// The series of `http.client.request.duration`: attributes, and how often each was recorded.
    pub(crate) fn durations(&self) -> Vec<(Attributes, u64)> {
        self.points("http.client.request.duration", |data| match data {
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => histogram
                .data_points()
                .map(|point| (attributes(point.attributes()), point.count()))
                .collect(),
            other => panic!("not a histogram of floats: {other:?}"),
        })
    }

    /// The series of `http.client.active_requests`: attributes and values.
    pub(crate) fn active_requests(&self) -> Vec<(Attributes, i64)> {
        self.points("http.client.active_requests", |data| match data {
            AggregatedMetrics::I64(MetricData::Sum(sum)) => sum
                .data_points()
                .map(|point| (attributes(point.attributes()), point.value()))
                .collect(),
            other => panic!("not a sum of integers: {other:?}"),
        })
    }

    /// The series of a histogram of bytes: attributes and sums.
    pub(crate) fn sizes(&self, name: &str) -> Vec<(Attributes, u64)> {
        self.points(name, |data| match data {
            AggregatedMetrics::U64(MetricData::Histogram(histogram)) => histogram
                .data_points()
                .map(|point| (attributes(point.attributes()), point.sum()))
                .collect(),
            other => panic!("not a histogram of integers: {other:?}"),
        })
    }

    /// Unit and description of `http.client.request.duration`, and the sum of its first series.
    pub(crate) fn duration_instrument(&self) -> (String, String, f64) {
        self.metrics.reset();
        self.meter_provider.force_flush().unwrap();
        let exported = self.metrics.get_finished_metrics().unwrap();
        let mut metrics = exported.iter().flat_map(|resource| resource.scope_metrics());
        let metric = metrics
            .find_map(|scope| {
                scope.metrics().find(|metric| metric.name() == "http.client.request.duration")
            })
            .unwrap();
        let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else {
            panic!("not a histogram of floats: {metric:?}");
        };
        let sum = histogram.data_points().next().unwrap().sum();
        (metric.unit().to_owned(), metric.description().to_owned(), sum)
    }

    /// Starts and ends a span named `name` in the current context.
    pub(crate) fn work(&self, name: &'static str) {
        drop(self.tracer_provider.tracer("test").start(name));
    }

    /// The only span with this name.
    pub(crate) fn named(&self, name: &str) -> SpanData {
        let mut spans = self.spans();
        spans.retain(|span| span.name == name);
        assert_eq!(spans.len(), 1, "one span named {name} expected: {spans:#?}");
        spans.remove(0)
    }

    /// All that was exported, as text.
    pub(crate) fn everything(&self) -> String {
        self.metrics.reset();
        self.meter_provider.force_flush().unwrap();
        format!("{:?} {:?}", self.spans(), self.metrics.get_finished_metrics().unwrap())
    }

    pub(crate) fn points<T>(
        &self,
        name: &str,
        read: impl Fn(&AggregatedMetrics) -> Vec<T>,
    ) -> Vec<T> {
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

/// W3C Trace Context and W3C Baggage.
pub(crate) fn propagator() -> Composite {
    Composite::new().and(TraceContext::new()).and(Baggage::new())
}

pub(crate) fn attributes<'a>(pairs: impl IntoIterator<Item = &'a KeyValue>) -> Attributes {
    let mut map = Attributes::new();
    for pair in pairs {
        let value = match &pair.value {
            Value::I64(number) => format!("int {number}"),
            other => other.to_string(),
        };
        let twice = map.insert(pair.key.to_string(), value);
        assert_eq!(twice, None, "{} is set twice", pair.key);
    }
    map
}

/// Attributes as a test writes them.
pub(crate) fn expected<const N: usize>(pairs: [(&str, String); N]) -> Attributes {
    pairs.map(|(key, value)| (key.to_owned(), value)).into()
}

/// The attributes of every span of a GET that `port` of this host answered with `status`.
pub(crate) fn answered(port: u16, url: &str, status: u16) -> Attributes {
    let mut all = expected([
        ("http.request.method", "GET".into()),
        ("http.response.status_code", format!("int {status}")),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", format!("int {port}")),
        ("network.protocol.version", "1.1".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", format!("int {port}")),
        ("url.full", url.into()),
    ]);
    if status >= 400 {
        all.insert("error.type".into(), status.to_string());
    }
    all
}

/// The attributes of every span of a GET to `port` of this host that nobody answered.
pub(crate) fn unanswered(port: u16, url: &str, error: Option<&str>) -> Attributes {
    let mut all = answered(port, url, 0);
    all.retain(|key, _| !key.starts_with("network.") && key != "http.response.status_code");
    if let Some(error) = error {
        all.insert("error.type".into(), error.into());
    }
    all
}

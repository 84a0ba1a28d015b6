use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use opentelemetry::metrics::{Histogram, MeterProvider};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, Key, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::HistogramDataPoint;
use opentelemetry_sdk::metrics::{
    Aggregation, InMemoryMetricExporter, InMemoryMetricExporterBuilder, Instrument, PeriodicReader,
    SdkMeterProvider, Stream, Temporality,
};
use proptest::prelude::*;
use tracewire_exemplar::Reservoirs;

use super::*;

const BOUNDARIES: [f64; 2] = [0.1, 1.0];

/// A histogram with exemplars, and what an exporter would send.
struct Telemetry {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
    filler: Filler,
    histogram: Histogram<f64>,
    reservoirs: Reservoirs,
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("scope").with_version("1").build()
}

fn span(id: u64, is_sampled: bool) -> SpanContext {
    let flags = if is_sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let trace = TraceId::from(u128::from(id));
    SpanContext::new(trace, SpanId::from(id), flags, false, TraceState::NONE)
}

impl Telemetry {
    fn new(temporality: Temporality) -> Self {
        Self::with_view(temporality, |_| None)
    }

    fn with_view(
        temporality: Temporality,
        view: impl Fn(&Instrument) -> Option<Stream> + Send + Sync + 'static,
    ) -> Self {
        let exporter = InMemoryMetricExporterBuilder::new().with_temporality(temporality).build();
        let provider = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(exporter.clone()).build())
            .with_view(view)
            .build();
        let exemplars = Exemplars::new();
        let meter = provider.meter_with_scope(scope());
        let boundaries = BOUNDARIES.to_vec();
        let histogram = meter.f64_histogram("duration").with_boundaries(boundaries).build();
        let reservoirs = exemplars.instrument(&scope(), "duration", &BOUNDARIES);
        Self { provider, exporter, filler: Filler::new(exemplars), histogram, reservoirs }
    }

    fn measure(&self, value: f64, attributes: &[KeyValue], span: &SpanContext) {
        self.reservoirs.offer(value, attributes, span, SystemTime::now());
        self.histogram.record(value, attributes);
    }

    fn send(&self) -> ExportMetricsServiceRequest {
        self.provider.force_flush().unwrap();
        let metrics = self.exporter.get_finished_metrics().unwrap();
        self.exporter.reset();
        let mut request = ExportMetricsServiceRequest::default();
        for metrics in &metrics {
            request = ExportMetricsServiceRequest::from(metrics);
            self.filler.fill(&mut request, metrics);
        }
        request
    }

    fn points(&self) -> Vec<HistogramDataPoint> {
        let mut points = Vec::new();
        for resource in self.send().resource_metrics {
            for metric in resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
                if let Some(Data::Histogram(histogram)) = metric.data {
                    points.extend(histogram.data_points);
                }
            }
        }
        points
    }
}

fn values(points: &[HistogramDataPoint]) -> Vec<f64> {
    let exemplars = points.iter().flat_map(|point| &point.exemplars);
    let mut values: Vec<f64> = exemplars.map(value).collect();
    values.sort_by(f64::total_cmp);
    values
}

fn value(exemplar: &Exemplar) -> f64 {
    match exemplar.value {
        Some(Value::AsDouble(value)) => value,
        _ => f64::NAN,
    }
}

/// What OTLP and Prometheus want of each exemplar.
fn is_in_its_point(exemplar: &Exemplar, point: &HistogramDataPoint) -> bool {
    let bucket = point.explicit_bounds.partition_point(|&bound| bound < value(exemplar));
    let times = point.start_time_unix_nano..=point.time_unix_nano;
    point.bucket_counts[bucket] > 0 && times.contains(&exemplar.time_unix_nano)
}

#[test]
fn an_exemplar_is_sent_once_whatever_the_temporality() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let telemetry = Telemetry::new(temporality);
        let attributes = [KeyValue::new("b", 1), KeyValue::new("a", "text")];
        telemetry.measure(0.05, &attributes, &span(1, true));
        telemetry.measure(0.5, &attributes, &span(2, true));
        telemetry.measure(5.0, &attributes, &span(3, false));
        let points = telemetry.points();
        let [first, second] = &*points[0].exemplars else { panic!("{points:?}") };
        assert_eq!((value(first), value(second)), (0.05, 0.5));
        assert_eq!(first.trace_id, TraceId::from(1).to_bytes());
        assert_eq!(first.span_id, SpanId::from(1).to_bytes());
        assert!(first.filtered_attributes.is_empty());
        assert!(points[0].exemplars.iter().all(|exemplar| is_in_its_point(exemplar, &points[0])));

        telemetry.measure(0.06, &attributes, &span(4, true));
        assert_eq!(values(&telemetry.points()), [0.06], "{temporality:?}");
        assert_eq!(values(&telemetry.points()), Vec::<f64>::new());
    }
}

#[test]
fn a_renamed_instrument_has_no_exemplars() {
    let telemetry = Telemetry::with_view(Temporality::Cumulative, |_| {
        Stream::builder().with_name("renamed").build().ok()
    });
    telemetry.measure(0.5, &[], &span(1, true));
    let points = telemetry.points();
    assert_eq!((points.len(), values(&points).len()), (1, 0));
}

#[test]
fn attributes_that_a_view_drops_are_on_the_exemplar_and_the_newest_of_a_bucket_stays() {
    let telemetry = Telemetry::with_view(Temporality::Cumulative, |_| {
        Stream::builder().with_allowed_attribute_keys([Key::new("route")]).build().ok()
    });
    let measure = |value, route, host, id| {
        let attributes = [KeyValue::new("host", host), KeyValue::new("route", route)];
        telemetry.measure(value, &attributes, &span(id, true));
    };
    measure(0.5, "/a", "one", 1);
    measure(0.6, "/a", "two", 2);
    measure(0.7, "/b", "one", 3);
    let points = telemetry.points();
    assert_eq!(values(&points), [0.6, 0.7]);
    for exemplar in points.iter().flat_map(|point| &point.exemplars) {
        let [dropped] = &*exemplar.filtered_attributes else { panic!("{exemplar:?}") };
        let host = if value(exemplar) == 0.6 { "two" } else { "one" };
        assert_eq!(dropped, &KeyValue::new("host", host).into_message());
    }
}

#[test]
fn a_series_that_is_not_exported_gives_its_exemplars_to_no_other_one() {
    let telemetry = Telemetry::new(Temporality::Cumulative);
    let [route, error] = [KeyValue::new("route", "/a"), KeyValue::new("error", "timeout")];
    telemetry.measure(0.5, &[route.clone(), error.clone()], &span(1, true));
    telemetry.measure(0.6, std::slice::from_ref(&route), &span(2, false));
    // Offered and not recorded, as in the moment between the two.
    let other = KeyValue::new("error", "refused");
    telemetry.reservoirs.offer(0.7, &[route, other], &span(3, true), SystemTime::now());
    assert_eq!(values(&telemetry.points()), [0.5]);
}

#[test]
fn exemplars_of_other_boundaries_are_in_the_buckets_that_count_them() {
    let telemetry = Telemetry::with_view(Temporality::Delta, |_| {
        let boundaries = vec![0.05, 0.2, 0.3];
        let buckets = Aggregation::ExplicitBucketHistogram { boundaries, record_min_max: true };
        Stream::builder().with_aggregation(buckets).build().ok()
    });
    for (value, id) in [(0.01, 1), (0.25, 2), (2.0, 3)] {
        telemetry.measure(value, &[], &span(id, true));
    }
    let points = telemetry.points();
    assert_eq!(values(&points), [0.01, 0.25, 2.0]);
    assert!(points[0].exemplars.iter().all(|exemplar| is_in_its_point(exemplar, &points[0])));
}

#[test]
fn exponential_histograms_have_exemplars() {
    let telemetry = Telemetry::with_view(Temporality::Cumulative, |_| {
        let buckets = Aggregation::Base2ExponentialHistogram {
            max_size: 160,
            max_scale: 20,
            record_min_max: true,
        };
        Stream::builder().with_aggregation(buckets).build().ok()
    });
    for (value, id) in [(0.05, 1), (0.5, 2)] {
        telemetry.measure(value, &[], &span(id, true));
    }
    let request = telemetry.send();
    let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
    let Some(Data::ExponentialHistogram(histogram)) = &metric.data else { panic!("{metric:?}") };
    let mut found: Vec<_> = histogram.data_points[0].exemplars.iter().map(value).collect();
    found.sort_by(f64::total_cmp);
    assert_eq!(found, [0.05, 0.5]);
}

/// An attribute as a message.
trait IntoMessage {
    fn into_message(self) -> opentelemetry_proto::tonic::common::v1::KeyValue;
}

impl IntoMessage for KeyValue {
    fn into_message(self) -> opentelemetry_proto::tonic::common::v1::KeyValue {
        (&self).into()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_sent_is_sampled_counted_and_sent_once(
        steps in prop::collection::vec((0.0..2.0, any::<bool>(), 0..3_i64, prop::bool::weighted(0.2)), 0..60),
        is_delta in any::<bool>(),
    ) {
        let temporality = if is_delta { Temporality::Delta } else { Temporality::Cumulative };
        let telemetry = Telemetry::new(temporality);
        let mut seen = HashSet::new();
        let mut hit = HashSet::new();
        for ((measured, is_sampled, series, sends), id) in steps.iter().zip(1_u64..) {
            telemetry.measure(*measured, &[KeyValue::new("s", *series)], &span(id, *is_sampled));
            let bucket = |value: f64| BOUNDARIES.partition_point(|&bound| bound < value);
            if *is_sampled {
                hit.insert((*series, bucket(*measured)));
            }
            if !sends {
                continue;
            }
            for point in telemetry.points() {
                for exemplar in &point.exemplars {
                    let bytes = exemplar.span_id.clone().try_into().unwrap();
                    let id = u64::from_be_bytes(bytes);
                    let (measured, is_sampled, series, _) = &steps[id as usize - 1];
                    prop_assert!(*is_sampled);
                    prop_assert_eq!(value(exemplar), *measured);
                    prop_assert!(is_in_its_point(exemplar, &point));
                    let attributes = [KeyValue::new("s", *series).into_message()];
                    prop_assert_eq!(&*point.attributes, &attributes);
                    prop_assert!(seen.insert(id));
                    prop_assert!(hit.remove(&(*series, bucket(*measured))));
                }
            }
            prop_assert!(hit.is_empty(), "{:?}", hit);
            // Where the clock is coarse, two measurements may be of one moment.
            std::thread::sleep(Duration::from_micros(1));
        }
    }
}

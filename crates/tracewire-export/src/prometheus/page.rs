//! Metrics in Prometheus' formats, by OpenTelemetry's [compatibility rules].
//!
//! [compatibility rules]: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/

use super::{
    Format,
    name::{Name, label},
};
use crate::exemplars::{Joined, join};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};
use std::{
    collections::BTreeMap,
    fmt::{self, Display, Write as _},
    time::{Duration, SystemTime},
};
use tracewire_exemplar::Exemplars;

/// How old an exemplar may be: older traces tend to be gone.
const OLDEST: Duration = Duration::from_secs(600);

/// A metric with one name, whose series may come from several scopes.
#[derive(Default)]
struct Family {
    kind: &'static str,
    unit: String,
    help: String,
    series: String,
}

pub(super) fn render(
    metrics: &ResourceMetrics,
    format: Format,
    exemplars: Option<&Exemplars>,
) -> String {
    let exemplars = exemplars.filter(|_| format == Format::OpenMetrics);
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for scope in metrics.scope_metrics() {
        for metric in scope.metrics() {
            let exemplars = exemplars.map_or_else(Vec::new, |exemplars| {
                let after = SystemTime::now().checked_sub(OLDEST).unwrap_or(SystemTime::UNIX_EPOCH);
                join(exemplars, scope.scope(), metric, after)
            });
            add(&mut families, scope, metric, format, &exemplars);
        }
    }
    let mut page = String::new();
    let resource: Vec<KeyValue> = metrics
        .resource()
        .iter()
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()))
        .collect();
    if !resource.is_empty() {
        let (name, kind) = match format {
            Format::Text => ("target_info", "gauge"),
            Format::OpenMetrics => ("target", "info"),
        };
        let _ = writeln!(page, "# HELP {name} Target metadata.\n# TYPE {name} {kind}");
        let _ = writeln!(page, "target_info{} 1", labels(resource.iter(), None, None));
    }
    for (name, family) in families {
        if !family.help.is_empty() {
            let help = escape(&family.help, format == Format::OpenMetrics);
            let _ = writeln!(page, "# HELP {name} {help}");
        }
        let _ = writeln!(page, "# TYPE {name} {}", family.kind);
        if format == Format::OpenMetrics && !family.unit.is_empty() {
            let _ = writeln!(page, "# UNIT {name} {}", family.unit);
        }
        page.push_str(&family.series);
    }
    if format == Format::OpenMetrics {
        page.push_str("# EOF\n");
    }
    page
}

fn add(
    families: &mut BTreeMap<String, Family>,
    scope: &ScopeMetrics,
    metric: &Metric,
    format: Format,
    exemplars: &[Vec<Joined>],
) {
    let kind = match metric.data() {
        AggregatedMetrics::F64(data) => self::kind(data),
        AggregatedMetrics::U64(data) => self::kind(data),
        AggregatedMetrics::I64(data) => self::kind(data),
    };
    let Name { sample, family, unit } = Name::new(metric.name(), metric.unit(), kind, format);
    let family = families.entry(family).or_insert_with(|| Family {
        kind,
        unit,
        help: metric.description().to_owned(),
        series: String::new(),
    });
    // Two instruments of one name and different kinds: the first one stays.
    if family.kind != kind {
        return;
    }
    let (out, scope) = (&mut family.series, scope.scope());
    let mut page = Page { out, name: &sample, scope, format, exemplars };
    match metric.data() {
        AggregatedMetrics::F64(data) => page.series(data),
        AggregatedMetrics::U64(data) => page.series(data),
        AggregatedMetrics::I64(data) => page.series(data),
    }
}

fn kind<T>(data: &MetricData<T>) -> &'static str {
    match data {
        MetricData::Gauge(_) => "gauge",
        MetricData::Sum(sum) if sum.is_monotonic() => "counter",
        MetricData::Sum(_) => "gauge",
        MetricData::Histogram(_) | MetricData::ExponentialHistogram(_) => "histogram",
    }
}

/// Where the samples of one metric go.
struct Page<'a> {
    out: &'a mut String,
    name: &'a str,
    scope: &'a InstrumentationScope,
    format: Format,
    /// Of each data point.
    exemplars: &'a [Vec<Joined>],
}

impl<'a> Page<'a> {
    fn series<T: Display + Copy>(&mut self, data: &MetricData<T>) {
        match data {
            MetricData::Gauge(gauge) => {
                for point in gauge.data_points() {
                    self.sample("", point.attributes(), None, point.value());
                }
            }
            MetricData::Sum(sum) => {
                for point in sum.data_points() {
                    self.sample("", point.attributes(), None, point.value());
                }
            }
            MetricData::Histogram(histogram) => {
                for (number, point) in histogram.data_points().enumerate() {
                    let mut below = 0;
                    let bounds = point.bounds().chain([f64::INFINITY]);
                    for (bucket, (bound, count)) in bounds.zip(point.bucket_counts()).enumerate() {
                        below += count;
                        let value = WithExemplar(below, self.exemplar(number, bucket));
                        self.sample("_bucket", point.attributes(), Some(bound), value);
                    }
                    self.sample("_sum", point.attributes(), None, point.sum());
                    self.sample("_count", point.attributes(), None, point.count());
                }
            }
            // Neither format has buckets of that kind: their sum and number remain.
            MetricData::ExponentialHistogram(histogram) => {
                for (number, point) in histogram.data_points().enumerate() {
                    let all = Some(f64::INFINITY);
                    let value = WithExemplar(point.count(), self.exemplar(number, 0));
                    self.sample("_bucket", point.attributes(), all, value);
                    self.sample("_sum", point.attributes(), None, point.sum());
                    self.sample("_count", point.attributes(), None, point.count());
                }
            }
        }
    }

    /// The exemplar of a bucket of a data point.
    fn exemplar(&self, point: usize, bucket: usize) -> Option<&'a Joined> {
        self.exemplars.get(point)?.iter().find(|joined| joined.bucket == bucket)
    }

    fn sample<'b>(
        &mut self,
        suffix: &str,
        attributes: impl Iterator<Item = &'b KeyValue>,
        bound: Option<f64>,
        value: impl Display,
    ) {
        let bound = bound.map(|bound| self::bound(bound, self.format));
        let labels = labels(attributes, Some(self.scope), bound);
        let _ = writeln!(self.out, "{}{suffix}{labels} {value}", self.name);
    }
}

/// A bucket's number and its exemplar.
struct WithExemplar<'a, T>(T, Option<&'a Joined>);

impl<T: Display> Display for WithExemplar<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, joined) = self;
        write!(f, "{number}")?;
        let Some(Joined { exemplar, .. }) = joined else { return Ok(()) };
        let time = exemplar.time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (seconds, milliseconds) = (time.as_secs(), time.subsec_millis());
        write!(
            f,
            " # {{span_id=\"{}\",trace_id=\"{}\"}} {} {seconds}.{milliseconds:03}",
            exemplar.span_id, exemplar.trace_id, exemplar.value
        )
    }
}

/// A bucket's bound. OpenMetrics wants one way of writing a number, Go's.
fn bound(bound: f64, format: Format) -> String {
    if bound == f64::INFINITY {
        return "+Inf".to_owned();
    }
    let is_plain = bound == 0.0 || (1e-4..1e6).contains(&bound.abs());
    match format {
        Format::Text => bound.to_string(),
        Format::OpenMetrics if is_plain => format!("{bound:?}"),
        Format::OpenMetrics => {
            let text = format!("{bound:e}");
            // Neither NaN nor an infinity has an exponent.
            let Some((mantissa, exponent)) = text.split_once('e') else { return text };
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{mantissa}e{sign}{exponent:0>2}")
        }
    }
}

/// `{key="value",…}`, or nothing. Keys that become one by the rules for names share it.
fn labels<'a>(
    attributes: impl Iterator<Item = &'a KeyValue>,
    scope: Option<&InstrumentationScope>,
    bound: Option<String>,
) -> String {
    let mut attributes: Vec<&KeyValue> = attributes.collect();
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for attribute in attributes {
        let value = attribute.value.as_str().into_owned();
        labels
            .entry(label(attribute.key.as_str()))
            .and_modify(|other| {
                other.push(';');
                other.push_str(&value);
            })
            .or_insert(value);
    }
    if let Some(scope) = scope {
        labels.insert("otel_scope_name".to_owned(), scope.name().to_owned());
        if let Some(version) = scope.version() {
            labels.insert("otel_scope_version".to_owned(), version.to_owned());
        }
    }
    if let Some(bound) = bound {
        labels.insert("le".to_owned(), bound);
    }
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<_> =
        labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escape(value, true))).collect();
    format!("{{{}}}", pairs.join(","))
}

fn escape(text: &str, quotes: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes { text.replace('"', "\\\"") } else { text }
}

#[cfg(test)]
mod tests {
    use super::{super::PrometheusExporter, *};
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider};

    /// One of each kind, on a page in this format.
    fn page(format: Format) -> String {
        let reader = PrometheusExporter::new();
        let provider = SdkMeterProvider::builder()
            .with_reader(reader.clone())
            .with_resource(
                Resource::builder_empty()
                    .with_attribute(KeyValue::new("service.name", "shop"))
                    .build(),
            )
            .build();
        let scope = InstrumentationScope::builder("m").with_version("1.2").build();
        let meter = provider.meter_with_scope(scope);
        let attributes = [KeyValue::new("http.route", "/a\"\\\n")];
        meter.u64_counter("orders").with_description("\"Sold\".").build().add(2, &attributes);
        meter.i64_up_down_counter("active").with_unit("{request}").build().add(-1, &[]);
        meter.f64_gauge("load").with_unit("1").build().record(0.5, &[]);
        let durations = meter
            .f64_histogram("http.duration")
            .with_unit("s")
            .with_boundaries(vec![0.1, 1.0])
            .build();
        durations.record(0.05, &[]);
        durations.record(2.0, &[]);
        reader.page(format).unwrap()
    }

    #[test]
    fn each_kind_has_its_form() {
        assert_eq!(
            page(Format::Text),
            r#"# HELP target_info Target metadata.
# TYPE target_info gauge
target_info{service_name="shop"} 1
# TYPE active gauge
active{otel_scope_name="m",otel_scope_version="1.2"} -1
# TYPE http_duration_seconds histogram
http_duration_seconds_bucket{le="0.1",otel_scope_name="m",otel_scope_version="1.2"} 1
http_duration_seconds_bucket{le="1",otel_scope_name="m",otel_scope_version="1.2"} 1
http_duration_seconds_bucket{le="+Inf",otel_scope_name="m",otel_scope_version="1.2"} 2
http_duration_seconds_sum{otel_scope_name="m",otel_scope_version="1.2"} 2.05
http_duration_seconds_count{otel_scope_name="m",otel_scope_version="1.2"} 2
# TYPE load_ratio gauge
load_ratio{otel_scope_name="m",otel_scope_version="1.2"} 0.5
# HELP orders_total "Sold".
# TYPE orders_total counter
orders_total{http_route="/a\"\\\n",otel_scope_name="m",otel_scope_version="1.2"} 2
"#
        );
    }

    #[test]
    fn each_kind_has_its_form_in_openmetrics() {
        assert_eq!(
            page(Format::OpenMetrics),
            r#"# HELP target Target metadata.
# TYPE target info
target_info{service_name="shop"} 1
# TYPE active gauge
active{otel_scope_name="m",otel_scope_version="1.2"} -1
# TYPE http_duration_seconds histogram
# UNIT http_duration_seconds seconds
http_duration_seconds_bucket{le="0.1",otel_scope_name="m",otel_scope_version="1.2"} 1
http_duration_seconds_bucket{le="1.0",otel_scope_name="m",otel_scope_version="1.2"} 1
http_duration_seconds_bucket{le="+Inf",otel_scope_name="m",otel_scope_version="1.2"} 2
http_duration_seconds_sum{otel_scope_name="m",otel_scope_version="1.2"} 2.05
http_duration_seconds_count{otel_scope_name="m",otel_scope_version="1.2"} 2
# TYPE load_ratio gauge
# UNIT load_ratio ratio
load_ratio{otel_scope_name="m",otel_scope_version="1.2"} 0.5
# HELP orders \"Sold\".
# TYPE orders counter
orders_total{http_route="/a\"\\\n",otel_scope_name="m",otel_scope_version="1.2"} 2
# EOF
"#
        );
    }

    #[test]
    fn buckets_show_their_last_exemplar_in_openmetrics_only() {
        use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

        let exemplars = Exemplars::new();
        let reader = PrometheusExporter::new().exemplars(&exemplars);
        let provider = SdkMeterProvider::builder()
            .with_reader(reader.clone())
            .with_resource(Resource::builder_empty().build())
            .build();
        let scope = InstrumentationScope::builder("m").build();
        let meter = provider.meter_with_scope(scope.clone());
        let histogram = meter.f64_histogram("d").with_boundaries(vec![0.1, 1.0]).build();
        let reservoirs = exemplars.instrument(&scope, "d", &[0.1, 1.0]);
        let now = SystemTime::now();
        for (value, id, age) in [(0.05, 1, 0), (0.5, 2, 0), (2.0, 3, 601)] {
            let (trace, span) = (TraceId::from(id), SpanId::from(id as u64));
            let span = SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE);
            histogram.record(value, &[]);
            reservoirs.offer(value, &[], &span, now - Duration::from_secs(age));
        }
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let time = format!("{}.{:03}", seconds.as_secs(), seconds.subsec_millis());
        let buckets = format!(
            r#"d_bucket{{le="0.1",otel_scope_name="m"}} 1 # {{span_id="0000000000000001",trace_id="00000000000000000000000000000001"}} 0.05 {time}
d_bucket{{le="1.0",otel_scope_name="m"}} 2 # {{span_id="0000000000000002",trace_id="00000000000000000000000000000002"}} 0.5 {time}
d_bucket{{le="+Inf",otel_scope_name="m"}} 3
"#
        );
        let page = reader.page(Format::OpenMetrics).unwrap();
        assert!(page.contains(&buckets), "{page}");
        assert_eq!(
            reader.page(Format::OpenMetrics).unwrap(),
            page,
            "a second reader sees them too"
        );
        let text = reader.page(Format::Text).unwrap();
        assert!(!text.contains("trace_id"), "{text}");
    }

    #[test]
    fn bounds_are_written_as_go_does_in_openmetrics() {
        for (number, text, open) in [
            (0.0, "0", "0.0"),
            (0.005, "0.005", "0.005"),
            (10.0, "10", "10.0"),
            (1e6, "1000000", "1e+06"),
            (1.5e7, "15000000", "1.5e+07"),
            (1e-5, "0.00001", "1e-05"),
            (f64::INFINITY, "+Inf", "+Inf"),
            (f64::NAN, "NaN", "NaN"),
        ] {
            assert_eq!(bound(number, Format::Text), text);
            assert_eq!(bound(number, Format::OpenMetrics), open);
        }
    }

    #[test]
    fn keys_that_become_one_share_their_label() {
        let attributes = [KeyValue::new("a_b", "2"), KeyValue::new("a.b", "1")];
        assert_eq!(labels(attributes.iter(), None, None), r#"{a_b="1;2"}"#);
    }

    #[test]
    fn no_attribute_takes_the_place_of_a_label_of_the_page_or_has_no_name() {
        let keys = ["", "le", "otel.scope.name", "otel_scope_version"];
        let attributes = keys.map(|key| KeyValue::new(key, "own"));
        let scope = InstrumentationScope::builder("m").with_version("1").build();
        assert_eq!(
            labels(attributes.iter(), Some(&scope), Some("1".to_owned())),
            "{_=\"own\",exported_le=\"own\",exported_otel_scope_name=\"own\",\
             exported_otel_scope_version=\"own\",le=\"1\",otel_scope_name=\"m\",otel_scope_version=\"1\"}"
        );
    }
}

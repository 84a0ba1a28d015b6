//! Metrics in Prometheus' text format, by OpenTelemetry's [compatibility rules].
//!
//! [compatibility rules]: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};

/// The units whose names a metric's own name ends with.
const UNITS: [(&str, &str); 14] = [
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("min", "minutes"),
    ("h", "hours"),
    ("d", "days"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("m", "meters"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
];

/// A metric with one name, whose series may come from several scopes.
#[derive(Default)]
struct Family {
    kind: &'static str,
    help: String,
    series: String,
}

pub(super) fn render(metrics: &ResourceMetrics) -> String {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for scope in metrics.scope_metrics() {
        for metric in scope.metrics() {
            add(&mut families, scope, metric);
        }
    }
    let mut page = String::new();
    let resource: Vec<KeyValue> = metrics
        .resource()
        .iter()
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()))
        .collect();
    if !resource.is_empty() {
        page.push_str("# HELP target_info What the metrics are of.\n# TYPE target_info gauge\n");
        let _ = writeln!(page, "target_info{} 1", labels(resource.iter(), None, None));
    }
    for (name, family) in families {
        if !family.help.is_empty() {
            let _ = writeln!(page, "# HELP {name} {}", escape(&family.help, false));
        }
        let _ = writeln!(page, "# TYPE {name} {}", family.kind);
        page.push_str(&family.series);
    }
    page
}

fn add(families: &mut BTreeMap<String, Family>, scope: &ScopeMetrics, metric: &Metric) {
    let (kind, monotonic) = match metric.data() {
        AggregatedMetrics::F64(data) => shape(data),
        AggregatedMetrics::U64(data) => shape(data),
        AggregatedMetrics::I64(data) => shape(data),
    };
    let name = name(metric.name(), metric.unit(), kind, monotonic);
    let family = families.entry(name.clone()).or_insert_with(|| Family {
        kind,
        help: metric.description().to_owned(),
        series: String::new(),
    });
    // Two instruments of one name and different kinds: the first one stays.
    if family.kind != kind {
        return;
    }
    let scope = scope.scope().name();
    match metric.data() {
        AggregatedMetrics::F64(data) => series(&mut family.series, &name, scope, data),
        AggregatedMetrics::U64(data) => series(&mut family.series, &name, scope, data),
        AggregatedMetrics::I64(data) => series(&mut family.series, &name, scope, data),
    }
}

/// Prometheus' kind, and whether the value only grows.
fn shape<T>(data: &MetricData<T>) -> (&'static str, bool) {
    match data {
        MetricData::Gauge(_) => ("gauge", false),
        MetricData::Sum(sum) if sum.is_monotonic() => ("counter", true),
        MetricData::Sum(_) => ("gauge", false),
        MetricData::Histogram(_) | MetricData::ExponentialHistogram(_) => ("histogram", false),
    }
}

fn series<T: Display + Copy>(out: &mut String, name: &str, scope: &str, data: &MetricData<T>) {
    match data {
        MetricData::Gauge(gauge) => {
            for point in gauge.data_points() {
                let labels = labels(point.attributes(), Some(scope), None);
                let _ = writeln!(out, "{name}{labels} {}", point.value());
            }
        }
        MetricData::Sum(sum) => {
            for point in sum.data_points() {
                let labels = labels(point.attributes(), Some(scope), None);
                let _ = writeln!(out, "{name}{labels} {}", point.value());
            }
        }
        MetricData::Histogram(histogram) => {
            for point in histogram.data_points() {
                let mut below = 0;
                let bounds = point.bounds().map(|bound| bound.to_string());
                for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(point.bucket_counts()) {
                    below += count;
                    let labels = labels(point.attributes(), Some(scope), Some(&bound));
                    let _ = writeln!(out, "{name}_bucket{labels} {below}");
                }
                let labels = labels(point.attributes(), Some(scope), None);
                let _ = writeln!(out, "{name}_sum{labels} {}", point.sum());
                let _ = writeln!(out, "{name}_count{labels} {}", point.count());
            }
        }
        // The text format has no buckets of that kind: their sum and number remain.
        MetricData::ExponentialHistogram(histogram) => {
            for point in histogram.data_points() {
                let infinite = labels(point.attributes(), Some(scope), Some("+Inf"));
                let _ = writeln!(out, "{name}_bucket{infinite} {}", point.count());
                let labels = labels(point.attributes(), Some(scope), None);
                let _ = writeln!(out, "{name}_sum{labels} {}", point.sum());
                let _ = writeln!(out, "{name}_count{labels} {}", point.count());
            }
        }
    }
}

/// The metric's name with its unit, and `_total` for what is counted.
fn name(name: &str, unit: &str, kind: &str, monotonic: bool) -> String {
    let mut out = legal(name, true);
    let unit = UNITS.iter().find(|(short, _)| *short == unit).map(|(_, long)| *long);
    let unit = match (unit, kind) {
        (None, "gauge") if name.ends_with("ratio") => None,
        (unit, _) => unit,
    };
    let total = out.strip_suffix("_total").map(str::to_owned);
    if monotonic && let Some(base) = total {
        out = base;
    }
    if let Some(unit) = unit
        && !out.ends_with(unit)
    {
        out.push('_');
        out.push_str(unit);
    }
    if monotonic {
        out.push_str("_total");
    }
    out
}

/// With `_` for each character that a name may not have.
fn legal(name: &str, colons: bool) -> String {
    let mut out = String::with_capacity(name.len());
    for (index, c) in name.chars().enumerate() {
        let is_legal = c.is_ascii_alphanumeric() || c == '_' || colons && c == ':';
        if index == 0 && c.is_ascii_digit() {
            out.push('_');
        }
        out.push(if is_legal { c } else { '_' });
    }
    out
}

/// `{key="value",…}`, or nothing. Keys that become one by the rules for names share it.
fn labels<'a>(
    attributes: impl Iterator<Item = &'a KeyValue>,
    scope: Option<&str>,
    bound: Option<&str>,
) -> String {
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for attribute in attributes {
        let value = attribute.value.as_str().into_owned();
        labels
            .entry(legal(attribute.key.as_str(), false))
            .and_modify(|other| {
                other.push(';');
                other.push_str(&value);
            })
            .or_insert(value);
    }
    if let Some(scope) = scope {
        labels.insert("otel_scope_name".to_owned(), scope.to_owned());
    }
    if let Some(bound) = bound {
        labels.insert("le".to_owned(), bound.to_owned());
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
    use super::super::Reader;
    use super::*;
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::metrics::SdkMeterProvider;

    #[test]
    fn each_kind_has_its_form() {
        let reader = Reader::new();
        let provider = SdkMeterProvider::builder()
            .with_reader(reader.clone())
            .with_resource(
                Resource::builder_empty()
                    .with_attribute(KeyValue::new("service.name", "shop"))
                    .build(),
            )
            .build();
        let meter = provider.meter("m");
        let attributes = [KeyValue::new("http.route", "/a\"\\\n")];
        meter.u64_counter("orders").with_description("Sold.").build().add(2, &attributes);
        meter.i64_up_down_counter("active").with_unit("{request}").build().add(-1, &[]);
        meter.f64_gauge("load.ratio").with_unit("1").build().record(0.5, &[]);
        let durations = meter
            .f64_histogram("http.duration")
            .with_unit("s")
            .with_boundaries(vec![0.1, 1.0])
            .build();
        durations.record(0.05, &[]);
        durations.record(2.0, &[]);
        assert_eq!(
            reader.page(),
            r#"# HELP target_info What the metrics are of.
# TYPE target_info gauge
target_info{service_name="shop"} 1
# TYPE active gauge
active{otel_scope_name="m"} -1
# TYPE http_duration_seconds histogram
http_duration_seconds_bucket{le="0.1",otel_scope_name="m"} 1
http_duration_seconds_bucket{le="1",otel_scope_name="m"} 1
http_duration_seconds_bucket{le="+Inf",otel_scope_name="m"} 2
http_duration_seconds_sum{otel_scope_name="m"} 2.05
http_duration_seconds_count{otel_scope_name="m"} 2
# TYPE load_ratio gauge
load_ratio{otel_scope_name="m"} 0.5
# HELP orders_total Sold.
# TYPE orders_total counter
orders_total{http_route="/a\"\\\n",otel_scope_name="m"} 2
"#
        );
    }

    #[test]
    fn names_are_made_legal_and_say_their_unit_once() {
        for (given, unit, kind, monotonic, expected) in [
            ("http.server.duration", "s", "histogram", false, "http_server_duration_seconds"),
            ("wait.seconds", "s", "gauge", false, "wait_seconds"),
            ("sent", "By", "counter", true, "sent_bytes_total"),
            ("orders_total", "", "counter", true, "orders_total"),
            ("9lives", "{life}", "gauge", false, "_9lives"),
            ("größe", "", "gauge", false, "gr__e"),
        ] {
            assert_eq!(name(given, unit, kind, monotonic), expected, "{given}");
        }
    }

    #[test]
    fn keys_that_become_one_share_their_label() {
        let attributes = [KeyValue::new("a.b", "1"), KeyValue::new("a_b", "2")];
        assert_eq!(labels(attributes.iter(), None, None), r#"{a_b="1;2"}"#);
    }
}

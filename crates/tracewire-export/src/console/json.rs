//! Telemetry for machines: one JSON object on each line.

use opentelemetry::{
    Array, KeyValue, Value,
    trace::{SpanId, SpanKind, Status},
};
use opentelemetry_sdk::{
    Resource,
    metrics::data::{
        AggregatedMetrics, ExponentialHistogram, Histogram, MetricData, ResourceMetrics,
    },
    trace::SpanData,
};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use std::{
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};
use tracewire_text::is_unsafe;

/// The span as a line. Times are nanoseconds since 1970.
pub(super) fn span(span: &SpanData, resource: &Resource) -> String {
    let (status, description) = match &span.status {
        Status::Unset => ("unset", None),
        Status::Ok => ("ok", None),
        Status::Error { description } => ("error", Some(description)),
    };
    let parent = (span.parent_span_id != SpanId::INVALID).then(|| span.parent_span_id.to_string());
    let events: Vec<Json> = span
        .events
        .iter()
        .map(|event| {
            json!({
                "name": event.name,
                "time": nanos(event.timestamp),
                "attributes": attributes(&event.attributes),
            })
        })
        .collect();
    let links: Vec<Json> = span
        .links
        .iter()
        .map(|link| {
            json!({
                "trace_id": link.span_context.trace_id().to_string(),
                "span_id": link.span_context.span_id().to_string(),
                "attributes": attributes(&link.attributes),
            })
        })
        .collect();
    line(&json!({
        "type": "span",
        "trace_id": span.span_context.trace_id().to_string(),
        "span_id": span.span_context.span_id().to_string(),
        "parent_span_id": parent,
        "name": span.name,
        "kind": kind(&span.span_kind),
        "start": nanos(span.start_time),
        "end": nanos(span.end_time),
        "status": status,
        "status_description": description,
        "attributes": attributes(&span.attributes),
        "events": events,
        "links": links,
        "scope": span.instrumentation_scope.name(),
        "resource": resource_attributes(resource),
    }))
}

/// A line for each series.
pub(super) fn metrics(metrics: &ResourceMetrics) -> String {
    let mut lines = String::new();
    let resource = resource_attributes(metrics.resource());
    for scope in metrics.scope_metrics() {
        for metric in scope.metrics() {
            let points = match metric.data() {
                AggregatedMetrics::F64(data) => points(data),
                AggregatedMetrics::U64(data) => points(data),
                AggregatedMetrics::I64(data) => points(data),
            };
            for point in points {
                let mut object = Map::from_iter([
                    ("type".to_owned(), json!("metric")),
                    ("name".to_owned(), json!(metric.name())),
                    ("unit".to_owned(), json!(metric.unit())),
                    ("scope".to_owned(), json!(scope.scope().name())),
                    ("resource".to_owned(), resource.clone()),
                ]);
                object.extend(point);
                lines.push_str(&line(&Json::Object(object)));
            }
        }
    }
    lines
}

type Object = Map<String, Json>;

fn points<T: Serialize + Copy>(data: &MetricData<T>) -> Vec<Object> {
    let point = |kind: &str, time, value, attributes: Json| {
        Map::from_iter([
            ("kind".to_owned(), json!(kind)),
            ("time".to_owned(), json!(nanos(time))),
            ("value".to_owned(), value),
            ("attributes".to_owned(), attributes),
        ])
    };
    match data {
        MetricData::Gauge(gauge) => gauge
            .data_points()
            .map(|p| point("gauge", gauge.time(), json!(p.value()), attributes(p.attributes())))
            .collect(),
        MetricData::Sum(sum) => sum
            .data_points()
            .map(|p| point("sum", sum.time(), json!(p.value()), attributes(p.attributes())))
            .collect(),
        MetricData::Histogram(histogram) => explicit(histogram)
            .map(|(value, attributes)| point("histogram", histogram.time(), value, attributes))
            .collect(),
        MetricData::ExponentialHistogram(histogram) => exponential(histogram)
            .map(|(value, attributes)| {
                point("exponential_histogram", histogram.time(), value, attributes)
            })
            .collect(),
    }
}

fn explicit<T: Serialize + Copy>(
    histogram: &Histogram<T>,
) -> impl Iterator<Item = (Json, Json)> + '_ {
    histogram.data_points().map(|point| {
        let value = json!({
            "count": point.count(),
            "sum": point.sum(),
            "min": point.min(),
            "max": point.max(),
            "bounds": point.bounds().collect::<Vec<_>>(),
            "bucket_counts": point.bucket_counts().collect::<Vec<_>>(),
        });
        (value, attributes(point.attributes()))
    })
}

fn exponential<T: Serialize + Copy>(
    histogram: &ExponentialHistogram<T>,
) -> impl Iterator<Item = (Json, Json)> + '_ {
    histogram.data_points().map(|point| {
        let buckets = |bucket: &opentelemetry_sdk::metrics::data::ExponentialBucket| {
            json!({ "offset": bucket.offset(), "counts": bucket.counts().collect::<Vec<_>>() })
        };
        let value = json!({
            "count": point.count(),
            "sum": point.sum(),
            "min": point.min(),
            "max": point.max(),
            "scale": point.scale(),
            "zero_count": point.zero_count(),
            "positive": buckets(point.positive_bucket()),
            "negative": buckets(point.negative_bucket()),
        });
        (value, attributes(point.attributes()))
    })
}

fn attributes<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> Json {
    let pairs = attributes.into_iter();
    Json::Object(pairs.map(|pair| (pair.key.to_string(), value(&pair.value))).collect())
}

pub(crate) fn resource_attributes(resource: &Resource) -> Json {
    Json::Object(resource.iter().map(|(key, v)| (key.to_string(), value(v))).collect())
}

fn value(value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::I64(value) => json!(value),
        Value::F64(value) => json!(value),
        Value::String(value) => json!(value.as_str()),
        Value::Array(Array::Bool(values)) => json!(values),
        Value::Array(Array::I64(values)) => json!(values),
        Value::Array(Array::F64(values)) => json!(values),
        Value::Array(Array::String(values)) => {
            values.iter().map(|value| value.as_str()).collect::<Json>()
        }
        other => json!(other.as_str()),
    }
}

fn kind(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().try_into().unwrap_or(u64::MAX)
}

/// JSON escapes the ASCII controls by itself; what else a terminal would obey is escaped here.
pub(crate) fn line(object: &Json) -> String {
    let json = object.to_string();
    let mut line = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if is_unsafe(c) {
            // JSON escapes a character beyond the first 65,536 as two.
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Sample, at};
    use opentelemetry::trace::Event;

    #[test]
    fn a_span_is_one_line_with_everything() {
        let mut data = Sample::new(2)
            .under(1)
            .kind(SpanKind::Client)
            .name("GET")
            .attribute("http.response.status_code", 500)
            .attribute("ok", false)
            .attribute("ratio", 0.5)
            .attribute("list", Value::Array(Array::String(vec!["a".into(), "b".into()])))
            .error("no luck")
            .span();
        let attributes = vec![KeyValue::new("exception.message", "x")];
        data.events.events.push(Event::new("exception", at(7), attributes, 0));
        let resource = Resource::builder_empty().with_service_name("shop").build();
        let line = span(&data, &resource);
        assert!(line.ends_with('\n') && line.lines().count() == 1);
        assert_eq!(
            serde_json::from_str::<Json>(&line).unwrap(),
            json!({
                "type": "span",
                "trace_id": "0000000000000000000000000000002a",
                "span_id": "0000000000000002",
                "parent_span_id": "0000000000000001",
                "name": "GET",
                "kind": "client",
                "start": 1_000_000_000_u64,
                "end": 1_001_000_000_u64,
                "status": "error",
                "status_description": "no luck",
                "attributes": {
                    "http.response.status_code": 500, "ok": false, "ratio": 0.5, "list": ["a", "b"],
                },
                "events": [{
                    "name": "exception",
                    "time": 1_000_007_000_u64,
                    "attributes": { "exception.message": "x" },
                }],
                "links": [],
                "scope": "",
                "resource": { "service.name": "shop" },
            })
        );
    }

    #[test]
    fn nothing_from_outside_reaches_the_terminal_raw() {
        let text = "\u{1b}[2J\u{9b}31m\u{202e}\u{ad}\u{e0041}\u{1d173}\n";
        let data = Sample::new(1).attribute("key", text).span();
        let line = span(&data, &Resource::builder_empty().build());
        assert!(!line.trim_end().chars().any(is_unsafe), "{line:?}");
        let json: Json = serde_json::from_str(&line).unwrap();
        assert_eq!(json["attributes"]["key"], text);
    }
}

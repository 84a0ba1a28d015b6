//! Log records on the console: a line for each, for people or as JSON.

use super::Log;
use crate::{
    console::{ConsoleExporter, FLUSH_TIMEOUT, line, resource_attributes},
    pipeline::{counts::Counts, deadline::after},
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_sdk::{Resource, error::OTelSdkResult};
use serde_json::{Map, Value as Json, json};
use std::{fmt::Write as _, sync::Arc, time::Instant};
use tracewire_text::{hex, shortened};

const MOST_BODY: usize = 400;
const MOST_VALUE: usize = 80;

/// Shows each record when it is emitted.
#[derive(Debug)]
pub(super) struct ConsoleLogs {
    console: ConsoleExporter,
    counts: Arc<Counts>,
    resource: Json,
}

impl ConsoleLogs {
    pub(super) fn new(console: ConsoleExporter, counts: Arc<Counts>) -> Self {
        Self { console, counts, resource: json!({}) }
    }

    pub(super) fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource_attributes(resource);
    }

    pub(super) fn show(&self, log: &Log) {
        self.counts.ended(1);
        let text = if self.console.is_tree() { tree(log) } else { json_line(log, &self.resource) };
        self.console.show(text, 1, &self.counts);
    }

    pub(super) fn flush(&self, deadline: Instant) -> OTelSdkResult {
        self.shutdown(deadline.min(after(FLUSH_TIMEOUT)))
    }

    pub(super) fn shutdown(&self, deadline: Instant) -> OTelSdkResult {
        self.console.wait(deadline.saturating_duration_since(Instant::now()))
    }
}

fn tree(log: &Log) -> String {
    let body = log.record.body.as_ref().map(shown).unwrap_or_default();
    let mut line = format!(
        "log {} {}: {}",
        shortened(&log.record.severity_text, MOST_VALUE),
        shortened(log.source(), MOST_VALUE),
        shortened(&body, MOST_BODY),
    );
    for attribute in &log.record.attributes {
        let value = attribute.value.as_ref().map(shown).unwrap_or_default();
        let (key, value) = (shortened(&attribute.key, MOST_VALUE), shortened(&value, MOST_VALUE));
        let _ = write!(line, "  {key}={value}");
    }
    if !log.record.trace_id.is_empty() {
        let _ = write!(line, "  trace={}", hex::to_string(&log.record.trace_id));
    }
    line.push('\n');
    line
}

fn json_line(log: &Log, resource: &Json) -> String {
    let id = |id: &[u8]| (!id.is_empty()).then(|| hex::to_string(id));
    line(&json!({
        "type": "log",
        "time": log.record.time_unix_nano.max(log.record.observed_time_unix_nano),
        "severity": log.record.severity_text,
        "severity_number": log.record.severity_number,
        "name": log.record.event_name,
        "body": log.record.body.as_ref().map(value),
        "attributes": pairs(&log.record.attributes),
        "trace_id": id(&log.record.trace_id),
        "span_id": id(&log.record.span_id),
        "scope": log.source(),
        "resource": resource,
    }))
}

fn shown(any: &AnyValue) -> String {
    match value(any) {
        Json::String(text) => text,
        other => other.to_string(),
    }
}

fn value(any: &AnyValue) -> Json {
    match &any.value {
        Some(Value::StringValue(text)) => json!(text),
        Some(Value::BoolValue(flag)) => json!(flag),
        Some(Value::IntValue(number)) => json!(number),
        Some(Value::DoubleValue(number)) => json!(number),
        Some(Value::ArrayValue(list)) => list.values.iter().map(value).collect(),
        Some(Value::KvlistValue(map)) => pairs(&map.values),
        Some(Value::BytesValue(bytes)) => json!(hex::to_string(bytes)),
        _ => Json::Null,
    }
}

fn pairs(pairs: &[KeyValue]) -> Json {
    let object: Map<String, Json> = pairs
        .iter()
        .map(|pair| (pair.key.clone(), pair.value.as_ref().map_or(Json::Null, value)))
        .collect();
    Json::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::InstrumentationScope;
    use opentelemetry_proto::tonic::logs::v1::LogRecord;

    fn sample() -> Log {
        let any = |value| Some(AnyValue { value: Some(value) });
        let pair = |key: &str, value| KeyValue {
            key: key.to_owned(),
            value: any(value),
            ..KeyValue::default()
        };
        Log {
            scope: InstrumentationScope::builder("bridge").build(),
            target: Some("shop".into()),
            record: LogRecord {
                time_unix_nano: 5,
                severity_number: 13,
                severity_text: "WARN".to_owned(),
                body: any(Value::StringValue("no \u{1b}[31mprice".to_owned())),
                attributes: vec![
                    pair("item", Value::IntValue(13)),
                    pair("who", Value::StringValue("a\nb".to_owned())),
                ],
                trace_id: vec![0xab; 16],
                span_id: vec![1; 8],
                ..LogRecord::default()
            },
        }
    }

    #[test]
    fn people_see_a_line_that_no_terminal_obeys() {
        assert_eq!(
            tree(&sample()),
            format!(
                "log WARN shop: no \\u{{1b}}[31mprice  item=13  who=a\\nb  trace={}\n",
                "ab".repeat(16)
            )
        );
    }

    #[test]
    fn machines_see_an_object() {
        let text = json_line(&sample(), &json!({"service.name": "shop"}));
        assert!(text.ends_with("}\n") && !text.contains('\u{1b}'), "{text}");
        assert_eq!(
            serde_json::from_str::<Json>(&text).unwrap(),
            json!({
                "type": "log",
                "time": 5,
                "severity": "WARN",
                "severity_number": 13,
                "name": "",
                "body": "no \u{1b}[31mprice",
                "attributes": {"item": 13, "who": "a\nb"},
                "trace_id": "ab".repeat(16),
                "span_id": "01".repeat(8),
                "scope": "shop",
                "resource": {"service.name": "shop"},
            })
        );
    }
}

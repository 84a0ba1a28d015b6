//! What must hold of metrics and log records as JSON.

use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest},
    logs::v1::LogRecord,
};
use opentelemetry_sdk::{Resource, trace::SpanData};
use prost::Message;
use serde_json::Value;
use tracewire_export::fuzzing::{log_bodies, metrics_json};

/// Writes the metrics of a message, if `data` is one.
pub fn metrics(data: &[u8]) {
    let Ok(metrics) = ExportMetricsServiceRequest::decode(data) else { return };
    let Some(json) = read(&metrics_json(&metrics)) else { return };
    let written = objects(&json["resourceMetrics"], "scopeMetrics", "metrics");
    let scopes = metrics.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    let expected: Vec<_> = scopes.flat_map(|scope| &scope.metrics).collect();
    assert_eq!(written.len(), expected.len());
    for (written, expected) in written.into_iter().zip(expected) {
        assert_eq!(written["name"], *expected.name);
        assert_eq!(written["unit"], *expected.unit);
    }
}

/// Writes the log records of a message, if `data` is one, in batches as an exporter does.
pub fn logs(data: &[u8]) {
    let Ok(request) = ExportLogsServiceRequest::decode(data) else { return };
    let mut records: Vec<(String, Option<String>, LogRecord)> = Vec::new();
    for scope in request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs) {
        let name = scope.scope.map(|scope| scope.name).unwrap_or_default();
        let target = Some(scope.schema_url).filter(|target| !target.is_empty());
        let of_scope = scope.log_records.into_iter();
        records.extend(of_scope.map(|record| (name.clone(), target.clone(), record)));
    }
    let [json, protobuf] = log_bodies(&records);
    let read_back = protobuf.iter().flat_map(|body| {
        let request = ExportLogsServiceRequest::decode(&**body).expect("it is a message");
        let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
        scopes.flat_map(|scope| scope.log_records).collect::<Vec<_>>()
    });
    // As bytes: a number may be none.
    let sorted = |records: &mut dyn Iterator<Item = LogRecord>| {
        let mut bytes: Vec<_> = records.map(|record| record.encode_to_vec()).collect();
        bytes.sort();
        bytes
    };
    let expected = sorted(&mut records.iter().map(|(_, _, record)| record.clone()));
    assert_eq!(sorted(&mut read_back.into_iter()), expected);
    let Some(json) = json.iter().map(|body| read(body)).collect::<Option<Vec<_>>>() else { return };
    let written: usize = json
        .iter()
        .map(|body| objects(&body["resourceLogs"], "scopeLogs", "logRecords").len())
        .sum();
    assert_eq!(written, records.len());
}

/// The items of all scopes of all resources.
fn objects<'a>(resources: &'a Value, scopes: &'a str, items: &'a str) -> Vec<&'a Value> {
    let list = |value: &'a Value| value.as_array().into_iter().flatten();
    let scopes = list(resources).flat_map(|resource| list(&resource[scopes]));
    scopes.flat_map(|scope| list(&scope[items])).collect()
}

/// Reads JSON. `None` if it is nested deeper than its reader likes.
fn read(body: &[u8]) -> Option<Value> {
    match serde_json::from_slice(body) {
        Ok(value) => Some(value),
        Err(error) if error.to_string().contains("recursion limit") => None,
        Err(error) => panic!("it is no JSON: {error}: {}", String::from_utf8_lossy(body)),
    }
}

/// Writes spans as a file has them, and opens it.
pub fn span_lines(spans: &[SpanData]) {
    let service = spans.first().map_or("", |span| &span.name).to_owned();
    let resource = Resource::builder_empty().with_service_name(service).build();
    let lines = tracewire_export::fuzzing::span_lines(spans, &resource);
    let mut written = Vec::new();
    for line in &lines {
        assert!(!line.contains(&b'\n') && (line.len() <= 1 << 20 || spans.len() == 1));
        let Some(json) = read(line) else { return };
        let items = objects(&json["resourceSpans"], "scopeSpans", "spans");
        written.extend(items.into_iter().map(|span| {
            let text = |key: &str| span[key].as_str().unwrap_or_default().to_owned();
            let attributes = span["attributes"].as_array().map_or(0, Vec::len);
            (text("name"), text("spanId"), text("traceState"), attributes)
        }));
    }
    let expected: Vec<_> = spans
        .iter()
        .map(|span| {
            let context = &span.span_context;
            let (id, state) = (context.span_id().to_string(), context.trace_state().header());
            (span.name.to_string(), id, state, span.attributes.len())
        })
        .collect();
    assert_eq!(written, expected);
    let opened = tracewire_viewer::fuzzing::open(&lines.join(&b'\n')).expect("it has spans");
    let opened = read(opened.as_bytes()).expect("it was read before");
    let shown = objects(&opened["resourceSpans"], "scopeSpans", "spans").len();
    assert_eq!(shown, spans.len());
}

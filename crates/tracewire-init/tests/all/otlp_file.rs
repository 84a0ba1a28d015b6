//! OTLP in a file, as lines of JSON.

use std::fs;

use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use serde_json::Value;
use tracewire_init::{Metrics, MetricsExporter, OtlpFile, Telemetry, Traces, TracesExporter};

#[test]
fn spans_and_metrics_share_a_file_of_lines() {
    let name = format!("tracewire-lines-{}.jsonl", std::process::id());
    let file = std::env::temp_dir().join(name);
    let _ = fs::remove_file(&file);
    let to = || OtlpFile::Path(file.clone());
    let telemetry = Telemetry::builder()
        .service_name("shop")
        .traces(Traces::new().exporters([TracesExporter::otlp_file_at(to())]))
        .metrics(Metrics::new().exporters([MetricsExporter::otlp_file_at(to())]))
        .build()
        .unwrap();
    telemetry.tracer_provider().unwrap().tracer("test").in_span("request", |_| {});
    let meter =
        opentelemetry::metrics::MeterProvider::meter(telemetry.meter_provider().unwrap(), "t");
    meter.u64_counter("orders").build().add(1, &[]);
    let report = telemetry.shutdown();
    assert!(report.is_complete(), "{report}");
    let text = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{text}");
    let spans = lines.iter().find(|line| line["resourceSpans"].is_array()).unwrap();
    let span = &spans["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["name"], "request");
    assert_eq!(span["traceId"].as_str().unwrap().len(), 32);
    let metrics = lines.iter().find(|line| line["resourceMetrics"].is_array()).unwrap();
    let metric = &metrics["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
    assert_eq!(metric["name"], "orders");
}

#[test]
fn a_file_that_cannot_be_made_is_an_error_of_init() {
    let to = OtlpFile::Path("/nonexistent/folder/lines.jsonl".into());
    let result = Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::otlp_file_at(to)]))
        .metrics(Metrics::new().exporters(std::iter::empty::<MetricsExporter>()))
        .build();
    let error = result.unwrap_err();
    assert!(error.to_string().contains("Otlp::file"), "{error}");
}

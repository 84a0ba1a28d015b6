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

/// A file that takes no lines, and what the error of `init` says about it.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_an_error_of_init_that_says_why() {
    let folder = std::env::temp_dir().join(format!("tracewire-no-file-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let pipe = folder.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let below_a_file = folder.join("file/lines.jsonl");
    fs::write(folder.join("file"), "").unwrap();
    for (path, why) in
        [(&folder, "directory"), (&pipe, "it is a pipe"), (&below_a_file, "directory")]
    {
        let to = OtlpFile::Path(path.clone());
        let result = Telemetry::builder()
            .traces(Traces::new().exporters([TracesExporter::otlp_file_at(to)]))
            .metrics(Metrics::new().exporters(std::iter::empty::<MetricsExporter>()))
            .build();
        let error = result.unwrap_err().to_string();
        assert!(error.contains("Otlp::file") && error.to_lowercase().contains(why), "{error}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// The report counts what a full disk did not take, and the process goes on.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_spans_and_the_report_says_how_many() {
    let to = OtlpFile::Path("/dev/full".into());
    let telemetry = Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::otlp_file_at(to)]))
        .metrics(Metrics::new().exporters(std::iter::empty::<MetricsExporter>()))
        .build()
        .unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    for _ in 0..3 {
        tracer.in_span("request", |_| {});
    }
    let report = telemetry.shutdown();
    assert!(!report.is_complete(), "{report}");
    let text = report.to_string();
    assert!(text.contains("3 failed") && text.contains("No space left"), "{text}");
}

/// As logrotate does with `create`: the old file is renamed, and an empty one takes its place.
#[test]
fn a_file_that_is_rotated_loses_nothing() {
    let folder = std::env::temp_dir().join(format!("tracewire-rotated-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let (file, old) = (folder.join("lines.jsonl"), folder.join("lines.jsonl.1"));
    let telemetry = Telemetry::builder()
        .traces(
            Traces::new().exporters([TracesExporter::otlp_file_at(OtlpFile::Path(file.clone()))]),
        )
        .metrics(Metrics::new().exporters(std::iter::empty::<MetricsExporter>()))
        .build()
        .unwrap();
    let provider = telemetry.tracer_provider().unwrap();
    for name in ["before", "after"] {
        provider.tracer("test").in_span(name, |_| {});
        provider.force_flush().unwrap();
        if name == "before" {
            fs::rename(&file, &old).unwrap();
            fs::write(&file, "").unwrap();
        }
    }
    assert!(telemetry.shutdown().is_complete());
    let has = |file, name| fs::read_to_string(file).unwrap().contains(name);
    assert!(has(&old, "before") && has(&file, "after") && !has(&file, "before"));
    fs::remove_dir_all(&folder).unwrap();
}

//! Providers that the program built, with several exporters and a report at the end.

use http::StatusCode;
use opentelemetry::{
    logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _},
    metrics::MeterProvider as _,
    trace::{Span as _, Tracer as _, TracerProvider as _},
};
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{InMemorySpanExporter, SdkTracerProvider},
};
use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tracewire_export::{
    Batch, BatchLogProcessor, BatchSpanProcessor, Compression, ConsoleExporter, ConsoleFormat,
    Exports, MetricExporter, OtlpExporter, SignalReport,
};
use tracewire_testing::{Answer, Collector};

/// What was written, kept.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn shop() -> Resource {
    Resource::builder_empty().with_service_name("shop").build()
}

fn otlp(collector: &Collector, path: &str) -> OtlpExporter {
    OtlpExporter::new(format!("{}{path}", collector.endpoint()))
}

/// Exported, failed, dropped and unknown.
fn outcomes(report: &SignalReport) -> [u64; 4] {
    [report.exported(), report.failed(), report.dropped(), report.unknown()]
}

#[test]
fn each_signal_of_a_users_own_sdk_is_exported_and_counted() {
    let (collector, written, exports) = (Collector::start(), Written::default(), Exports::new());
    let console = ConsoleExporter::to(written.clone());
    let processor = BatchSpanProcessor::new(&exports)
        .otlp(otlp(&collector, "/v1/traces"), Batch::spans())
        .unwrap()
        .console(&console);
    let traces =
        SdkTracerProvider::builder().with_resource(shop()).with_span_processor(processor).build();
    let processor = BatchLogProcessor::new(&exports)
        .otlp(otlp(&collector, "/v1/logs"), Batch::logs())
        .unwrap()
        .console(&console);
    let logs =
        SdkLoggerProvider::builder().with_resource(shop()).with_log_processor(processor).build();
    let exporter = MetricExporter::otlp(&exports, otlp(&collector, "/v1/metrics")).unwrap();
    let metrics = SdkMeterProvider::builder()
        .with_resource(shop())
        .with_reader(PeriodicReader::builder(exporter).build())
        .build();

    for name in ["one", "two"] {
        traces.tracer("test").start(name).end();
    }
    let logger = logs.logger("test");
    let mut record = logger.create_log_record();
    record.set_body(AnyValue::from("hello"));
    logger.emit(record);
    metrics.meter("test").u64_counter("orders").build().add(3, &[]);

    let _ = (traces.shutdown(), logs.shutdown(), metrics.shutdown());
    let report = exports.report();
    assert_eq!(
        report.to_string(),
        "spans to otlp: 2 exported; spans to console: 2 exported; log records to otlp: 1 exported; \
         log records to console: 1 exported; data points to otlp: 1 exported"
    );
    assert!(report.is_complete());
    let spans = collector.spans();
    assert_eq!(spans.len(), 2);
    let service = opentelemetry::KeyValue::new("service.name", "shop");
    assert_eq!(spans.one("one").resource, [service]);
    assert_eq!(collector.logs().len(), 1);
    collector.metrics().one("orders");
    let text = written.text();
    assert!(text.contains("· shop · 1 span"), "{text}");
    assert!(text.contains("log  test: hello"), "{text}");
}

#[test]
fn each_exporter_has_settings_of_its_own() {
    let (plain, zipped, exports) = (Collector::start(), Collector::start(), Exports::new());
    let mut second = otlp(&zipped, "/v1/traces");
    second.compression = Compression::Gzip;
    second.headers.insert("x-tenant", "b".parse().unwrap());
    let mut slow = Batch::spans();
    slow.delay = Duration::from_secs(3600);
    let processor = BatchSpanProcessor::new(&exports)
        .value_length(Some(3))
        .otlp(otlp(&plain, "/v1/traces"), Batch::spans())
        .unwrap()
        .otlp(second, slow)
        .unwrap();
    let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
    provider.tracer("test").start("work").end();
    provider.shutdown().unwrap();
    assert_eq!((plain.spans().len(), zipped.spans().len()), (1, 1));
    let [first, second] = [&plain.requests()[0], &zipped.requests()[0]];
    assert!(!first.headers.contains_key("content-encoding"));
    assert_eq!(second.headers["content-encoding"], "gzip");
    assert_eq!(second.headers["x-tenant"], "b");
}

#[test]
fn a_loss_is_in_the_report_with_its_reason() {
    let collector = Collector::answering(Answer::Refuse(StatusCode::BAD_REQUEST));
    let exports = Exports::new();
    let processor = BatchSpanProcessor::new(&exports)
        .otlp(otlp(&collector, "/v1/traces"), Batch::spans().with_queue_size(2))
        .unwrap();
    let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
    provider.tracer("test").start("work").end();
    provider.shutdown().unwrap();
    // After the shutdown nothing is taken any more; the SDK starts no span that records.
    provider.tracer("test").start("late").end();
    let report = exports.report();
    assert_eq!(outcomes(&report.signals()[0]), [0, 1, 0, 0]);
    let reason = report.signals()[0].reason().unwrap();
    assert!(reason.starts_with("HTTP 400 from http://127.0.0.1:"), "{reason}");
    assert_eq!((report.lost(), report.is_complete()), (1, false));
}

#[test]
fn retries_of_one_provider_end_with_its_own_shutdown() {
    let busy = Answer::RetryAfter(StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(3600));
    let (collector, other) = (Collector::answering(busy), Collector::start());
    let exports = Exports::new();
    let provider = |collector| {
        let processor = BatchSpanProcessor::new(&exports)
            .otlp(otlp(collector, "/v1/traces"), Batch::spans())
            .unwrap();
        SdkTracerProvider::builder().with_span_processor(processor).build()
    };
    let (first, second) = (provider(&collector), provider(&other));
    first.tracer("test").start("work").end();
    first.shutdown_with_timeout(Duration::from_secs(20)).unwrap();
    // The deadline of the first is not that of the second.
    second.tracer("test").start("work").end();
    second.shutdown().unwrap();
    let report = exports.report();
    assert_eq!(outcomes(&report.signals()[0]), [0, 1, 0, 0]);
    assert_eq!(outcomes(&report.signals()[1]), [1, 0, 0, 0]);
}

#[test]
fn an_exporter_of_another_crate_gets_the_resource_and_the_spans() {
    let (memory, exports) = (InMemorySpanExporter::default(), Exports::new());
    let processor =
        BatchSpanProcessor::new(&exports).exporter(memory.clone(), Batch::spans()).unwrap();
    let provider =
        SdkTracerProvider::builder().with_resource(shop()).with_span_processor(processor).build();
    provider.tracer("test").start("work").end();
    provider.force_flush().unwrap();
    assert_eq!(memory.get_finished_spans().unwrap().len(), 1);
    provider.shutdown().unwrap();
    assert_eq!(exports.report().to_string(), "spans to exporter: 1 exported");
}

#[test]
fn the_console_shows_json_lines() {
    let (written, exports) = (Written::default(), Exports::new());
    let console = ConsoleExporter::to(written.clone()).format(ConsoleFormat::Json);
    let processor = BatchSpanProcessor::new(&exports).console(&console);
    let provider =
        SdkTracerProvider::builder().with_resource(shop()).with_span_processor(processor).build();
    provider.tracer("test").start("work").end();
    provider.shutdown().unwrap();
    let line: serde_json::Value = serde_json::from_str(&written.text()).unwrap();
    assert_eq!(line["name"], "work");
    assert_eq!(line["resource"]["service.name"], "shop");
}

#[test]
fn counts_can_be_exported_as_a_metric() {
    let (collector, exports) = (Collector::start(), Exports::new());
    let reader = PeriodicReader::builder(
        MetricExporter::otlp(&exports, otlp(&collector, "/v1/metrics")).unwrap(),
    );
    let metrics = SdkMeterProvider::builder().with_reader(reader.build()).build();
    exports.self_metrics(&metrics);
    // An exporter that is added later is counted too.
    let processor = BatchSpanProcessor::new(&exports)
        .otlp(otlp(&collector, "/v1/traces"), Batch::spans())
        .unwrap();
    let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
    provider.tracer("test").start("work").end();
    provider.shutdown().unwrap();
    metrics.shutdown().unwrap();
    let metrics = collector.metrics();
    let exported = metrics.one("otel.sdk.exporter.span.exported").only();
    assert_eq!((exported.value, exported.integer), (1.0, true));
}

#[test]
fn settings_that_cannot_work_are_errors_without_secrets() {
    let exports = Exports::new();
    let made = |otlp: OtlpExporter| {
        BatchSpanProcessor::new(&exports).otlp(otlp, Batch::spans()).map(drop).unwrap_err()
    };
    for endpoint in ["collector:4318", "http://u:hunter2QQ@", "ftp://h/?token=hunter2QQ"] {
        let error = made(OtlpExporter::new(endpoint));
        assert_eq!((error.setting(), error.is_configuration()), (Some("endpoint"), true));
        let said = format!("{error} {error:?} {:?}", OtlpExporter::new(endpoint));
        assert!(said.starts_with("endpoint=") && !said.contains("hunter2QQ"), "{said}");
    }
    let mut otlp = OtlpExporter::new("http://user:hunter2QQ@localhost:4318");
    otlp.headers.insert("authorization", "hunter2QQ".parse().unwrap());
    assert!(!format!("{otlp:?}").contains("hunter2QQ"), "{otlp:?}");
    let error = BatchSpanProcessor::new(&exports)
        .otlp(OtlpExporter::new("http://localhost:4318"), Batch::spans().with_queue_size(0))
        .map(drop)
        .unwrap_err();
    assert_eq!(error.setting(), Some("queue_size"));
}

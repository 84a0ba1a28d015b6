//! Telemetry that measures itself, by the conventions for `otel.sdk.*`.

use http::StatusCode;
use opentelemetry::{
    Context,
    logs::{LogRecord as _, Logger as _, LoggerProvider as _},
    trace::{
        SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
        TracerProvider as _,
    },
};
use opentelemetry_sdk::{
    logs::SdkLoggerProvider,
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{Sampler, SdkTracerProvider},
};
use std::time::Duration;
use tracewire_export::{
    Batch, BatchLogProcessor, BatchSpanProcessor, Exports, MetricExporter, OtlpExporter,
};
use tracewire_testing::{Answer, Capture, Collector, MetricKind, Metrics, Point};

fn otlp(collector: &Collector, path: &str) -> OtlpExporter {
    let mut otlp = OtlpExporter::new(format!("{}{path}", collector.endpoint()));
    otlp.timeout = Duration::from_millis(100);
    otlp
}

fn spans_to(exports: &Exports, collector: &Collector, batch: Batch) -> SdkTracerProvider {
    let processor =
        BatchSpanProcessor::new(exports).otlp(otlp(collector, "/v1/traces"), batch).unwrap();
    SdkTracerProvider::builder()
        .with_sampler(exports.counted(Sampler::ParentBased(Box::new(Sampler::AlwaysOn))))
        .with_span_processor(processor)
        .build()
}

/// The point without an error, or with this one, whatever its other attributes are.
fn point<'a>(metrics: &'a Metrics, name: &str, error: Option<&str>) -> &'a Point {
    let metric = metrics.one(name);
    let has = |point: &&Point| {
        point.attribute("error.type").map(|value| value.as_str().into_owned()).as_deref() == error
    };
    metric.points.iter().find(has).unwrap_or_else(|| panic!("{error:?}\n{metric}"))
}

fn parent(is_remote: bool, flags: TraceFlags) -> Context {
    let (trace, span) = (TraceId::from(1_u128), SpanId::from(1_u64));
    let parent = SpanContext::new(trace, span, flags, is_remote, TraceState::NONE);
    Context::new().with_remote_span_context(parent)
}

#[test]
fn names_kinds_units_and_attributes_are_those_of_the_conventions() {
    let (collector, exports, capture) = (Collector::start(), Exports::new(), Capture::new());
    let spans = spans_to(&exports, &collector, Batch::spans());
    let processor =
        BatchLogProcessor::new(&exports).otlp(otlp(&collector, "/v1/logs"), Batch::logs()).unwrap();
    let logs = SdkLoggerProvider::builder().with_log_processor(processor).build();
    let exporter = MetricExporter::otlp(&exports, otlp(&collector, "/v1/metrics")).unwrap();
    let meters =
        SdkMeterProvider::builder().with_reader(PeriodicReader::builder(exporter).build()).build();
    exports.self_metrics(&capture.meter_provider());
    spans.tracer("test").start("work");
    let mut record = logs.logger("test").create_log_record();
    record.set_severity_text("INFO");
    logs.logger("test").emit(record);
    spans.force_flush().unwrap();
    logs.force_flush().unwrap();
    meters.force_flush().unwrap();

    let metrics = capture.metrics();
    let (counter, amount) = (MetricKind::Counter, MetricKind::UpDownCounter);
    let expected = [
        ("otel.sdk.exporter.log.exported", counter, "{log_record}"),
        ("otel.sdk.exporter.log.inflight", amount, "{log_record}"),
        ("otel.sdk.exporter.metric_data_point.exported", counter, "{data_point}"),
        ("otel.sdk.exporter.metric_data_point.inflight", amount, "{data_point}"),
        ("otel.sdk.exporter.operation.duration", MetricKind::Histogram, "s"),
        ("otel.sdk.exporter.span.exported", counter, "{span}"),
        ("otel.sdk.exporter.span.inflight", amount, "{span}"),
        ("otel.sdk.processor.log.processed", counter, "{log_record}"),
        ("otel.sdk.processor.log.queue.capacity", amount, "{log_record}"),
        ("otel.sdk.processor.log.queue.size", amount, "{log_record}"),
        ("otel.sdk.processor.span.processed", counter, "{span}"),
        ("otel.sdk.processor.span.queue.capacity", amount, "{span}"),
        ("otel.sdk.processor.span.queue.size", amount, "{span}"),
        ("otel.sdk.span.live", amount, "{span}"),
        ("otel.sdk.span.started", counter, "{span}"),
        ("tracewire.queue.capacity", amount, "By"),
        ("tracewire.queue.size", amount, "By"),
    ];
    let found = metrics.iter().map(|m| (m.name.as_str(), m.kind, m.unit.as_str()));
    assert_eq!(found.collect::<Vec<_>>(), expected, "{metrics}");
    assert!(metrics.iter().all(|metric| metric.scope == "tracewire-export"));

    let exporter = |kind: &str| {
        let port = i64::from(collector.address().port());
        [
            ("otel.component.type", opentelemetry::Value::from(kind.to_owned())),
            ("otel.component.name", format!("{kind}/tracewire-0").into()),
            ("server.address", "127.0.0.1".into()),
            ("server.port", port.into()),
        ]
    };
    for (noun, kind) in [
        ("span", "otlp_http_span_exporter"),
        ("log", "otlp_http_log_exporter"),
        ("metric_data_point", "otlp_http_metric_exporter"),
    ] {
        metrics.one(&format!("otel.sdk.exporter.{noun}.exported")).point(exporter(kind));
        metrics.one(&format!("otel.sdk.exporter.{noun}.inflight")).point(exporter(kind));
    }
    metrics.one("otel.sdk.exporter.operation.duration").point(exporter("otlp_http_span_exporter"));
    for (noun, kind) in [("span", "batching_span_processor"), ("log", "batching_log_processor")] {
        let queue = [
            ("otel.component.type", kind.to_owned()),
            ("otel.component.name", format!("{kind}/tracewire-0")),
        ];
        let named = |rest| metrics.one(&format!("otel.sdk.processor.{noun}.{rest}"));
        assert_eq!(named("processed").point(queue.clone()).value, 1.0);
        assert_eq!(named("queue.size").point(queue.clone()).value, 0.0);
        assert_eq!(named("queue.capacity").point(queue.clone()).value, 32_768.0);
        let bytes = metrics.one("tracewire.queue.capacity").point(queue);
        assert_eq!(bytes.value, 10.0 * 1024.0 * 1024.0);
    }
}

#[test]
fn started_spans_are_told_apart_by_result_and_parent() {
    let (collector, exports, capture) = (Collector::start(), Exports::new(), Capture::new());
    let provider = spans_to(&exports, &collector, Batch::spans());
    exports.self_metrics(&capture.meter_provider());
    let tracer = provider.tracer("test");
    let root = tracer.start_with_context("root", &Context::new());
    let in_root = Context::new().with_span(root);
    let child = tracer.start_with_context("child", &in_root);
    drop(tracer.start_with_context("remote", &parent(true, TraceFlags::SAMPLED)));
    drop(tracer.start_with_context("dropped", &parent(true, TraceFlags::default())));

    let metrics = capture.metrics();
    let started = metrics.one("otel.sdk.span.started");
    assert_eq!(started.points.len(), 4, "{started}");
    for (result, origin) in [
        ("RECORD_AND_SAMPLE", "none"),
        ("RECORD_AND_SAMPLE", "local"),
        ("RECORD_AND_SAMPLE", "remote"),
        ("DROP", "remote"),
    ] {
        let attributes =
            [("otel.span.sampling_result", result), ("otel.span.parent.origin", origin)];
        assert_eq!(started.point(attributes).value, 1.0);
    }
    let live = |metrics: &Metrics| {
        let live = metrics.one("otel.sdk.span.live");
        live.point([("otel.span.sampling_result", "RECORD_AND_SAMPLE")]).value
    };
    assert_eq!(live(&metrics), 2.0);
    drop((child, in_root));
    assert_eq!(live(&capture.metrics()), 0.0);
}

#[test]
fn every_span_is_accounted_for_in_an_outage() {
    const SPANS: u32 = 10_000;
    let collector = Collector::answering(Answer::Refuse(StatusCode::BAD_REQUEST));
    let (exports, capture) = (Exports::new(), Capture::new());
    let mut batch = Batch::spans().with_queue_size(500);
    batch.batch_size = 50;
    let provider = spans_to(&exports, &collector, batch);
    exports.self_metrics(&capture.meter_provider());
    let tracer = provider.tracer("test");
    let mut open = Vec::new();
    for number in 0..SPANS {
        let span = tracer.start("work");
        if number % 1000 == 0 {
            open.push(span);
        }
        if number == SPANS / 2 {
            provider.force_flush().unwrap();
            collector.answer(Answer::Accept);
        }
    }
    provider.force_flush().unwrap();
    let metrics = capture.metrics();
    let sum = |name: &str| metrics.one(name).points.iter().map(|point| point.value).sum::<f64>();
    let exported = point(&metrics, "otel.sdk.exporter.span.exported", None).value;
    let failed = point(&metrics, "otel.sdk.exporter.span.exported", Some("400")).value;
    assert!(exported > 0.0 && failed > 0.0, "{metrics}");
    let processed = sum("otel.sdk.processor.span.processed");
    let dropped = processed - point(&metrics, "otel.sdk.processor.span.processed", None).value;
    assert_eq!(sum("otel.sdk.span.live"), 10.0);
    let waiting = sum("otel.sdk.processor.span.queue.size");
    assert_eq!(sum("otel.sdk.exporter.span.inflight"), 0.0);
    assert_eq!(sum("otel.sdk.span.started"), f64::from(SPANS));
    assert_eq!(f64::from(SPANS), exported + failed + dropped + 10.0 + waiting, "{metrics}");
    drop(open);
    provider.shutdown().unwrap();
}

#[test]
fn what_is_dropped_says_why() {
    let (collector, exports, capture) =
        (Collector::answering(Answer::Hang), Exports::new(), Capture::new());
    let mut batch = Batch::spans().with_queue_size(2);
    batch.delay = Duration::from_secs(3600);
    batch.batch_size = 2;
    let provider = spans_to(&exports, &collector, batch);
    exports.self_metrics(&capture.meter_provider());
    let tracer = provider.tracer("test");
    for _ in 0..100 {
        tracer.start("work");
    }
    let span = tracer.start("late");
    let _ = provider.shutdown_with_timeout(Duration::from_secs(5));
    drop(span);
    let metrics = capture.metrics();
    let name = "otel.sdk.processor.span.processed";
    assert!(point(&metrics, name, Some("queue_full")).value > 0.0, "{metrics}");
    let name = "otel.sdk.exporter.span.exported";
    assert!(point(&metrics, name, Some("timeout")).value > 0.0, "{metrics}");
}

#[test]
fn a_collector_that_is_not_there_is_an_error_of_connecting() {
    let (exports, capture) = (Exports::new(), Capture::new());
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut to = OtlpExporter::new(format!("http://{nowhere}/v1/traces"));
    to.timeout = Duration::from_millis(50);
    let processor = BatchSpanProcessor::new(&exports).otlp(to, Batch::spans()).unwrap();
    let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
    exports.self_metrics(&capture.meter_provider());
    provider.tracer("test").start("work");
    let _ = provider.shutdown();
    let metrics = capture.metrics();
    for name in ["otel.sdk.exporter.span.exported", "otel.sdk.exporter.operation.duration"] {
        assert!(point(&metrics, name, Some("connect")).attribute("server.port").is_some());
    }
    assert!(!metrics.iter().any(|metric| metric.name.starts_with("otel.sdk.span.")));
}

#[test]
fn collecting_is_measured_by_reader() {
    let (collector, exports) = (Collector::start(), Exports::new());
    let exporter = MetricExporter::otlp(&exports, otlp(&collector, "/v1/metrics")).unwrap();
    let provider =
        SdkMeterProvider::builder().with_reader(PeriodicReader::builder(exporter).build()).build();
    exports.self_metrics(&provider);
    // Each export tells of the collections before it.
    for _ in 0..3 {
        provider.force_flush().unwrap();
    }
    let metrics = collector.metrics();
    let name = "otel.sdk.metric_reader.collection.duration";
    let durations = metrics.iter().rfind(|metric| metric.name == name).unwrap();
    let reader = [
        ("otel.component.type", "periodic_metric_reader"),
        ("otel.component.name", "periodic_metric_reader/tracewire-0"),
    ];
    let point = durations.point(reader);
    assert!(point.count == 2 && point.value > 0.0, "{metrics}");
    assert_eq!((durations.kind, &*durations.unit), (MetricKind::Histogram, "s"));
    provider.shutdown().unwrap();
}

#[cfg(feature = "prometheus")]
#[test]
fn the_data_points_of_a_page_are_counted_and_no_report_tells_of_them() {
    use opentelemetry::metrics::MeterProvider as _;
    use std::{io::Read as _, io::Write as _, net::TcpStream};
    use tracewire_export::{PrometheusExporter, PrometheusServer};

    let exports = Exports::new();
    let page = PrometheusExporter::new().counted(&exports);
    let provider = SdkMeterProvider::builder().with_reader(page.clone()).build();
    exports.self_metrics(&provider);
    let server = PrometheusServer::start("127.0.0.1", 0, &page).unwrap();
    provider.meter("shop").u64_counter("orders").build().add(1, &[]);
    let scrape = || {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    let value = |page: &str, name: &str| -> f64 {
        let kind = "otel_component_type=\"prometheus_http_text_metric_exporter\"";
        let mut lines = page.lines().filter(|line| line.starts_with(name) && line.contains(kind));
        let line = lines.next().unwrap_or_else(|| panic!("{name}\n{page}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    scrape();
    let exported = "otel_sdk_exporter_metric_data_point_exported_total";
    let first = value(&scrape(), exported);
    assert!(first >= 1.0, "{first}");
    let page = scrape();
    assert!(value(&page, exported) > first, "{page}");
    assert_eq!(value(&page, "otel_sdk_metric_reader_collection_duration_seconds_count"), 2.0);
    assert_eq!(value(&page, "otel_sdk_exporter_operation_duration_seconds_count"), 2.0);
    provider.shutdown().unwrap();
    assert!(!format!("{:?}", exports.report()).contains("prometheus"));
}

//! What arrives at a healthy collector, on every kind of runtime.

use std::time::Duration;

use crate::collector::{Answer, Collector};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use tracewire_init::{
    Batching, Builder, Compression, Metrics, MetricsExporter, Otlp, Telemetry, Traces,
    TracesExporter,
};

fn telemetry(collector: &Collector) -> Builder {
    Telemetry::builder()
        .service_name("shop")
        .traces(Traces::new().exporters([TracesExporter::otlp()]))
        .metrics(Metrics::new().exporters([MetricsExporter::otlp()]))
        .otlp(Otlp::new().endpoint(collector.url()))
}

fn spans(telemetry: &Telemetry, number: usize) {
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    for _ in 0..number {
        tracer.start("span");
    }
}

#[test]
fn spans_and_metrics_arrive_with_resource_and_headers() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = telemetry(&collector)
        .otlp(Otlp::new().header("authorization", "Bearer x"))
        .otlp(Otlp::new().compression(Compression::Gzip))
        .build()
        .unwrap();
    spans(&telemetry, 3);
    let meter = telemetry.meter_provider().unwrap().meter("test");
    meter.u64_counter("orders").build().add(2, &[]);

    let report = telemetry.shutdown();

    assert_eq!(report.to_string(), "spans to otlp: 3 exported; data points to otlp: 1 exported");
    assert!(report.is_complete());
    let mut received = collector.received();
    received.sort_by(|a, b| a.path.cmp(&b.path));
    let [metrics, traces] = &received[..] else { panic!("two requests: {received:?}") };
    assert_eq!((&*metrics.path, &*traces.path), ("/v1/metrics", "/v1/traces"));
    for request in [metrics, traces] {
        assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
        assert_eq!(request.header("content-encoding"), Some("gzip"));
        assert_eq!(request.header("authorization"), Some("Bearer x"));
        assert!(request.header("user-agent").unwrap().contains("OTel-OTLP-Exporter-Rust/"));
        assert_eq!(request.header("traceparent"), None);
    }
    assert_eq!(traces.spans(), 3);
    let resource = traces.traces().resource_spans[0].resource.clone().unwrap();
    let name = resource.attributes.iter().find(|pair| pair.key == "service.name").unwrap();
    assert_eq!(name.value.clone().unwrap().value, Some(Value::StringValue("shop".to_owned())));
    let scopes = &metrics.metrics().resource_metrics[0].scope_metrics;
    assert_eq!(scopes[0].metrics[0].name, "orders");
}

#[test]
fn nothing_is_lost_without_a_runtime() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = telemetry(&collector).build().unwrap();
    spans(&telemetry, 1_000);
    assert_eq!(telemetry.shutdown().lost(), 0);
    assert_eq!(collector.spans(), 1_000);
}

#[tokio::test(flavor = "current_thread")]
async fn nothing_is_lost_on_a_current_thread_runtime() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = telemetry(&collector).build().unwrap();
    spans(&telemetry, 1_000);
    assert_eq!(telemetry.shutdown().lost(), 0);
    assert_eq!(collector.spans(), 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nothing_is_lost_on_a_runtime_with_one_worker() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = telemetry(&collector).build().unwrap();
    let telemetry = tokio::spawn(async move {
        spans(&telemetry, 1_000);
        telemetry
    })
    .await
    .unwrap();
    assert_eq!(telemetry.shutdown().lost(), 0);
    assert_eq!(collector.spans(), 1_000);
}

#[test]
fn a_dropped_guard_exports_what_is_left() {
    let collector = Collector::start([Answer::Accept]);
    {
        let telemetry = telemetry(&collector).build().unwrap();
        spans(&telemetry, 10);
    }
    assert_eq!(collector.spans(), 10);
}

#[tokio::test(flavor = "current_thread")]
async fn a_guard_dropped_on_a_runtime_exports_what_is_left() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = telemetry(&collector).build().unwrap();
    spans(&telemetry, 10);
    drop(telemetry);
    assert_eq!(collector.spans(), 10);
}

#[test]
fn flush_exports_without_ending() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = telemetry(&collector)
        .traces(Traces::new().batching(Batching::new().delay(Duration::from_secs(3600))))
        .build()
        .unwrap();
    spans(&telemetry, 10);
    assert_eq!(telemetry.report().signals()[0].unknown(), 10);
    assert_eq!(telemetry.flush().signals()[0].exported(), 10);
    spans(&telemetry, 5);
    assert_eq!(telemetry.shutdown().signals()[0].exported(), 15);
    assert_eq!(collector.spans(), 15);
}

#[test]
fn credentials_in_the_endpoint_become_a_header() {
    let collector = Collector::start([Answer::Accept]);
    let endpoint = collector.url().replace("http://", "http://user:p%40ss@");
    let telemetry = Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::otlp()]))
        .metrics(Metrics::new().exporters([]))
        .otlp(Otlp::new().endpoint(endpoint))
        .build()
        .unwrap();
    telemetry.tracer_provider().unwrap().tracer("test").start("span");
    assert!(telemetry.shutdown().is_complete());
    let received = collector.received();
    assert_eq!(received[0].header("authorization"), Some("Basic dXNlcjpwQHNz"));
}

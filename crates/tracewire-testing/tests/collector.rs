//! The real exporters against the fake collector.

use http::StatusCode;
use opentelemetry::{
    KeyValue,
    metrics::MeterProvider,
    trace::{Tracer, TracerProvider},
};
use opentelemetry_otlp::{
    Compression, MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider, trace::SdkTracerProvider};
use std::time::Duration;
use tracewire_testing::{Answer, Collector};

fn over_http(collector: &Collector, protocol: Protocol) -> SpanExporter {
    SpanExporter::builder()
        .with_http()
        .with_protocol(protocol)
        .with_compression(Compression::Gzip)
        .with_endpoint(format!("{}/v1/traces", collector.endpoint()))
        .with_timeout(Duration::from_secs(5))
        .build()
        .expect("a valid endpoint")
}

fn send(exporter: SpanExporter) -> SdkTracerProvider {
    let resource = Resource::builder_empty().with_service_name("shop").build();
    let provider =
        SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build();
    provider.tracer("tests").in_span("work", |_| ());
    provider
}

fn assert_work(collector: &Collector) {
    let spans = collector.received(1).block();
    spans.assert_tree("work");
    let work = spans.one("work");
    work.is_root();
    assert_eq!(work.scope, "tests");
    assert_eq!(work.resource, [KeyValue::new("service.name", "shop")]);
}

#[test]
fn protobuf_over_http_is_read() {
    let collector = Collector::start();
    send(over_http(&collector, Protocol::HttpBinary)).shutdown().unwrap();
    assert_work(&collector);
    let requests = collector.received_requests(1).block();
    assert_eq!(requests[0].path, "/v1/traces");
    assert_eq!(requests[0].headers["content-encoding"], "gzip");
    assert_eq!(requests[0].error, None);
}

#[cfg(feature = "json")]
#[test]
fn json_over_http_is_read() {
    let collector = Collector::start();
    send(over_http(&collector, Protocol::HttpJson)).shutdown().unwrap();
    assert_work(&collector);
    assert_eq!(collector.requests()[0].headers["content-type"], "application/json");
}

#[test]
fn grpc_is_read() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let collector = Collector::start();
    let exporter =
        SpanExporter::builder().with_tonic().with_endpoint(collector.endpoint()).build().unwrap();
    send(exporter).shutdown().unwrap();
    assert_work(&collector);
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    assert_eq!(collector.requests()[0].path, path);
}

#[test]
fn metrics_are_read() {
    let collector = Collector::start();
    let exporter = MetricExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/metrics", collector.endpoint()))
        .build()
        .unwrap();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter).build();
    provider.meter("tests").u64_counter("orders").build().add(3, &[]);
    provider.shutdown().unwrap();
    collector.received_metric("orders").block().assert_snapshot("orders [counter]\n| 3 {}");
}

#[test]
fn a_refusal_is_answered_and_nothing_accepted() {
    let collector = Collector::answering(Answer::Refuse(StatusCode::BAD_REQUEST));
    let provider = send(over_http(&collector, Protocol::HttpBinary));
    let _ = provider.force_flush();
    assert_eq!(collector.received_requests(1).block().len(), 1);
    assert!(collector.spans().is_empty());
    collector.answer(Answer::Accept);
    provider.tracer("tests").in_span("later", |_| ());
    provider.shutdown().unwrap();
    collector.received(1).block().assert_tree("later");
}

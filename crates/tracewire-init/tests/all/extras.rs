//! Baggage as attributes, telemetry's own metrics, and exporters besides OTLP.

use crate::collector::{Answer, Collector};
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value};
#[cfg(feature = "logs")]
use tracewire_init::Logs;
#[cfg(feature = "prometheus")]
use tracewire_init::Prometheus;
#[cfg(feature = "zipkin")]
use tracewire_init::Zipkin;
use tracewire_init::{Builder, Metrics, MetricsExporter, Otlp, Telemetry, Traces, TracesExporter};

fn builder(collector: &Collector) -> Builder {
    let builder = Telemetry::builder()
        .service_name("shop")
        .traces(Traces::new().exporters([TracesExporter::otlp()]))
        .metrics(Metrics::new().exporters([]))
        .otlp(Otlp::new().endpoint(collector.url()));
    #[cfg(feature = "logs")]
    let builder = builder.logs(Logs::new().exporters([]));
    builder
}

#[test]
fn listed_baggage_becomes_attributes() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = builder(&collector)
        .traces(Traces::new().baggage_attributes(["tenant.id"]))
        .build()
        .unwrap();
    let context = Context::new()
        .with_baggage([KeyValue::new("tenant.id", "7"), KeyValue::new("secret", "x")]);
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    drop(tracer.start_with_context("span", &context));
    assert!(telemetry.shutdown().is_complete());
    let span = &collector.received()[0].traces().resource_spans[0].scope_spans[0].spans[0];
    let keys: Vec<_> = span.attributes.iter().map(|pair| pair.key.as_str()).collect();
    assert_eq!(keys, ["tenant.id"]);
}

#[test]
fn telemetry_measures_itself_when_asked_for() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = builder(&collector)
        .metrics(Metrics::new().exporters([MetricsExporter::otlp()]))
        .metrics(Metrics::new().self_metrics(true))
        .build()
        .unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    for _ in 0..3 {
        tracer.start("span");
    }
    telemetry.tracer_provider().unwrap().force_flush().unwrap();
    assert!(telemetry.shutdown().is_complete());
    let received = collector.received();
    let request = received.iter().find(|request| request.path == "/v1/metrics").unwrap().metrics();
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    let value = |name: &str, text: &str| {
        let metric = metrics.iter().find(|metric| metric.name == name).unwrap();
        let Some(Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
        let point = sum
            .data_points
            .iter()
            .find(|point| format!("{:?}", point.attributes).contains(&format!("{text:?}")));
        point.unwrap().value
    };
    let three = Some(Value::AsInt(3));
    assert_eq!(value("otel.sdk.exporter.span.exported", "otlp_http_span_exporter"), three);
    assert_eq!(value("otel.sdk.span.started", "RECORD_AND_SAMPLE"), three);
    assert_eq!(value("otel.sdk.span.live", "RECORD_AND_SAMPLE"), Some(Value::AsInt(0)));
}

#[cfg(all(feature = "process-metrics", feature = "runtime-metrics"))]
#[test]
fn the_process_and_its_runtimes_are_measured_when_asked_for() {
    let collector = Collector::start([Answer::Accept]);
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (main, jobs) = (runtime(), runtime());
    let entered = main.enter();
    let telemetry = builder(&collector)
        .metrics(Metrics::new().exporters([MetricsExporter::otlp()]))
        .metrics(Metrics::new().process_metrics(true).runtime_metrics(true))
        .build()
        .unwrap();
    drop(entered);
    telemetry.observe_runtime("jobs", jobs.handle());
    assert!(telemetry.shutdown().is_complete());
    let received = collector.received();
    let request = received.iter().find(|request| request.path == "/v1/metrics").unwrap().metrics();
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    assert!(metrics.iter().any(|metric| metric.name == "process.cpu.time"), "{metrics:?}");
    let workers = metrics.iter().find(|metric| metric.name == "tokio.workers").unwrap();
    let said = format!("{workers:?}");
    assert!(said.contains("\"main\"") && said.contains("\"jobs\""), "{said}");
}

#[cfg(feature = "zipkin")]
#[test]
fn spans_arrive_at_zipkin() {
    let collector = Collector::start([Answer::Status(202)]);
    let telemetry = builder(&collector)
        .traces(Traces::new().exporters([TracesExporter::zipkin()]))
        .traces(
            Traces::new()
                .zipkin(Zipkin::new().endpoint(format!("{}/api/v2/spans", collector.url()))),
        )
        .build()
        .unwrap();
    telemetry.tracer_provider().unwrap().tracer("test").start("order");
    assert_eq!(telemetry.shutdown().to_string(), "spans to zipkin: 1 exported");
    let request = collector.received().remove(0);
    assert_eq!(request.path, "/api/v2/spans");
    assert_eq!(request.header("content-type"), Some("application/json"));
    let spans: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(spans[0]["name"], "order");
    assert_eq!(spans[0]["localEndpoint"]["serviceName"], "shop");
}

#[cfg(feature = "prometheus")]
#[test]
fn metrics_are_on_a_page_until_shutdown() {
    use opentelemetry::metrics::MeterProvider as _;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    // Free a moment ago: the server cannot say which port it took.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let collector = Collector::start([Answer::Accept]);
    let telemetry = builder(&collector)
        .metrics(Metrics::new().exporters([MetricsExporter::prometheus()]))
        .metrics(Metrics::new().prometheus(Prometheus::new().address("127.0.0.1", address.port())))
        .build()
        .unwrap();
    telemetry.meter_provider().unwrap().meter("test").u64_counter("orders").build().add(7, &[]);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nconnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    assert!(page.contains("orders_total{otel_scope_name=\"test\"} 7\n"), "{page}");
    assert!(page.contains("service_name=\"shop\""), "{page}");
    telemetry.shutdown();
}

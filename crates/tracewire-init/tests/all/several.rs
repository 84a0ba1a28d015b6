//! Several exporters of one signal, each with settings of its own.

use std::time::Duration;

use crate::collector::{Answer, Collector};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use tracewire_init::{Batching, Metrics, MetricsExporter, Otlp, Telemetry, TracesExporter};

#[test]
fn each_exporter_has_its_endpoint_headers_and_batches() {
    let (here, there) = (Collector::start([Answer::Accept]), Collector::start([Answer::Accept]));
    let to = |collector: &Collector, key: &str| {
        TracesExporter::otlp_with(Otlp::new().endpoint(collector.url()).header("x-key", key))
    };
    let large = Batching::new().batch_size(100).delay(Duration::from_secs(3600));
    let small = Batching::new().batch_size(1);
    let telemetry = Telemetry::builder()
        // Of no exporter that has an endpoint of its own.
        .otlp(Otlp::new().header("authorization", "secret"))
        .traces([to(&here, "here").batching(large), to(&there, "there").batching(small)])
        .metrics([])
        .logs([])
        .build()
        .unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    for _ in 0..5 {
        tracer.start("work");
    }
    let report = telemetry.shutdown().to_string();
    assert_eq!(report, "spans to otlp: 5 exported; spans to otlp [exporter 2]: 5 exported");
    let (here, there) = (here.received(), there.received());
    assert_eq!(here.iter().map(|request| request.spans()).collect::<Vec<_>>(), [5]);
    assert!(there.iter().all(|request| request.spans() == 1) && there.len() == 5);
    for (request, key) in here.iter().map(|r| (r, "here")).chain(there.iter().map(|r| (r, "there")))
    {
        assert_eq!((&*request.path, request.header("x-key")), ("/v1/traces", Some(key)));
        assert_eq!(request.header("authorization"), None);
    }
}

#[cfg(feature = "otlp-grpc")]
#[test]
fn one_exporter_may_speak_grpc_and_the_other_one_http() {
    use tracewire_init::Protocol;
    use tracewire_testing::Collector as Both;

    let (http, grpc) = (Both::start(), Both::start());
    let over = |collector: &Both, protocol, key: &str| {
        let otlp = Otlp::new().endpoint(collector.endpoint()).protocol(protocol);
        TracesExporter::otlp_with(otlp.header("x-key", key))
    };
    let telemetry = Telemetry::builder()
        .traces([
            over(&http, Protocol::HttpProtobuf, "http").batching(Batching::new().batch_size(1)),
            over(&grpc, Protocol::Grpc, "grpc").batching(Batching::new().batch_size(64)),
        ])
        .metrics([])
        .logs([])
        .build()
        .unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    for _ in 0..3 {
        tracer.start("work");
    }
    let report = telemetry.shutdown().to_string();
    assert_eq!(report, "spans to otlp: 3 exported; spans to otlp [exporter 2]: 3 exported");
    for (collector, key, path) in [
        (&http, "http", "/v1/traces"),
        (&grpc, "grpc", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
    ] {
        assert_eq!(collector.spans().len(), 3);
        for request in collector.requests() {
            assert_eq!(
                (&*request.path, &request.headers["x-key"]),
                (path, &http::HeaderValue::from_static(key))
            );
        }
    }
    assert_eq!((http.requests().len(), grpc.requests().len()), (3, 1));
}

#[test]
fn exporters_of_metrics_have_their_own_endpoints_and_temporality() {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    use opentelemetry_sdk::metrics::Temporality;

    let (here, there) = (Collector::start([Answer::Accept]), Collector::start([Answer::Accept]));
    let to =
        |collector: &Collector| MetricsExporter::otlp_with(Otlp::new().endpoint(collector.url()));
    let exporters = [to(&here), to(&there).temporality(Temporality::Delta)];
    let metrics = Metrics::new().exporters(exporters).interval(Duration::from_secs(3600));
    let telemetry = Telemetry::builder().traces([]).metrics(metrics).logs([]).build().unwrap();
    telemetry.meter_provider().unwrap().meter("test").u64_counter("orders").build().add(1, &[]);
    assert!(telemetry.shutdown().is_complete());
    let temporality = |collector: &Collector| {
        let request = collector.received().remove(0).metrics();
        match request.resource_metrics[0].scope_metrics[0].metrics[0].data.clone() {
            Some(Data::Sum(sum)) => sum.aggregation_temporality,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((temporality(&here), temporality(&there)), (2, 1));
}

//! The service as a user runs it, with a collector in the place of Uptrace.
#![allow(clippy::unwrap_used)] // a test may

use tests::Service;
use tracewire_testing::Collector;

const PROGRAM: &str = env!("CARGO_BIN_EXE_uptrace-service");

#[test]
fn spans_metrics_and_log_records_are_sent_with_the_dsn() {
    let uptrace = Collector::start();
    let dsn = format!("http://token@{}?grpc=4317", uptrace.address());
    let service = Service::start(
        PROGRAM,
        &[
            ("UPTRACE_DSN", &dsn),
            ("OTEL_SERVICE_NAME", "greeter"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "100"),
        ],
    );
    let answer = service.get("/hello/Ada", "");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Good morning, Ada"), "{answer}");

    let spans = uptrace.received(2).block();
    spans.assert_tree(
        "
        GET /hello/{name} [server]
          find greeting
        ",
    );
    let name = &spans[0].resource.iter().find(|own| own.key.as_str() == "service.name");
    assert_eq!(name.unwrap().value.as_str(), "greeter");
    uptrace.received_metric("http.server.request.duration").block();
    let logs = uptrace.received_logs(1).block();
    assert_eq!(logs.one("greeted").span_id, Some(spans.one("GET /hello/{name}").span_id));
    for request in uptrace.requests() {
        assert_eq!(request.headers["uptrace-dsn"], dsn.as_str(), "{}", request.path);
        assert_eq!(request.headers["content-encoding"], "gzip", "{}", request.path);
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_and_loses_nothing() {
    let collector = Collector::start();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.endpoint()),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
    ];
    Service::assert_ends_well(PROGRAM, &variables, "GET /hello/Ada");
    collector.received(4).block();
}

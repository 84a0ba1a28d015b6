//! The service as a user runs it.
#![allow(clippy::unwrap_used)] // a test may

use opentelemetry::trace::SpanKind;
use tests::Service;
use tracewire_testing::Collector;

const PROGRAM: &str = env!("CARGO_BIN_EXE_collector-service");

/// Sends metrics soon as well.
fn start(collector: &Collector, variables: &[(&str, &str)]) -> Service {
    let endpoint = collector.endpoint();
    let mut all =
        vec![("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_METRIC_EXPORT_INTERVAL", "100")];
    all.extend_from_slice(variables);
    Service::start(PROGRAM, &all)
}

#[test]
fn a_failed_order_arrives_as_trace_logs_and_metrics_over_grpc() {
    let collector = Collector::start();
    let service = start(&collector, &[]);
    let answer = service.get("/orders/unicorn", "");
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");

    let spans = collector.received(4).block();
    spans.assert_tree(
        "
        GET /orders/{item} [server] error
          reserve error: HTTP status server error (500 Internal Server Error)
            GET [client] error
              GET /stock/{item} [server] error
        ",
    );
    let order = spans.one("GET /orders/{item}");
    let logs = collector.received_logs(2).block();
    for (message, severity) in [("order received", "INFO"), ("order failed", "ERROR")] {
        let log = logs.one(message);
        assert_eq!(log.severity, severity);
        assert_eq!((log.trace_id, log.span_id), (Some(order.trace_id), Some(order.span_id)));
    }
    for metric in ["http.server.request.duration", "http.client.request.duration"] {
        collector.received_metric(metric).block();
    }
    for request in collector.requests() {
        assert_eq!(request.headers["content-type"], "application/grpc", "{}", request.path);
    }
}

#[test]
fn an_order_of_something_in_stock_reserves_it() {
    let collector = Collector::start();
    let service = start(&collector, &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]);
    let answer = service.get("/orders/lamp", "");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Left: 4."), "{answer}");
    let spans = collector.received(4).block();
    let reserve = spans.one("reserve");
    reserve.is_kind(SpanKind::Internal).has_exactly([("shop.item", "lamp")]);
    assert_eq!(reserve.event("reserved").attributes[0].value.as_str(), "4");
    assert!(collector.requests().iter().all(|request| request.path.starts_with("/v1/")));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_and_loses_nothing() {
    let collector = Collector::start();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.endpoint()),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
    ];
    Service::assert_ends_well(PROGRAM, &variables, "GET /orders/lamp");
    collector.received(8).block();
}

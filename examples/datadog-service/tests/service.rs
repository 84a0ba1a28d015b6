//! The service as a user runs it, with a collector in the Agent's place.
#![allow(clippy::unwrap_used)] // a test may

use tests::Service;
use tracewire_testing::Collector;

const PROGRAM: &str = env!("CARGO_BIN_EXE_datadog-service");

#[test]
fn a_trace_of_datadog_is_joined_and_sent_to_the_agent() {
    let agent = Collector::start();
    // The Agent's ports are fixed, so the standard variable has to name ours.
    let service = Service::start(
        PROGRAM,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &agent.endpoint()),
            ("DD_SERVICE", "orders"),
            ("DD_ENV", "dev"),
        ],
    );
    let headers = "x-datadog-trace-id: 42\r\nx-datadog-parent-id: 7\r\n\
                   x-datadog-sampling-priority: 1\r\n";
    let answer = service.get("/orders/3", headers);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("has 4 items"), "{answer}");

    let spans = agent.received(2).block();
    spans.assert_tree(
        "
        GET /orders/{id} [server] (parent elsewhere)
          count items
        ",
    );
    let server = spans.one("GET /orders/{id}");
    assert_eq!(server.trace_id.to_string(), format!("{:032x}", 42));
    assert_eq!(server.parent_span_id.unwrap().to_string(), format!("{:016x}", 7));
    spans.one("count items").has_exactly([("order.id", 3)]);
    for (key, value) in [("service.name", "orders"), ("deployment.environment.name", "dev")] {
        let own = server.resource.iter().find(|own| own.key.as_str() == key);
        assert_eq!(own.unwrap().value.as_str(), value);
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
    Service::assert_ends_well(PROGRAM, &variables, "GET /orders/3");
    collector.received(4).block();
}

//! The service as a user runs it, with a collector in the place of Jaeger.
#![allow(clippy::unwrap_used)] // a test may

use opentelemetry::trace::SpanKind;
use tests::Service;
use tracewire_testing::Collector;

const PROGRAM: &str = env!("CARGO_BIN_EXE_jaeger-service");

fn start(jaeger: &Collector) -> Service {
    let endpoint = jaeger.endpoint();
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("JAEGER_UI", "http://jaeger.example")];
    Service::start(PROGRAM, &variables)
}

#[test]
fn a_failed_search_arrives_as_a_trace_and_its_answer_says_where() {
    let jaeger = Collector::start();
    let service = start(&jaeger);
    let answer = service.get("/books/necronomicon", "");
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");

    let spans = jaeger.received(4).block();
    spans.assert_tree(
        "
        GET /books/{title} [server] error
          find book error: HTTP status server error (500 Internal Server Error)
            GET [client] error
              GET /shelves/{title} [server] error
        ",
    );
    let trace = spans.one("find book").trace_id;
    assert!(answer.contains(&format!("http://jaeger.example/trace/{trace}\n")), "{answer}");
}

#[test]
fn a_trace_of_jaeger_s_own_clients_is_joined() {
    let jaeger = Collector::start();
    let service = start(&jaeger);
    let headers = "uber-trace-id: 5b8aa5a2d2c872e8321cf37308d69df2:51581bf3cb55c13:0:1\r\n";
    let answer = service.get("/books/emma", headers);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("shelf 1"), "{answer}");
    let spans = jaeger.received(4).block();
    let root = spans.one("GET /books/{title}");
    assert_eq!(root.trace_id.to_string(), "5b8aa5a2d2c872e8321cf37308d69df2");
    assert_eq!(root.parent_span_id.unwrap().to_string(), "051581bf3cb55c13");
    let found = spans.one("find book");
    found.is_kind(SpanKind::Internal).has_exactly([("book.title", "emma")]);
    assert_eq!(found.event("found").attributes[0].value.as_str(), "1");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_and_loses_nothing() {
    let collector = Collector::start();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.endpoint()),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
    ];
    Service::assert_ends_well(PROGRAM, &variables, "GET /books/emma");
    collector.received(8).block();
}

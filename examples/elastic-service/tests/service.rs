//! The service as a user runs it, with a collector in the place of the APM Server.
#![allow(clippy::unwrap_used)] // a test may

use tests::Service;
use tracewire_testing::Collector;

const PROGRAM: &str = env!("CARGO_BIN_EXE_elastic-service");

#[test]
fn a_trace_of_elastic_is_joined_and_its_error_sent_with_the_token() {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";
    let server = Collector::start();
    let service = Service::start(
        PROGRAM,
        &[
            ("ELASTIC_APM_SERVER_URL", &server.endpoint()),
            ("ELASTIC_APM_SECRET_TOKEN", "secret"),
            ("ELASTIC_APM_SERVICE_NAME", "library"),
        ],
    );
    let headers = format!("elastic-apm-traceparent: 00-{TRACE}-{PARENT}-01\r\n");
    let answer = service.get("/books/dune", &headers);
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");

    let spans = server.received(2).block();
    spans.assert_tree(
        "
        GET /books/{title} [server] (parent elsewhere)
          find shelf error: no shelf has dune
        ",
    );
    let root = spans.one("GET /books/{title}");
    assert_eq!(root.trace_id.to_string(), TRACE);
    assert_eq!(root.parent_span_id.unwrap().to_string(), PARENT);
    let name = root.resource.iter().find(|own| own.key.as_str() == "service.name");
    assert_eq!(name.unwrap().value.as_str(), "library");
    for request in server.requests() {
        assert_eq!(request.headers["authorization"], "Bearer secret", "{}", request.path);
    }
}

#[test]
fn a_book_that_is_there_is_found() {
    let server = Collector::start();
    let service = Service::start(PROGRAM, &[("ELASTIC_APM_SERVER_URL", &server.endpoint())]);
    let answer = service.get("/books/emma", "");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("shelf 1"), "{answer}");
    let spans = server.received(2).block();
    spans.one("find shelf").has_exactly([("book.title", "emma")]);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_and_loses_nothing() {
    let collector = Collector::start();
    let variables =
        [("ELASTIC_APM_SERVER_URL", &*collector.endpoint()), ("OTEL_BSP_SCHEDULE_DELAY", "600000")];
    Service::assert_ends_well(PROGRAM, &variables, "GET /books/emma");
    collector.received(4).block();
}

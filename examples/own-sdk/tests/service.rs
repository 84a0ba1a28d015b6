//! The service as a user runs it, with a collector of this test.
#![allow(clippy::unwrap_used)] // a test may

use tests::Service;
use tracewire_testing::Collector;

const PROGRAM: &str = env!("CARGO_BIN_EXE_own-sdk");

#[test]
fn spans_reach_the_collector_and_metrics_the_page() {
    let collector = Collector::start();
    let service = Service::start(PROGRAM, &[("COLLECTOR", &collector.endpoint())]);
    let answer = service.get("/books/dune", "");
    assert!(answer.ends_with("Here is dune.\n"), "{answer}");
    let spans = collector.received(1).block();
    assert_eq!(spans.only().name, "GET /books/{title}");
    let page = service.get("/metrics", "");
    assert!(page.contains("# TYPE http_server_request_duration_seconds histogram"), "{page}");
    assert!(page.contains(r#"target_info{"#) && page.contains(r#"service_name="library""#));
    // The scrape itself is not traced.
    assert_eq!(collector.spans().len(), 1);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it() {
    let collector = Collector::start();
    let variables = [("COLLECTOR", &*collector.endpoint())];
    Service::assert_ends_well(PROGRAM, &variables, "GET /books/dune");
    // Once for each of two signals; what waited was exported.
    assert_eq!(collector.spans().len(), 2);
}

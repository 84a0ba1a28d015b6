//! docs/troubleshooting.md

use tests::Service;
use tracewire_testing::Collector;

const PROGRAM: &str = env!("CARGO_BIN_EXE_troubleshooting");

#[test]
fn a_default_in_code_yields_to_the_environment() {
    let collector = Collector::start();
    let variables =
        [("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.endpoint())];
    let service = Service::start(PROGRAM, &variables);
    assert!(service.get("/", "").starts_with("HTTP/1.1 404"));
    let spans = collector.received(1).block();
    let span = spans.only();
    let name = span.resource.iter().find(|pair| pair.key.as_str() == "service.name");
    assert_eq!(name.unwrap().value.as_str(), "shop");
}

#[cfg(unix)]
#[test]
fn a_service_without_open_requests_ends_at_once() {
    Service::assert_ends_well(PROGRAM, &[], "GET /");
}

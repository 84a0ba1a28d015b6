//! Exclusions by environment.

use crate::{
    headers::relayed,
    process::{Service, values},
};
use tracewire_testing::Collector;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A service that exports to this collector whatever its sampler is asked about.
fn start(collector: &Collector, variables: &[(&str, &str)]) -> Service {
    let endpoint = collector.endpoint();
    let mut all = vec![
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_TRACES_SAMPLER", "always_on"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ];
    all.extend(variables);
    Service::start(&all)
}

/// The names of the spans that the service exported.
fn exported(service: Service, collector: &Collector) -> Vec<String> {
    assert!(service.terminate().success());
    let mut names: Vec<_> = collector.spans().iter().map(|span| span.name.to_string()).collect();
    names.sort();
    names
}

#[test]
fn paths_are_excluded_by_a_variable() {
    let collector = Collector::start();
    let service = start(&collector, &[("TRACEWIRE_EXCLUDED_PATHS", "/nowhere, /rel*")]);
    let head = relayed(&service, "");
    let [parent] = values(&head, "traceparent")[..] else { panic!("{head}") };
    assert!(parent.ends_with("-02"), "{head}");
    let head = relayed(&service, &format!("traceparent: {PARENT}"));
    assert_eq!(values(&head, "traceparent"), [PARENT]);
    assert!(service.send("GET /users/1 HTTP/1.1").starts_with("HTTP/1.1 200"));
    assert_eq!(exported(service, &collector), ["GET /users/{id}"]);
}

#[test]
fn urls_are_excluded_by_a_variable() {
    let collector = Collector::start();
    let service = start(&collector, &[("TRACEWIRE_EXCLUDED_URLS", "metadata.internal,127.0.0.1")]);
    let head = relayed(&service, &format!("traceparent: {PARENT}"));
    let [parent] = values(&head, "traceparent")[..] else { panic!("{head}") };
    assert!(parent.starts_with(&PARENT[..36]) && !parent.starts_with(&PARENT[..50]), "{head}");
    assert_eq!(exported(service, &collector), ["GET /relay"]);
}

//! The programs about where spans go: what a collector in that place receives.

mod support;

use support::{program, run, sending, service_name};
use tracewire_testing::{Collector, Received};

/// A header of the one request with spans that the collector got.
fn header(collector: &Collector, name: &str) -> String {
    let requests = collector.requests();
    let spans: Vec<_> = requests.iter().filter(|request| request.path == "/v1/traces").collect();
    let [Received { headers, .. }] = &spans[..] else { panic!("{requests:#?}") };
    headers[name].to_str().expect("a header of ASCII").to_owned()
}

#[test]
fn collector_is_where_the_standard_variables_say() {
    let collector = Collector::start();
    let mut command = sending(env!("CARGO_BIN_EXE_collector"), &collector);
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "metadata=some");
    assert_eq!(run(command), "Hello world!\n");
    collector.spans().assert_snapshot("foo");
    assert_eq!(header(&collector, "metadata"), "some");
}

#[test]
fn collector_is_spoken_to_in_grpc_if_a_variable_says_so() {
    let collector = Collector::start();
    let mut command = sending(env!("CARGO_BIN_EXE_collector"), &collector);
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    run(command);
    collector.spans().assert_snapshot("foo");
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    assert_eq!(collector.requests()[0].path, path);
}

#[test]
fn jaeger_sees_a_service_of_that_name() {
    let collector = Collector::start();
    run(sending(env!("CARGO_BIN_EXE_jaeger"), &collector));
    let spans = collector.spans();
    spans.assert_snapshot("foo\n  bar\n    baz");
    assert_eq!(service_name(&spans.one("foo")), "my-helloworld-service");
}

#[test]
fn uptrace_is_told_the_dsn() {
    const DSN: &str = "https://token@api.uptrace.dev?grpc=4317";
    let collector = Collector::start();
    let mut command = sending(env!("CARGO_BIN_EXE_uptrace"), &collector);
    command.env("UPTRACE_DSN", DSN);
    run(command);
    collector.spans().assert_snapshot("insert-user");
    assert_eq!(header(&collector, "uptrace-dsn"), DSN);
}

#[test]
fn datadog_agent_takes_otlp() {
    let collector = Collector::start();
    assert_eq!(run(sending(env!("CARGO_BIN_EXE_datadog"), &collector)), "Doing work...\n");
    collector.spans().assert_snapshot("operation_name");
}

#[test]
fn elastic_is_shown_the_token() {
    let collector = Collector::start();
    let mut command = program(env!("CARGO_BIN_EXE_elastic"));
    command.env("ELASTIC_APM_SERVER_URL", collector.endpoint());
    command.env("ELASTIC_APM_SECRET_TOKEN", "secret");
    run(command);
    collector.spans().assert_snapshot("test");
    assert_eq!(header(&collector, "authorization"), "Bearer secret");
}

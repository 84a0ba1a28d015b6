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
fn uptrace_is_where_the_dsn_says() {
    let collector = Collector::start();
    let dsn = format!("http://token@{}?grpc=4317", collector.address());
    let mut command = program(env!("CARGO_BIN_EXE_uptrace"));
    command.env("UPTRACE_DSN", &dsn);
    run(command);
    collector.spans().assert_snapshot("insert-user");
    assert_eq!(header(&collector, "uptrace-dsn"), dsn);
}

#[test]
fn datadog_is_told_service_and_environment() {
    let collector = Collector::start();
    // The Agent's port is fixed, so the standard variable has to name ours.
    let mut command = sending(env!("CARGO_BIN_EXE_datadog"), &collector);
    command.envs([("DD_AGENT_HOST", "127.0.0.1"), ("DD_SERVICE", "shop"), ("DD_ENV", "prod")]);
    assert_eq!(run(command), "Doing work...\n");
    let spans = collector.spans();
    let expected = "operation_name\n| _dd.p.tid = \"…\"\n| _sample_rate = 1.0";
    spans.without_values_of(["_dd.p.tid"]).assert_snapshot(expected);
    let span = spans.one("operation_name");
    assert_eq!(service_name(&span), "shop");
    assert!(
        span.resource
            .iter()
            .any(|own| own.key.as_str() == "deployment.environment.name"
                && own.value.as_str() == "prod"),
        "{:?}",
        span.resource
    );
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

//! A tutorial's program as a user runs it, with a collector that sees what it sends.
#![allow(dead_code)] // no test needs all of it

use std::process::{Command, Output};
use tracewire_testing::{Collector, Span, Spans};

/// The program `CARGO_BIN_EXE_…`, without the telemetry settings of the process that tests it.
pub(crate) fn program(executable: &str) -> Command {
    let mut command = Command::new(executable);
    for (name, _) in std::env::vars() {
        if ["OTEL_", "TRACEWIRE_", "UPTRACE_", "DD_", "ELASTIC_"]
            .iter()
            .any(|own| name.starts_with(own))
        {
            command.env_remove(name);
        }
    }
    command
}

/// The program, which sends to this collector unless it knows better.
pub(crate) fn sending(executable: &str, collector: &Collector) -> Command {
    let mut command = program(executable);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    command
}

/// What the program printed; it must end well and have nothing to complain of.
pub(crate) fn run(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the program was just built");
    let (stdout, stderr) = (text(stdout), text(stderr));
    assert!(status.success() && stderr.is_empty(), "{status}\n{stdout}\n{stderr}");
    stdout
}

/// What the collector received by the time the program had ended.
pub(crate) fn spans_of(executable: &str) -> Spans {
    let collector = Collector::start();
    run(sending(executable, &collector));
    collector.spans()
}

/// Who sent the span, as its resource has it.
pub(crate) fn service_name(span: &Span) -> String {
    let name = span.resource.iter().find(|own| own.key.as_str() == "service.name");
    name.expect("every resource has a service name").value.to_string()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("programs print text")
}

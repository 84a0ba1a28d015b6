//! Spans to an OpenTelemetry Collector.
#![allow(clippy::print_stdout)] // a program that talks to a person

use tracewire::{InitError, span::span};

fn main() -> Result<(), InitError> {
    // http://localhost:4318, unless OTEL_EXPORTER_OTLP_ENDPOINT and _HEADERS say otherwise
    let telemetry = tracewire::init()?;

    span("foo").in_scope(|| println!("Hello world!"));

    telemetry.shutdown();
    Ok(())
}

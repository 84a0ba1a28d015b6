//! Spans to Jaeger, which receives OTLP.
#![allow(clippy::print_stdout)] // a program that talks to a person

use tracewire::{InitError, Telemetry, span::span};

fn main() -> Result<(), InitError> {
    let telemetry = Telemetry::builder()
        .service_name("my-helloworld-service")
        .metrics([]) // Jaeger takes traces only
        .init()?;

    span("foo").in_scope(|| {
        span("bar").in_scope(|| {
            span("baz").in_scope(|| println!("Hello world from OpenTelemetry Rust!"));
        });
    });

    telemetry.shutdown();
    Ok(())
}

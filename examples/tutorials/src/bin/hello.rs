//! Three spans, each inside the one before, on the console.
#![allow(clippy::print_stdout)] // a program that talks to a person

use tracewire::{InitError, Telemetry, setup::TracesExporter, span::span};

fn main() -> Result<(), InitError> {
    let telemetry = Telemetry::builder().traces([TracesExporter::console()]).init()?;

    span("foo").in_scope(|| {
        span("bar").in_scope(|| {
            span("baz").in_scope(|| println!("Hello world from OpenTelemetry Rust!"));
        });
    });

    telemetry.shutdown();
    Ok(())
}

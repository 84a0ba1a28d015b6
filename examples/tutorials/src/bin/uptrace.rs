//! Spans to Uptrace.

use tracewire::{InitError, span::span};

fn main() -> Result<(), InitError> {
    let telemetry = tracewire::init()?; // UPTRACE_DSN has the endpoint and the project

    span("insert-user").in_scope(|| ());

    telemetry.shutdown();
    Ok(())
}

//! Spans to Uptrace.

use tracewire::{InitError, span::span};

fn main() -> Result<(), InitError> {
    let telemetry = tracewire::init()?; // UPTRACE_DSN says where, and who we are

    span("insert-user").in_scope(|| ());

    telemetry.shutdown();
    Ok(())
}

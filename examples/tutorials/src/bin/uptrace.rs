//! Spans to Uptrace.

use tracewire::{Telemetry, span::span};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // OTEL_EXPORTER_OTLP_ENDPOINT is https://api.uptrace.dev, or your own
    let dsn = std::env::var("UPTRACE_DSN")?;
    let telemetry = Telemetry::builder().header("uptrace-dsn", dsn).init()?;

    span("insert-user").in_scope(|| ());

    telemetry.shutdown();
    Ok(())
}

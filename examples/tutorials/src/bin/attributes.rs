//! Attributes at the start of a span and later.

use tracewire::{
    InitError, Telemetry,
    span::{SpanKind, current, span},
};

fn main() -> Result<(), InitError> {
    let telemetry = Telemetry::builder().service_name("my-service").init()?;

    span("my-operation").attribute("user.id", 42).in_scope(|| {
        current().set_attribute("key", "value");
    });

    span("operation-name").kind(SpanKind::Server).in_scope(|| {
        // Where values are expensive, compute them only if the span is recording.
        current().if_recording(|span| {
            span.set_attribute("http.method", "GET").set_attribute("http.route", "/projects/:id");
        });
    });

    telemetry.shutdown();
    Ok(())
}

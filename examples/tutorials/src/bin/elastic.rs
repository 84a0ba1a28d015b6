//! Spans to Elastic's APM Server.

use tracewire::{InitError, span::span};

fn main() -> Result<(), InitError> {
    let telemetry = tracewire::init()?; // ELASTIC_APM_SERVER_URL, ELASTIC_APM_SECRET_TOKEN …

    span("test").in_scope(|| ());

    telemetry.shutdown();
    Ok(())
}

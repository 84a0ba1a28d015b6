//! Spans to Elastic's APM Server, by OTLP.

use std::env;
use tracewire::{Telemetry, span::span};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let token = env::var("ELASTIC_APM_SECRET_TOKEN")?;
    let telemetry = Telemetry::builder()
        .endpoint(env::var("ELASTIC_APM_SERVER_URL")?)
        .header("authorization", format!("Bearer {token}"))
        .init()?;

    span("test").in_scope(|| ());

    telemetry.shutdown();
    Ok(())
}

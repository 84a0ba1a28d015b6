//! docs/datadog.md
#![allow(dead_code, reason = "it needs a server of the vendor's")]

use tracewire::setup::{Datadog, Telemetry};

fn start() -> Result<Telemetry, tracewire::InitError> {
    let datadog = Datadog::new()
        .agent_host("10.0.0.1")
        .service("shop")
        .env("prod")
        .version(env!("CARGO_PKG_VERSION"))
        .sample_rate(0.1);
    Telemetry::builder().datadog(datadog).init()
}

mod names {
    use tracewire::span::span;

    pub(super) async fn charge() {
        span("charge")
            .attribute("resource.name", "charge card")
            .attribute("span.type", "worker")
            .run(async { /* the work */ })
            .await;
    }
}

#[tokio::test]
async fn a_span_with_datadog_s_names_runs() {
    names::charge().await;
}

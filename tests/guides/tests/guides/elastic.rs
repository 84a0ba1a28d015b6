//! docs/elastic.md
#![allow(dead_code, reason = "it needs a server of the vendor's")]

use tracewire::setup::{Elastic, Telemetry};

fn start(token: &str) -> Result<Telemetry, tracewire::InitError> {
    let elastic = Elastic::new()
        .server_url("https://apm.example:8200")
        .secret_token(token)
        .service_name("shop")
        .environment("prod")
        .transaction_sample_rate(0.1);
    Telemetry::builder().elastic(elastic).init()
}

//! A call that carries its trace in B3's header: `cargo run --bin b3 http://127.0.0.1:5000`.

use reqwest_middleware::ClientBuilder;
use std::sync::Arc;
use tracewire::{ClientMiddleware, Telemetry, propagation::B3};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = Telemetry::builder().propagator(Arc::new(B3::single())).init()?;

    let url = std::env::args().nth(1).ok_or("usage: b3 <url>")?;
    let client = ClientBuilder::new(reqwest::Client::new()).with(ClientMiddleware::new()).build();
    client.get(url).send().await?;

    telemetry.shutdown();
    Ok(())
}

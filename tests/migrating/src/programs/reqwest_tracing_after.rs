use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::{env, error::Error};
use tracewire::{ClientMiddleware, client::UrlTemplates, setup::ContextLayer};
use tracing::instrument;
use tracing_subscriber::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = tracewire::init()?;
    tracing_subscriber::registry().with(telemetry.span_layer()).with(ContextLayer::new()).init();

    let templates = UrlTemplates::new(["/prices/{id}"]);
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(ClientMiddleware::new().url_templates(templates))
        .build();
    let service = env::args().next_back().unwrap_or_default();
    for id in [7, 8, 9] {
        _ = load_price(&client, &service, id).await; // its span has the error
    }
    telemetry.shutdown();
    Ok(())
}

#[instrument(skip(client, service), err)]
async fn load_price(
    client: &ClientWithMiddleware,
    service: &str,
    id: u32,
) -> reqwest_middleware::Result<String> {
    let request = client.get(format!("{service}/prices/{id}"));
    Ok(request.send().await?.error_for_status()?.text().await?)
}

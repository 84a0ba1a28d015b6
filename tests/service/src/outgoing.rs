//! The instrumented client that both modes use.

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::time::Duration;
use tracewire::{ClientMiddleware, client::Destinations};

/// A client that gives up after ten seconds and sends trace context and baggage anywhere.
pub(crate) fn client() -> ClientWithMiddleware {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()
        .expect("no TLS and no proxy is configured, so nothing can fail");
    ClientBuilder::new(client)
        .with(ClientMiddleware::new().destinations(Destinations::all()))
        .build()
}

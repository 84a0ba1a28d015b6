//! The instrumented client that both modes use.

use reqwest::{Method, Request, Response, Url};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};
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

/// A request of which the middleware sees exactly what was asked for: reqwest's own builder turns
/// user information of the URL into a header before.
pub(crate) fn request(method: Method, url: &str) -> Result<Request, String> {
    let url: Url = url.parse().map_err(|error| format!("no URL: {error}"))?;
    Ok(Request::new(method, url))
}

/// Sends `request`; an error shows no URL.
pub(crate) async fn send(
    client: &ClientWithMiddleware,
    request: Request,
) -> Result<Response, String> {
    client.execute(request).await.map_err(Error::without_url).map_err(|error| error.to_string())
}

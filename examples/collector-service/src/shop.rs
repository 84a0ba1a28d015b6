//! The shop: an order calls the stock, another route of this service, over HTTP.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use reqwest_middleware::ClientWithMiddleware;
use tracewire::{
    ServerLayer,
    span::{self, Event, span},
};

#[derive(Clone)]
struct Shop {
    client: ClientWithMiddleware,
    url: String,
}

pub(crate) fn app(client: ClientWithMiddleware, url: String) -> Router {
    Router::new()
        .route("/orders/{item}", get(order))
        .route("/stock/{item}", get(stock))
        .layer(ServerLayer::new())
        .with_state(Shop { client, url })
}

async fn order(
    State(shop): State<Shop>,
    Path(item): Path<String>,
) -> Result<String, (StatusCode, String)> {
    tracing::info!(item, "order received");
    match span("reserve").attribute("shop.item", item.clone()).run(reserve(&shop, &item)).await {
        Ok(left) => Ok(format!("Yours. Left: {left}.\n")),
        Err(error) => {
            tracing::error!(item, "order failed");
            Err((StatusCode::BAD_GATEWAY, format!("{error}\n")))
        }
    }
}

/// Takes one item from the stock. An error is recorded automatically on the span around this call.
async fn reserve(shop: &Shop, item: &str) -> Result<String, reqwest_middleware::Error> {
    let response = shop.client.get(format!("{}/stock/{item}", shop.url)).send().await?;
    // The client span has the URL already.
    let response = response.error_for_status().map_err(reqwest::Error::without_url)?;
    let left = response.text().await?;
    span::current().add_event(Event::new("reserved").attribute("shop.left", left.clone()));
    Ok(left)
}

async fn stock(Path(item): Path<String>) -> Result<&'static str, StatusCode> {
    match item.as_str() {
        "lamp" => Ok("4"),
        "chair" => Ok("11"),
        // to show a failed request
        "unicorn" => Err(StatusCode::INTERNAL_SERVER_ERROR),
        _ => Err(StatusCode::NOT_FOUND),
    }
}

//! The shop: answers customers, and asks the inventory for prices.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use reqwest_middleware::ClientWithMiddleware;
use serde_json::{Value, json};
use tracewire::{ServerLayer, span};

#[derive(Clone)]
struct Shop {
    client: ClientWithMiddleware,
    inventory: String,
}

pub(crate) fn app(client: ClientWithMiddleware, inventory: String) -> Router {
    Router::new()
        .route("/items/{item}", get(show_item))
        .layer(ServerLayer::new())
        .with_state(Shop { client, inventory })
}

async fn show_item(
    State(shop): State<Shop>,
    Path(item): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let price = span::span("find price")
        .attribute("shop.item", item.clone())
        .run(find_price(&shop, &item))
        .await
        .map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(Json(json!({ "item": item, "price": price })))
}

/// Asks the inventory. An error is recorded automatically on the span around this call.
async fn find_price(shop: &Shop, item: &str) -> Result<u64, reqwest_middleware::Error> {
    let url = format!("{}/prices/{item}", shop.inventory);
    let response = shop.client.get(url).send().await?.error_for_status()?;
    Ok(response.json().await?)
}

//! The inventory: knows what things cost.

use axum::{Json, Router, extract::Path, http::StatusCode, routing::get};
use tracewire::ServerLayer;

pub(crate) fn app() -> Router {
    Router::new().route("/prices/{item}", get(price)).layer(ServerLayer::new())
}

async fn price(Path(item): Path<String>) -> Result<Json<u64>, StatusCode> {
    match item.as_str() {
        "lamp" => Ok(Json(25)),
        "chair" => Ok(Json(60)),
        // Nobody knows what a unicorn costs, least of all our database.
        "unicorn" => Err(StatusCode::INTERNAL_SERVER_ERROR),
        _ => Err(StatusCode::NOT_FOUND),
    }
}

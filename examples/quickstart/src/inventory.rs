//! The inventory: knows what things cost.

use axum::{Json, Router, extract::Path, http::StatusCode, routing::get};
use tracewire::{ServerLayer, Telemetry};

/// Its spans and metrics carry the resource of `telemetry`, not that of the rest of the process.
pub(crate) fn app(telemetry: &Telemetry) -> Router {
    let mut layer = ServerLayer::new();
    if let Some(provider) = telemetry.tracer_provider() {
        layer = layer.tracer_provider(provider.clone());
    }
    if let Some(provider) = telemetry.meter_provider() {
        layer = layer.meter_provider(provider.clone());
    }
    Router::new().route("/prices/{item}", get(price)).layer(layer)
}

async fn price(Path(item): Path<String>) -> Result<Json<u64>, StatusCode> {
    match item.as_str() {
        "lamp" => Ok(Json(25)),
        "chair" => Ok(Json(60)),
        "unicorn" => Err(StatusCode::INTERNAL_SERVER_ERROR), // to show a failed request
        _ => Err(StatusCode::NOT_FOUND),
    }
}

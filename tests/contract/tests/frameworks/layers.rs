//! Our two layers and the middleware around them, as a scenario sets them up.

use contract::{client, server};
use http::StatusCode;
use std::time::Duration;
use tower_http::timeout::TimeoutLayer;
use tracewire_testing::Capture;
use tracewire_tower::{ClientLayer, ServerLayer};

pub(crate) fn server_layer(setup: &server::Setup) -> ServerLayer {
    contract::configured_server!(ServerLayer::new(), setup)
}

pub(crate) fn no_time() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_millis(1))
}

pub(crate) fn client_layer(capture: &Capture, setup: client::Setup) -> ClientLayer {
    contract::configured_client!(ClientLayer::new(), capture, setup)
}

//! Our two layers and the middleware around them, as a scenario sets them up.

use contract::{client, propagator, server};
use http::StatusCode;
use std::time::Duration;
use tower_http::timeout::TimeoutLayer;
use tracewire_testing::Capture;
use tracewire_tower::{ClientLayer, ServerLayer, client::HeaderSelector};

pub(crate) fn server_layer(setup: &server::Setup) -> ServerLayer {
    let mut layer = ServerLayer::new()
        .tracer_provider(setup.capture.tracer_provider())
        .meter_provider(setup.capture.meter_provider())
        .propagator(propagator())
        .active_requests(true)
        .trust(setup.trust)
        .trusted_proxies(setup.trusted_proxies.clone())
        .capture_request_headers(setup.capture_request_headers.clone())
        .capture_response_headers(setup.capture_response_headers.clone())
        .client_port(setup.client_port)
        .body_sizes(setup.body_sizes)
        .follow_upgrades(setup.follow_upgrades);
    if let Some(decide) = setup.trust_by {
        layer = layer.trust_by(move |request| decide(request.headers));
    }
    if setup.nothing_traced {
        layer = layer.filter(|_| false);
    }
    layer
}

pub(crate) fn no_time() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_millis(1))
}

pub(crate) fn client_layer(capture: &Capture, setup: client::Setup) -> ClientLayer {
    let layer = ClientLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .propagator(propagator())
        .end_at_body(setup.end_at_body)
        .active_requests(setup.active_requests)
        .body_sizes(setup.body_sizes);
    if setup.capture {
        layer
            .capture_request_headers(HeaderSelector::new(["x-test-request"]))
            .capture_response_headers(HeaderSelector::new(["x-test-response"]))
    } else {
        layer
    }
}

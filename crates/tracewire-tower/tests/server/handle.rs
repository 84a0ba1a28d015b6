//! The handle that those who answer have on the exchange.

use crate::recorded::{active_requests, duration, layer, server_span};
use axum::{Extension, Router, body::Body, routing::get};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use opentelemetry::{KeyValue, trace::Status};
use std::sync::{Arc, Mutex};
use tower::ServiceExt;
use tracewire_testing::Capture;
use tracewire_tower::{
    ServerLayer,
    server::{ErrorType, ExchangeHandle},
};

async fn answer<H>(layer: ServerLayer, status: StatusCode, with: H)
where
    H: Fn(ExchangeHandle) + Clone + Send + Sync + 'static,
{
    let handler = async move |Extension(handle): Extension<ExchangeHandle>| {
        with(handle);
        status
    };
    let app = Router::new().fallback(get(handler)).layer(layer);
    let response = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
}

#[tokio::test]
async fn handler_adds_to_the_metric_and_tells_the_route() {
    let capture = Capture::new();
    answer(layer(&capture), StatusCode::OK, |handle| {
        handle.set_route("/tenants/{tenant}");
        handle.set_route("/too/late");
        handle.add_metric_attribute(KeyValue::new("shop.tier", "gold"));
    })
    .await;
    let span = server_span(&capture);
    assert_eq!(span.name, "GET /tenants/{tenant}");
    let duration = duration(&capture);
    assert_eq!(duration.attribute("http.route"), Some(&"/tenants/{tenant}".into()));
    assert_eq!(duration.attribute("shop.tier"), Some(&"gold".into()));
}

#[tokio::test]
async fn handler_marks_the_outcome() {
    let capture = Capture::new();
    answer(layer(&capture), StatusCode::OK, |handle| handle.fail(ErrorType::Named("stale"))).await;
    server_span(&capture).is_status(Status::error("")).has("error.type", "stale");

    let capture = Capture::new();
    answer(layer(&capture), StatusCode::SERVICE_UNAVAILABLE, |handle| handle.succeed()).await;
    server_span(&capture).is_status(Status::Unset).lacks("error.type");
}

#[tokio::test]
async fn followed_upgrade_ends_with_the_last_handle() {
    let capture = Capture::new();
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    answer(
        layer(&capture).follow_upgrades(true).active_requests(true),
        StatusCode::SWITCHING_PROTOCOLS,
        move |handle| *keep.lock().unwrap() = Some(handle),
    )
    .await;
    assert!(capture.spans().is_empty());
    assert_eq!(active_requests(&capture), 1.0);

    let handle = kept.lock().unwrap().take().unwrap();
    handle.set_route("/socket");
    drop(handle);
    let span = server_span(&capture);
    assert_eq!(span.name, "GET /socket");
    assert_eq!(span.status, Status::Unset);
    assert_eq!(active_requests(&capture), 0.0);
}

#[tokio::test]
async fn followed_upgrade_that_nobody_keeps_ends_at_once() {
    let capture = Capture::new();
    let layer = layer(&capture).follow_upgrades(true);
    answer(layer, StatusCode::SWITCHING_PROTOCOLS, drop).await;
    server_span(&capture).is_status(Status::Unset);
}

#[tokio::test]
async fn upgrade_ends_at_the_response_by_default() {
    let capture = Capture::new();
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    answer(layer(&capture), StatusCode::SWITCHING_PROTOCOLS, move |handle| {
        *keep.lock().unwrap() = Some(handle);
    })
    .await;
    server_span(&capture).is_status(Status::Unset);
    drop(kept);
}

//! The handle that those who answer have on the exchange.

use crate::recorder::{Recorder, attributes};
use axum::{Extension, Router, body::Body, routing::get};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use opentelemetry::{KeyValue, trace::Status};
use std::sync::{Arc, Mutex};
use tower::ServiceExt;
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
    let recorder = Recorder::new();
    answer(recorder.layer(), StatusCode::OK, |handle| {
        handle.set_route("/tenants/{tenant}");
        handle.set_route("/too/late");
        handle.add_metric_attribute(KeyValue::new("shop.tier", "gold"));
    })
    .await;
    let span = recorder.server_span();
    assert_eq!(span.name, "GET /tenants/{tenant}");
    let (on_metric, _) = &recorder.durations()[0];
    assert_eq!(on_metric["http.route"], "/tenants/{tenant}");
    assert_eq!(on_metric["shop.tier"], "gold");
}

#[tokio::test]
async fn handler_marks_the_outcome() {
    let recorder = Recorder::new();
    answer(recorder.layer(), StatusCode::OK, |handle| handle.fail(ErrorType::Named("stale"))).await;
    let span = recorder.server_span();
    assert_eq!(span.status, Status::error(""));
    assert_eq!(attributes(&span.attributes)["error.type"], "stale");

    let recorder = Recorder::new();
    answer(recorder.layer(), StatusCode::SERVICE_UNAVAILABLE, |handle| handle.succeed()).await;
    let span = recorder.server_span();
    assert_eq!(span.status, Status::Unset);
    assert!(!attributes(&span.attributes).contains_key("error.type"));
}

#[tokio::test]
async fn followed_upgrade_ends_with_the_last_handle() {
    let recorder = Recorder::new();
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    answer(
        recorder.layer().follow_upgrades(true).active_requests(true),
        StatusCode::SWITCHING_PROTOCOLS,
        move |handle| *keep.lock().unwrap() = Some(handle),
    )
    .await;
    assert!(recorder.spans().is_empty());
    assert_eq!(recorder.active_requests()[0].1, 1);

    let handle = kept.lock().unwrap().take().unwrap();
    handle.set_route("/socket");
    drop(handle);
    let span = recorder.server_span();
    assert_eq!(span.name, "GET /socket");
    assert_eq!(span.status, Status::Unset);
    assert_eq!(recorder.active_requests()[0].1, 0);
}

#[tokio::test]
async fn followed_upgrade_that_nobody_keeps_ends_at_once() {
    let recorder = Recorder::new();
    let layer = recorder.layer().follow_upgrades(true);
    answer(layer, StatusCode::SWITCHING_PROTOCOLS, drop).await;
    assert_eq!(recorder.server_span().status, Status::Unset);
}

#[tokio::test]
async fn upgrade_ends_at_the_response_by_default() {
    let recorder = Recorder::new();
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    answer(recorder.layer(), StatusCode::SWITCHING_PROTOCOLS, move |handle| {
        *keep.lock().unwrap() = Some(handle);
    })
    .await;
    assert_eq!(recorder.server_span().status, Status::Unset);
    drop(kept);
}

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
    server_span(&capture).is_status(Status::Unset).has_no("error.type");
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

/// The parts of a request, as a handler that answers later keeps them.
async fn kept_parts(layer: ServerLayer) -> http::request::Parts {
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let handler = async move |request: Request<Body>| {
        *keep.lock().unwrap() = Some(request.into_parts().0);
    };
    let app = Router::new().fallback(get(handler)).layer(layer);
    let response = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
    kept.lock().unwrap().take().unwrap()
}

#[tokio::test]
async fn request_kept_and_sent_again_gets_a_span_of_its_own() {
    let (first, second) = (Capture::new(), Capture::new());
    let parts = kept_parts(layer(&first)).await;
    server_span(&first);
    let again = Router::new()
        .route(
            "/",
            get(async |Extension(handle): Extension<ExchangeHandle>| {
                handle.fail(ErrorType::Named("stale"));
            }),
        )
        .layer(layer(&second));
    for count in 1..=2 {
        let request = Request::from_parts(parts.clone(), Body::empty());
        let response = again.clone().oneshot(request).await.unwrap();
        response.into_body().collect().await.unwrap();
        // The handle that its handler got is the new one.
        let spans = second.spans();
        assert_eq!(spans.len(), count);
        for span in spans.iter() {
            span.has("error.type", "stale");
        }
    }
    server_span(&first).has_no("error.type");
}

#[tokio::test]
async fn excluded_request_that_is_kept_and_sent_again_is_decided_anew() {
    let (first, second) = (Capture::new(), Capture::new());
    let parts = kept_parts(layer(&first).exclude_paths(["/"])).await;
    let again = Router::new().route("/", get(async || "")).layer(layer(&second));
    let response = again.oneshot(Request::from_parts(parts, Body::empty())).await.unwrap();
    response.into_body().collect().await.unwrap();
    assert!(first.spans().is_empty());
    server_span(&second);
}

#[tokio::test]
async fn excluded_request_that_another_task_sends_on_stays_excluded() {
    let capture = Capture::new();
    let inner = Router::new().route("/", get(async || "")).layer(layer(&capture));
    let handler = async move |request: Request<Body>| {
        tokio::spawn(inner.clone().oneshot(request)).await.unwrap().unwrap()
    };
    let app = Router::new().fallback(get(handler)).layer(layer(&capture).exclude_paths(["/"]));
    let response = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
    assert!(capture.spans().is_empty());
}

#[tokio::test]
async fn request_sent_on_while_it_is_under_way_stays_one_span() {
    let capture = Capture::new();
    let inner = Router::new().route("/", get(async || "")).layer(layer(&capture));
    // Two clones at once.
    let handler = async move |request: Request<Body>| {
        let (parts, _) = request.into_parts();
        let send = || inner.clone().oneshot(Request::from_parts(parts.clone(), Body::empty()));
        let (one, other) = futures_util::future::join(send(), send()).await;
        (one.unwrap().status(), other.unwrap().status()).0
    };
    let app = Router::new().fallback(get(handler)).layer(layer(&capture));
    let response = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
    assert_eq!(capture.spans().len(), 1);
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

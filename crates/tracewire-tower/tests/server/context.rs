//! Whose child the span is, and who is its child.

use crate::recorded::{duration, layer, server_span};
use axum::{Router, body::Body, routing::get};
use http::Request;
use http_body_util::BodyExt;
use opentelemetry::{
    Context,
    baggage::BaggageExt,
    trace::{SpanId, TraceContextExt, TraceId, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::Sampler;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;
use tracewire_testing::Capture;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

async fn send(app: Router, headers: &[(&str, &str)]) {
    let mut request = Request::get("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
}

#[tokio::test]
async fn remote_parent_is_continued() {
    let capture = Capture::new();
    let app = Router::new().route("/", get(async || "")).layer(layer(&capture));
    send(app, &[("traceparent", &format!("00-{TRACE}-{PARENT}-01"))]).await;

    let span = server_span(&capture);
    assert_eq!(span.trace_id, TraceId::from_hex(TRACE).unwrap());
    assert_eq!(span.parent_span_id, Some(SpanId::from_hex(PARENT).unwrap()));
    assert!(span.parent_is_remote);
}

#[tokio::test]
async fn malformed_parent_starts_a_new_trace() {
    let capture = Capture::new();
    let app = Router::new().route("/", get(async || "")).layer(layer(&capture));
    send(app, &[("traceparent", "00-1-1-01")]).await;

    let span = server_span(&capture);
    span.is_root();
    assert_ne!(span.trace_id, TraceId::from(1));
}

#[tokio::test]
async fn context_is_current_in_the_call_the_future_and_the_body() {
    let capture = Capture::new();
    let tracer = capture.tracer_provider().tracer("test");
    let handler = move || {
        // The handler's own call, its future, and its body.
        tracer.start("future");
        let body = futures_util::stream::once({
            let tracer = tracer.clone();
            async move {
                tracer.start("body");
                Ok::<_, std::io::Error>("x")
            }
        });
        async { Body::from_stream(body) }
    };
    let call = capture.tracer_provider().tracer("test");
    let app = Router::new()
        .route("/", get(handler))
        .layer(tower::util::MapRequestLayer::new(move |request: Request<Body>| {
            call.start("call");
            request
        }))
        .layer(layer(&capture));
    send(app, &[]).await;

    capture.spans().assert_tree(
        "
        GET / [server]
          call
          future
          body
        ",
    );
}

#[tokio::test]
async fn nothing_stays_attached_after_the_request() {
    let capture = Capture::new();
    let app = Router::new().route("/", get(async || "")).layer(layer(&capture));
    send(app, &[]).await;
    assert!(!Context::current().has_active_span());
}

#[tokio::test]
async fn baggage_reaches_the_handler() {
    let capture = Capture::new();
    let seen = Arc::new(Mutex::new(None));
    let store = seen.clone();
    let app = Router::new()
        .route(
            "/",
            get(async move || {
                let user = Context::current().baggage().get("user").cloned();
                *store.lock().unwrap() = user.map(|user| user.as_str().to_owned());
            }),
        )
        .layer(layer(&capture));
    send(app, &[("baggage", "user=Ada")]).await;
    assert_eq!(seen.lock().unwrap().as_deref(), Some("Ada"));
}

#[tokio::test]
async fn task_that_outlives_the_request_does_not_hold_its_span_open() {
    let capture = Capture::new();
    let (hold, held) = tokio::sync::oneshot::channel::<Context>();
    let hold = Arc::new(Mutex::new(Some(hold)));
    let app = Router::new()
        .route(
            "/",
            get(async move || {
                let hold = hold.lock().unwrap().take().unwrap();
                hold.send(Context::current()).unwrap();
            }),
        )
        .layer(layer(&capture));
    send(app, &[]).await;
    let held = held.await.unwrap();
    assert_eq!(capture.spans().len(), 1);
    drop(held);
    assert_eq!(capture.spans().len(), 1);
}

#[tokio::test]
async fn unsampled_parent_makes_no_span_but_a_duration() {
    let capture = Capture::new();
    let app = Router::new().route("/", get(async || "")).layer(layer(&capture));
    send(app, &[("traceparent", &format!("00-{TRACE}-{PARENT}-00"))]).await;
    assert!(capture.spans().is_empty());
    assert_eq!(duration(&capture).count, 1);
}

#[tokio::test]
async fn sampler_that_ignores_the_parent_still_gets_a_whole_span() {
    let capture = Capture::with(|spans| spans.with_sampler(Sampler::AlwaysOn));
    let app = Router::new().route("/", get(async || "")).layer(layer(&capture));
    send(app, &[("traceparent", &format!("00-{TRACE}-{PARENT}-00"))]).await;
    let span = server_span(&capture);
    assert_eq!(span.name, "GET /");
    span.has("url.path", "/");
}

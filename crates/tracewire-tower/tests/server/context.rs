//! Where the request's context is current.

use crate::recorded::{layer, server_span};
use axum::{Router, body::Body, routing::get};
use http::Request;
use http_body_util::BodyExt;
use opentelemetry::{
    Context,
    trace::{TraceContextExt, Tracer, TracerProvider},
};
use tower::ServiceExt;
use tracewire_testing::Capture;
use tracewire_tower::server::Trust;

async fn send(app: Router) {
    let response = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
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
    send(app).await;

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
    send(app).await;
    assert!(!Context::current().has_active_span());
}

#[tokio::test]
async fn link_clears_the_ambient_context_too() {
    let capture = Capture::new();
    let tracer = capture.tracer_provider().tracer("test");
    let ambient = Context::new().with_span(tracer.start("ambient"));
    let layer = layer(&capture).trust(Trust::Link);
    let mut sent = Box::pin(send(Router::new().route("/", get(async || "")).layer(layer)));
    std::future::poll_fn(|cx| {
        let _guard = ambient.clone().attach();
        sent.as_mut().poll(cx)
    })
    .await;
    let span = server_span(&capture);
    span.is_root();
    assert!(span.links.is_empty());
}

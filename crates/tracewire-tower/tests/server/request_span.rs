//! The span that tower-http's layer makes with us.

use crate::recorded::{layer, server_span};
use axum::{Router, body::Body, routing::get};
use contract::Lines;
use http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;
use tower_http::trace::TraceLayer;
use tracewire_testing::Capture;
use tracewire_tower::server::RequestSpan;

#[tokio::test]
async fn log_lines_carry_the_trace_and_the_route() {
    let capture = Capture::new();
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _default = tracing::subscriber::set_default(subscriber);

    let app = Router::new()
        .route("/users/{id}", get(async || tracing::info!("hello")))
        .layer(TraceLayer::new_for_http().make_span_with(RequestSpan::new()))
        .layer(layer(&capture));
    let request = Request::get("/users/1").body(Body::empty()).unwrap();
    app.oneshot(request).await.unwrap().into_body().collect().await.unwrap();

    let span = server_span(&capture);
    let lines = lines.text();
    for part in [
        "http.request.method=GET",
        "http.route=\"/users/{id}\"",
        &format!("trace_id={}", span.trace_id),
        &format!("span_id={}", span.span_id),
        "hello",
    ] {
        assert!(lines.contains(part), "{part:?} in {lines}");
    }
}

#[tokio::test]
async fn a_trace_layer_outside_shows_the_ids_of_the_trace_that_the_caller_sent() {
    let capture = Capture::new();
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _default = tracing::subscriber::set_default(subscriber);

    let app = Router::new()
        .route("/users/{id}", get(async || tracing::info!("hello")))
        .layer(layer(&capture))
        .layer(TraceLayer::new_for_http().make_span_with(RequestSpan::new()));
    let request = Request::get("/users/1")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .body(Body::empty())
        .unwrap();
    app.oneshot(request).await.unwrap().into_body().collect().await.unwrap();

    let span = server_span(&capture);
    let lines = lines.text();
    for said in ["hello", "finished processing request"] {
        let line = lines.lines().find(|line| line.contains(said)).expect(said);
        assert_eq!(line.matches("trace_id=0af7651916cd43dd8448eb211c80319c").count(), 1, "{line}");
        assert_eq!(line.matches(&format!("span_id={}", span.span_id)).count(), 1, "{line}");
    }
}

#[tokio::test]
async fn with_ids_in_every_line_each_is_written_once() {
    let capture = Capture::new();
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .map_event_format(tracewire_tracing::TraceIds::new)
        .finish();
    let _default = tracing::subscriber::set_default(subscriber);

    let app = Router::new()
        .route("/users/{id}", get(async || tracing::info!("hello")))
        .layer(TraceLayer::new_for_http().make_span_with(RequestSpan::new()))
        .layer(layer(&capture));
    let request = Request::get("/users/1").body(Body::empty()).unwrap();
    app.oneshot(request).await.unwrap().into_body().collect().await.unwrap();

    let span = server_span(&capture);
    let line = lines.text();
    assert_eq!(line.matches(&span.trace_id.to_string()).count(), 1, "{line}");
    assert_eq!(line.matches(&span.span_id.to_string()).count(), 1, "{line}");
    assert!(line.contains("http.route=\"/users/{id}\"}"), "{line}");
}

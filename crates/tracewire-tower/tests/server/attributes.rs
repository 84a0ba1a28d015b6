//! What the span of a request says.

use crate::recorder::{Recorder, attributes, expected};
use axum::{Router, body::Body, extract::ConnectInfo, routing::get};
use http::{Method, Request, Version};
use http_body_util::BodyExt;
use opentelemetry::trace::SpanKind;
use std::net::SocketAddr;
use tower::ServiceExt;
use tracewire_tower::server::PeerAddress;

async fn send(recorder: &Recorder, request: Request<Body>) {
    let app = Router::new()
        .route("/users/{id}", get(async || "Ada").fallback(async || "any method"))
        .layer(recorder.layer());
    let response = app.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
}

#[tokio::test]
async fn matched_request_has_every_attribute() {
    let recorder = Recorder::new();
    let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    let request = Request::get("/users/1?q=otel&sig=4f3a")
        .header("host", "shop.example:8080")
        .header("user-agent", "curl/8")
        .header("authorization", "Bearer secret")
        .extension(ConnectInfo(peer))
        .body(Body::empty())
        .unwrap();
    send(&recorder, request).await;

    let span = recorder.server_span();
    assert_eq!(span.name, "GET /users/{id}");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.instrumentation_scope.name(), "tracewire-tower");
    assert_eq!(
        span.instrumentation_scope.schema_url(),
        Some("https://opentelemetry.io/schemas/1.44.0")
    );
    assert_eq!(
        attributes(&span.attributes),
        expected([
            ("client.address", "192.0.2.7"),
            ("http.request.method", "GET"),
            ("http.response.status_code", "int 200"),
            ("http.route", "/users/{id}"),
            ("network.peer.address", "192.0.2.7"),
            ("network.peer.port", "int 4711"),
            ("network.protocol.version", "1.1"),
            ("server.address", "shop.example"),
            ("server.port", "int 8080"),
            ("url.path", "/users/1"),
            ("url.query", "q=otel&sig=REDACTED"),
            ("url.scheme", "http"),
            ("user_agent.original", "curl/8"),
        ])
    );
}

#[tokio::test]
async fn bare_request_has_only_what_is_known() {
    let recorder = Recorder::new();
    let request = Request::get("/nowhere").version(Version::HTTP_2).body(Body::empty()).unwrap();
    send(&recorder, request).await;

    let span = recorder.server_span();
    assert_eq!(span.name, "GET");
    assert_eq!(
        attributes(&span.attributes),
        expected([
            ("http.request.method", "GET"),
            ("http.response.status_code", "int 404"),
            ("network.protocol.version", "2"),
            ("url.path", "/nowhere"),
            ("url.scheme", "http"),
        ])
    );
}

#[tokio::test]
async fn unknown_methods_are_other() {
    for (path, name) in [("/users/1", "HTTP /users/{id}"), ("/nowhere", "HTTP")] {
        let recorder = Recorder::new();
        let method = Method::from_bytes(b"get").unwrap();
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        send(&recorder, request).await;

        let span = recorder.server_span();
        assert_eq!(span.name, name);
        let attributes = attributes(&span.attributes);
        assert_eq!(attributes["http.request.method"], "_OTHER");
        assert_eq!(attributes["http.request.method_original"], "get");
    }
}

#[tokio::test]
async fn absolute_target_says_scheme_and_server() {
    let recorder = Recorder::new();
    let request = Request::get("https://[::1]:8443/users/1").body(Body::empty()).unwrap();
    send(&recorder, request).await;

    let attributes = attributes(&recorder.server_span().attributes);
    assert_eq!(attributes["url.scheme"], "https");
    assert_eq!(attributes["server.address"], "::1");
    assert_eq!(attributes["server.port"], "int 8443");
}

#[tokio::test]
async fn given_peer_goes_before_connect_info() {
    let recorder = Recorder::new();
    let request = Request::get("/users/1")
        .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))))
        .extension(PeerAddress("[::ffff:192.0.2.9]:2".parse().unwrap()))
        .body(Body::empty())
        .unwrap();
    send(&recorder, request).await;

    let attributes = attributes(&recorder.server_span().attributes);
    assert_eq!(attributes["network.peer.address"], "192.0.2.9");
    assert_eq!(attributes["network.peer.port"], "int 2");
}

#[tokio::test]
async fn long_text_is_cut_and_marked() {
    let recorder = Recorder::new();
    let path = format!("/{}", "a".repeat(60_000));
    send(&recorder, Request::get(path).body(Body::empty()).unwrap()).await;

    let attributes = attributes(&recorder.server_span().attributes);
    assert_eq!(attributes["url.path"].len(), 4096);
    assert!(attributes["url.path"].ends_with('…'));
}

//! What the span of a request says.

use crate::recorded::{layer, server_span};
use axum::{Router, body::Body, extract::ConnectInfo, routing::get};
use http::{Method, Request, Version};
use http_body_util::BodyExt;
use std::net::SocketAddr;
use tower::ServiceExt;
use tracewire_testing::Capture;
use tracewire_tower::server::PeerAddress;

async fn send(capture: &Capture, request: Request<Body>) {
    let app = Router::new()
        .route("/users/{id}", get(async || "Ada").fallback(async || "any method"))
        .layer(layer(capture));
    let response = app.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
}

#[tokio::test]
async fn matched_request_has_every_attribute() {
    let capture = Capture::new();
    let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    let request = Request::get("/users/1?q=otel&sig=4f3a")
        .header("host", "shop.example:8080")
        .header("user-agent", "curl/8")
        .header("authorization", "Bearer secret")
        .extension(ConnectInfo(peer))
        .body(Body::empty())
        .unwrap();
    send(&capture, request).await;

    let span = server_span(&capture);
    assert_eq!(span.scope, "tracewire-tower");
    assert_eq!(span.schema_url, "https://opentelemetry.io/schemas/1.44.0");
    capture.spans().assert_snapshot(
        r#"
        GET /users/{id} [server]
        | client.address = "192.0.2.7"
        | http.request.method = "GET"
        | http.response.status_code = 200
        | http.route = "/users/{id}"
        | network.peer.address = "192.0.2.7"
        | network.peer.port = 4711
        | network.protocol.version = "1.1"
        | server.address = "shop.example"
        | server.port = 8080
        | url.path = "/users/1"
        | url.query = "q=otel&sig=REDACTED"
        | url.scheme = "http"
        | user_agent.original = "curl/8"
        "#,
    );
}

#[tokio::test]
async fn bare_request_has_only_what_is_known() {
    let capture = Capture::new();
    let request = Request::get("/nowhere").version(Version::HTTP_2).body(Body::empty()).unwrap();
    send(&capture, request).await;

    capture.spans().assert_snapshot(
        r#"
        GET [server]
        | http.request.method = "GET"
        | http.response.status_code = 404
        | network.protocol.version = "2"
        | url.path = "/nowhere"
        | url.scheme = "http"
        "#,
    );
}

#[tokio::test]
async fn unknown_methods_are_other() {
    for (path, name) in [("/users/1", "HTTP /users/{id}"), ("/nowhere", "HTTP")] {
        let capture = Capture::new();
        let method = Method::from_bytes(b"get").unwrap();
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        send(&capture, request).await;

        let span = server_span(&capture);
        assert_eq!(span.name, name);
        span.has("http.request.method", "_OTHER").has("http.request.method_original", "get");
    }
}

#[tokio::test]
async fn absolute_target_says_the_server_and_not_the_scheme() {
    let capture = Capture::new();
    let request = Request::get("https://[::1]:8443/users/1").body(Body::empty()).unwrap();
    send(&capture, request).await;

    let span = server_span(&capture);
    span.has("url.scheme", "http").has("server.address", "::1").has("server.port", 8443);
}

#[tokio::test]
async fn given_peer_goes_before_connect_info() {
    let capture = Capture::new();
    let request = Request::get("/users/1")
        .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))))
        .extension(PeerAddress("[::ffff:192.0.2.9]:2".parse().unwrap()))
        .body(Body::empty())
        .unwrap();
    send(&capture, request).await;

    let span = server_span(&capture);
    span.has("network.peer.address", "192.0.2.9").has("network.peer.port", 2);
}

#[tokio::test]
async fn long_text_is_cut_and_marked() {
    let capture = Capture::new();
    let path = format!("/{}", "a".repeat(60_000));
    send(&capture, Request::get(path).body(Body::empty()).unwrap()).await;

    let span = server_span(&capture);
    let path = span.attribute("url.path").unwrap().as_str();
    assert_eq!(path.len(), 4096);
    assert!(path.ends_with('…'));
}

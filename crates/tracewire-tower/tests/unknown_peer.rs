//! One debug line where a server does not know who calls it.
#![allow(clippy::unwrap_used)] // a test may
#![cfg(feature = "axum")]

use axum::{Router, body::Body, extract::ConnectInfo, routing::get};
use contract::Lines;
use http::Request;
use std::net::SocketAddr;
use tower::ServiceExt;
use tracewire_testing::Capture;
use tracewire_tower::ServerLayer;

/// How many lines name what is missing.
fn count(lines: &Lines) -> usize {
    let text = lines.text();
    text.lines().filter(|line| line.contains("into_make_service_with_connect_info")).count()
}

#[tokio::test]
async fn forgotten_connect_info_is_said_once() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .init();
    let capture = Capture::new();
    let layer = ServerLayer::new().tracer_provider(capture.tracer_provider());
    let app = Router::new().route("/", get(async || "")).layer(layer);
    let send = async |peer: Option<SocketAddr>| {
        let mut request = Request::get("/").body(Body::empty()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        app.clone().oneshot(request).await.unwrap();
    };
    send(Some(([127, 0, 0, 1], 4711).into())).await;
    assert_eq!(count(&lines), 0);
    for _ in 0..3 {
        send(None).await;
        assert_eq!(count(&lines), 1);
    }
}

//! Calls over gRPC, by the conventions for remote procedure calls.

use crate::recorded::{layer, server_span};
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};
use opentelemetry::trace::Status;
use std::{convert::Infallible, future::ready, net::SocketAddr};
use tower::{Layer, ServiceExt, service_fn};
use tracewire_testing::{Capture, Point};
use tracewire_tower::server::RpcMethods;

const METHOD: &str = "shop.v1.Shop/GetItem";

/// Answers one call: a message, then `grpc-status` in the trailers; or all of it in the head.
async fn call(capture: &Capture, path: &str, status: &'static str, in_head: bool) {
    call_among(RpcMethods::new([METHOD]), capture, path, status, in_head).await;
}

/// The same, where the layer knows these methods.
async fn call_among(
    methods: RpcMethods,
    capture: &Capture,
    path: &str,
    status: &'static str,
    in_head: bool,
) {
    let layer = layer(capture).client_port(true).grpc(methods);
    let service = layer.layer(service_fn(move |_: Request<Empty<Bytes>>| {
        let status = HeaderMap::from_iter([(
            "grpc-status".parse().unwrap(),
            HeaderValue::from_static(status),
        )]);
        let mut response = Response::new(());
        let frames: Vec<Result<_, Infallible>> = if in_head {
            *response.headers_mut() = status;
            Vec::new()
        } else {
            vec![Ok(Frame::data(Bytes::from_static(b"\0\0\0\0\0"))), Ok(Frame::trailers(status))]
        };
        let body = StreamBody::new(futures_util::stream::iter(frames));
        ready(Ok::<_, Infallible>(response.map(|()| body)))
    }));
    let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    let request = Request::post(format!("http://shop.example:50051{path}"))
        .header("content-type", "application/grpc")
        .extension(ConnectInfo(peer))
        .body(Empty::new())
        .unwrap();
    let mut body = service.oneshot(request).await.unwrap().into_body();
    // Whoever reads the trailers does not poll again.
    while let Some(frame) = body.frame().await {
        if frame.unwrap().is_trailers() {
            break;
        }
    }
}

/// The only series of `rpc.server.call.duration`, none of HTTP's beside it.
fn duration(capture: &Capture) -> Point {
    let metrics = capture.metrics();
    assert_eq!(metrics.len(), 1, "{metrics}");
    metrics.one("rpc.server.call.duration").only().clone()
}

#[tokio::test]
async fn call_that_succeeds_has_every_attribute() {
    let capture = Capture::new();
    call(&capture, "/shop.v1.Shop/GetItem", "0", false).await;
    capture.spans().assert_snapshot(
        r#"
        shop.v1.Shop/GetItem [server]
        | network.peer.address = "192.0.2.7"
        | network.peer.port = 4711
        | rpc.method = "shop.v1.Shop/GetItem"
        | rpc.response.status_code = "OK"
        | rpc.system.name = "grpc"
        | server.address = "shop.example"
        | server.port = 50051
        "#,
    );
    capture.metrics().assert_snapshot(concat!(
        "rpc.server.call.duration [histogram] s\n",
        r#"| 1 times {rpc.method = "shop.v1.Shop/GetItem", "#,
        r#"rpc.response.status_code = "OK", rpc.system.name = "grpc"}"#,
    ));
}

#[tokio::test]
async fn only_the_servers_own_faults_are_errors() {
    for (code, name, error) in
        [("5", "NOT_FOUND", false), ("13", "INTERNAL", true), ("14", "UNAVAILABLE", true)]
    {
        for in_head in [false, true] {
            let capture = Capture::new();
            call(&capture, "/shop.v1.Shop/GetItem", code, in_head).await;
            let span = server_span(&capture);
            span.has("rpc.response.status_code", name);
            assert_eq!(span.attribute("error.type").is_some(), error, "{name}");
            assert_eq!(span.status == Status::error(""), error, "{name}");
            let measured = duration(&capture);
            assert_eq!(measured.attribute("error.type"), span.attribute("error.type"));
        }
    }
}

#[tokio::test]
async fn made_up_methods_are_other() {
    let capture = Capture::new();
    for n in 0..50 {
        call(&capture, &format!("/shop.v1.Shop/Hack{n}"), "12", true).await;
    }
    let spans = capture.spans();
    let span = spans.last().unwrap();
    assert_eq!(span.name, "grpc");
    span.has("rpc.method", "_OTHER").has("rpc.method_original", "shop.v1.Shop/Hack49");
    assert_eq!(duration(&capture).count, 50);
}

#[tokio::test]
async fn no_method_is_known_by_default() {
    let capture = Capture::new();
    call_among(RpcMethods::default(), &capture, "/shop.v1.Shop/GetItem", "0", false).await;
    let span = server_span(&capture);
    assert_eq!(span.name, "grpc");
    span.has("rpc.method", "_OTHER").has("rpc.method_original", METHOD);
    assert_eq!(duration(&capture).attribute("rpc.method"), Some(&"_OTHER".into()));
}

#[tokio::test]
async fn any_method_is_known_if_asked_for() {
    let capture = Capture::new();
    call_among(RpcMethods::any(), &capture, "/shop.v1.Shop/Made_Up", "0", false).await;
    let span = server_span(&capture);
    assert_eq!(span.name, "shop.v1.Shop/Made_Up");
    span.has("rpc.method", "shop.v1.Shop/Made_Up");
}

#[tokio::test]
async fn status_codes_from_outside_are_one_of_seventeen() {
    for status in ["17", "256", "-1", "18446744073709551616", "0x1", "", "OK"] {
        let capture = Capture::new();
        call(&capture, "/shop.v1.Shop/GetItem", status, true).await;
        server_span(&capture).has("rpc.response.status_code", "UNKNOWN");
    }
}

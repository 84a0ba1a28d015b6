//! Calls over gRPC, by the conventions for remote procedure calls.

use crate::recorder::{Attributes, Recorder, attributes, expected};
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};
use opentelemetry::trace::Status;
use std::{convert::Infallible, future::ready, net::SocketAddr};
use tower::{Layer, ServiceExt, service_fn};
use tracewire_tower::server::RpcMethods;

const METHOD: &str = "shop.v1.Shop/GetItem";

/// Answers one call: a message, then `grpc-status` in the trailers; or all of it in the head.
async fn call(recorder: &Recorder, path: &str, status: &'static str, in_head: bool) {
    let layer = recorder.layer().grpc(RpcMethods::new([METHOD]));
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

/// The series of `rpc.server.call.duration`, none of HTTP's beside it.
fn durations(recorder: &Recorder) -> Vec<Attributes> {
    assert!(recorder.durations().is_empty());
    recorder.histogram("rpc.server.call.duration").into_iter().map(|point| point.0).collect()
}

#[tokio::test]
async fn call_that_succeeds_has_every_attribute() {
    let recorder = Recorder::new();
    call(&recorder, "/shop.v1.Shop/GetItem", "0", false).await;
    let span = recorder.server_span();
    assert_eq!(span.name, METHOD);
    assert_eq!(span.status, Status::Unset);
    assert_eq!(
        attributes(&span.attributes),
        expected([
            ("client.address", "192.0.2.7"),
            ("network.peer.address", "192.0.2.7"),
            ("network.peer.port", "int 4711"),
            ("rpc.method", METHOD),
            ("rpc.response.status_code", "OK"),
            ("rpc.system.name", "grpc"),
            ("server.address", "shop.example"),
            ("server.port", "int 50051"),
        ])
    );
    assert_eq!(
        durations(&recorder),
        [expected([
            ("rpc.method", METHOD),
            ("rpc.response.status_code", "OK"),
            ("rpc.system.name", "grpc"),
        ])]
    );
}

#[tokio::test]
async fn only_the_servers_own_faults_are_errors() {
    for (code, name, error) in
        [("5", "NOT_FOUND", false), ("13", "INTERNAL", true), ("14", "UNAVAILABLE", true)]
    {
        for in_head in [false, true] {
            let recorder = Recorder::new();
            call(&recorder, "/shop.v1.Shop/GetItem", code, in_head).await;
            let span = recorder.server_span();
            let attributes = attributes(&span.attributes);
            assert_eq!(attributes["rpc.response.status_code"], name, "{in_head}");
            assert_eq!(attributes.contains_key("error.type"), error, "{name}");
            assert_eq!(span.status == Status::error(""), error, "{name}");
            let measured = &durations(&recorder)[0];
            assert_eq!(measured.get("error.type"), attributes.get("error.type"));
        }
    }
}

#[tokio::test]
async fn made_up_methods_are_other() {
    let recorder = Recorder::new();
    for n in 0..50 {
        call(&recorder, &format!("/shop.v1.Shop/Hack{n}"), "12", true).await;
    }
    let span = recorder.spans().pop().unwrap();
    assert_eq!(span.name, "grpc");
    let attributes = attributes(&span.attributes);
    assert_eq!(attributes["rpc.method"], "_OTHER");
    assert_eq!(attributes["rpc.method_original"], "shop.v1.Shop/Hack49");
    assert_eq!(durations(&recorder).len(), 1);
}

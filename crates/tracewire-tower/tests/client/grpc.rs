//! Calls over gRPC, by the conventions for remote procedure calls.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};
use opentelemetry::trace::{SpanKind, Status};
use std::{convert::Infallible, future::ready};
use tower::{Layer, ServiceExt, service_fn};
use tracewire_testing::Capture;
use tracewire_tower::{ClientLayer, client::RpcMethods};

/// Makes one call that is answered with this status, in the trailers or in the head.
async fn call(capture: &Capture, status: &'static str, in_head: bool) {
    let layer = ClientLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .grpc(RpcMethods::any());
    let service = layer.layer(service_fn(move |_: Request<Empty<Bytes>>| {
        let name = "grpc-status".parse().unwrap();
        let status = HeaderMap::from_iter([(name, HeaderValue::from_static(status))]);
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
    let request = Request::post("http://127.0.0.1:50051/shop.v1.Shop/GetItem")
        .header("content-type", "application/grpc+proto")
        .body(Empty::new())
        .unwrap();
    let mut body = service.oneshot(request).await.unwrap().into_body();
    assert!(capture.spans().is_empty(), "a call ends with its trailers");
    while body.frame().await.is_some() {}
}

#[tokio::test]
async fn call_that_succeeds_has_every_attribute() {
    for in_head in [false, true] {
        let capture = Capture::new();
        call(&capture, "0", in_head).await;
        let spans = capture.spans();
        spans.one("shop.v1.Shop/GetItem").is_kind(SpanKind::Client).is_status(Status::Unset);
        spans.assert_snapshot(
            r#"
            shop.v1.Shop/GetItem [client]
            | rpc.method = "shop.v1.Shop/GetItem"
            | rpc.response.status_code = "OK"
            | rpc.system.name = "grpc"
            | server.address = "127.0.0.1"
            | server.port = 50051
            "#,
        );
        capture.metrics().one("rpc.client.call.duration");
    }
}

#[tokio::test]
async fn every_code_but_ok_is_an_error() {
    for (code, name) in [("1", "CANCELLED"), ("5", "NOT_FOUND"), ("14", "UNAVAILABLE")] {
        let capture = Capture::new();
        call(&capture, code, false).await;
        let span = capture.spans().one("shop.v1.Shop/GetItem");
        span.is_error().has("rpc.response.status_code", name).has("error.type", name);
    }
}

#[tokio::test]
async fn status_behind_the_last_declared_byte_is_read() {
    let capture = Capture::new();
    let layer = ClientLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .grpc(RpcMethods::any());
    let service = layer.layer(service_fn(|_: Request<Empty<Bytes>>| {
        let name = "grpc-status".parse().unwrap();
        let status = HeaderMap::from_iter([(name, HeaderValue::from_static("5"))]);
        let frames: [Result<_, Infallible>; 2] =
            [Ok(Frame::data(Bytes::from_static(b"\0\0\0\0\0"))), Ok(Frame::trailers(status))];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        let response = Response::builder().header("content-length", "5").body(body).unwrap();
        ready(Ok::<_, Infallible>(response))
    }));
    let request = Request::post("http://127.0.0.1:50051/shop.v1.Shop/GetItem")
        .header("content-type", "application/grpc")
        .body(Empty::new())
        .unwrap();
    service.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    let span = capture.spans().one("shop.v1.Shop/GetItem");
    span.is_error().has("rpc.response.status_code", "NOT_FOUND").has("error.type", "NOT_FOUND");
    let duration = capture.metrics().one("rpc.client.call.duration").only().clone();
    assert_eq!(duration.attribute("rpc.response.status_code"), Some(&"NOT_FOUND".into()));
}

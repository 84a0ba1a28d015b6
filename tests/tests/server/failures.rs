//! Handlers, services and bodies that fail.

use crate::support::{Around, Protocol, Running, ServerUnderTest, bodies, contract, plain};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use std::{convert::Infallible, future::ready, io};
use tower::{Layer, Service, ServiceExt, service_fn};

contract! {
    every {
        panic_that_nobody_catches_is_a_panic
        panic_caught_outside_is_a_panic
        panic_caught_inside_is_a_server_error
        failing_body_is_a_body_error
        panicking_body_is_a_panic
    }
}

async fn panic_that_nobody_catches_is_a_panic<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let request = client.request("GET", "/panic").body(bodies::empty()).unwrap();
    assert!(client.send(request).await.is_err());
    let spans = running.ended(2).await;
    let server = spans.one("GET /panic");
    spans.one("controller").is_error().is_child_of(&server);
    let expected = running.expected(client.address, "/panic").route("/panic");
    expected.unanswered("panic").check(&server);

    // The server lives on.
    assert_eq!(running.connect().await.get("/redirect").await.status, StatusCode::FOUND);
}

async fn panic_caught_outside_is_a_panic<S: ServerUnderTest>() {
    let running = Running::around::<S>(Around::CatchPanicOutside).await;
    let mut client = running.connect().await;
    assert_eq!(client.get("/panic").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    let expected = running.expected(client.address, "/panic").route("/panic");
    expected.unanswered("panic").check(&running.server_span(2).await);
}

async fn panic_caught_inside_is_a_server_error<S: ServerUnderTest>() {
    let running = Running::around::<S>(Around::CatchPanicInside).await;
    let mut client = running.connect().await;
    assert_eq!(client.get("/panic").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    let expected = running.expected(client.address, "/panic").route("/panic");
    expected.status(500).error("500").check(&running.server_span(2).await);
}

async fn failing_body_is_a_body_error<S: ServerUnderTest>() {
    broken_body::<S>("/body-error", "body").await;
}

async fn panicking_body_is_a_panic<S: ServerUnderTest>() {
    broken_body::<S>("/body-panic", "panic").await;
}

/// Reads a body that breaks after its first chunk.
async fn broken_body<S: ServerUnderTest>(target: &'static str, error: &'static str) {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let mut response = client.head_of(target).await;
    response.body_mut().frame().await.unwrap().unwrap();
    assert!(running.capture.spans().is_empty());
    running.app.step();
    assert!(response.body_mut().frame().await.unwrap().is_err());
    let expected = running.expected(client.address, target).route(target);
    expected.error(error).check(&running.only().await);
}

#[tokio::test]
async fn failing_service_is_a_service_error() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for (kind, error) in
            [(io::ErrorKind::Other, "service"), (io::ErrorKind::TimedOut, "timeout")]
        {
            let running = Running::stacked(protocol, |_, layer| {
                plain(layer.layer(service_fn(move |_: Request<bodies::Body>| {
                    let error = io::Error::new(kind, "a secret");
                    ready(Err::<Response<bodies::Body>, tower::BoxError>(error.into()))
                })))
            })
            .await;
            let mut client = running.connect().await;
            let request = client.request("GET", "/").body(bodies::empty()).unwrap();
            assert!(client.send(request).await.is_err());
            let expected = running.expected(client.address, "/");
            expected.unanswered(error).check(&running.only().await);
        }
    }
}

#[tokio::test]
async fn future_dropped_unpolled_is_cancelled() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let running = Running::stacked(protocol, |_, layer| {
            let inner = layer.layer(service_fn(|_: Request<bodies::Body>| {
                ready(Ok::<_, Infallible>(Response::new(bodies::empty())))
            }));
            plain(service_fn(move |request: Request<bodies::Body>| {
                drop(inner.clone().call(request));
                ready(Ok::<_, Infallible>(Response::new(bodies::full("instead"))))
            }))
        })
        .await;
        let mut client = running.connect().await;
        assert_eq!(client.get("/").await.body, "instead");
        let expected = running.expected(client.address, "/");
        expected.unanswered("cancelled").check(&running.only().await);
    }
}

#[tokio::test]
async fn body_that_nobody_polls_is_cancelled() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let running = Running::stacked(protocol, |_, layer| {
            let inner = layer.layer(service_fn(|_: Request<bodies::Body>| {
                let body = bodies::frames([bodies::data("chunk")]);
                ready(Ok::<_, Infallible>(Response::new(body)))
            }));
            plain(inner.map_response(|response| response.map(|_| bodies::full("instead"))))
        })
        .await;
        let mut client = running.connect().await;
        assert_eq!(client.get("/").await.body, "instead");
        let expected = running.expected(client.address, "/");
        expected.error("cancelled").check(&running.only().await);
    }
}

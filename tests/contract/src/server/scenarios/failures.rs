//! Handlers, services and bodies that fail.

use crate::server::{Around, Running, ServerUnderTest, bodies};
use http::StatusCode;
use http_body_util::BodyExt;

pub async fn uncaught_panic_is_a_panic<S: ServerUnderTest>() {
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

pub async fn panic_caught_outside_is_a_panic<S: ServerUnderTest>() {
    let running = Running::around::<S>(Around::CatchPanicOutside).await;
    let mut client = running.connect().await;
    assert_eq!(client.get("/panic").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    let expected = running.expected(client.address, "/panic").route("/panic");
    expected.unanswered("panic").check(&running.server_span(2).await);
}

pub async fn panic_caught_inside_is_a_server_error<S: ServerUnderTest>() {
    let running = Running::around::<S>(Around::CatchPanicInside).await;
    let mut client = running.connect().await;
    assert_eq!(client.get("/panic").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    let expected = running.expected(client.address, "/panic").route("/panic");
    expected.status(500).error("500").check(&running.server_span(2).await);
}

pub async fn failing_body_is_a_body_error<S: ServerUnderTest>() {
    broken_body::<S>("/body-error", "body").await;
}

pub async fn panicking_body_is_a_panic<S: ServerUnderTest>() {
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

//! Callers and layers outside that do not wait for the end.

use crate::server::{Around, Call, Client, Protocol, Running, ServerUnderTest, app::App, bodies};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use opentelemetry::trace::SpanKind;

/// Sends a request that never gets an answer, and waits until its handler runs.
async fn reach_handler(client: &mut Client, app: &App) -> Call {
    let request = client.request("GET", "/wait").body(bodies::empty()).unwrap();
    let call = client.start(request).await;
    app.entered().await;
    call
}

/// The first chunk of a response, and the rest of it.
async fn first_chunk(client: &mut Client, target: &str) -> Response<Incoming> {
    let mut response = client.head_of(target).await;
    assert_eq!(response.status(), StatusCode::OK);
    let frame = response.body_mut().frame().await.unwrap().unwrap();
    assert!(!frame.data_ref().unwrap().is_empty());
    response
}

pub async fn caller_gone_before_the_response_cancels_it<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let _call = reach_handler(&mut client, &running.app).await;
    assert_eq!(running.active(), 1.0);
    client.disconnect();
    let expected = running.expected(client.address, "/wait").route("/wait");
    expected.unanswered("cancelled").check(&running.only().await);
}

pub async fn request_dropped_before_the_response_is_cancelled<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    reach_handler(&mut client, &running.app).await.abort();
    let expected = running.expected(client.address, "/wait").route("/wait");
    expected.unanswered("cancelled").check(&running.only().await);
}

pub async fn caller_gone_in_the_middle_of_a_body_cancels_it<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let _response = first_chunk(&mut client, "/stream").await;
    assert!(running.capture.spans().is_empty());
    assert_eq!(running.active(), 1.0);
    client.disconnect();
    let expected = running.expected(client.address, "/stream").route("/stream");
    expected.error("cancelled").check(&running.only().await);
}

pub async fn response_dropped_in_the_middle_of_a_body_is_cancelled<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    drop(first_chunk(&mut client, "/stream").await);
    let expected = running.expected(client.address, "/stream").route("/stream");
    expected.error("cancelled").check(&running.only().await);
}

pub async fn caller_gone_before_the_declared_length_cancels_it<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let _response = first_chunk(&mut client, "/declared").await;
    assert_eq!(running.active(), 1.0);
    client.disconnect();
    let expected = running.expected(client.address, "/declared").route("/declared");
    expected.error("cancelled").check(&running.only().await);
}

pub async fn event_stream_may_be_left_by_its_reader<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let mut response = first_chunk(&mut client, "/endless").await;
    for _ in 0..3 {
        response.body_mut().frame().await.unwrap().unwrap();
    }
    assert!(running.capture.spans().is_empty());
    assert_eq!(running.active(), 1.0);
    client.disconnect();
    let expected = running.expected(client.address, "/endless").route("/endless");
    expected.check(&running.only().await);
}

pub async fn caller_gone_in_the_middle_of_an_upload_ends_it<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let request = client.request("POST", "/upload").body(bodies::stuck()).unwrap();
    let _call = client.start(request).await;
    running.app.entered().await;
    client.disconnect();
    let span = running.server_span(2).await;
    let expected = running.expected(client.address, "/upload").method("POST").route("/upload");
    // The handler sees its request break off, and answers. HTTP/1.1 takes the whole answer before
    // it finds the connection closed; HTTP/2 knows.
    let expected = expected.status(400);
    match running.protocol {
        Protocol::Http1 => expected,
        Protocol::Http2 => expected.error("cancelled"),
    }
    .check(&span);
}

/// The only two spans: the request's, and below it that of what was dropped while it was open.
async fn check_dropped(running: &Running) {
    let spans = running.ended(2).await;
    let server = spans.iter().find(|span| span.kind == SpanKind::Server).unwrap();
    let dropped = spans.one("dropped");
    assert!(dropped.is_child_of(server).end_time <= server.end_time);
}

pub async fn what_a_handler_holds_is_dropped_inside_its_request<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let request = client.request("GET", "/guarded").body(bodies::empty()).unwrap();
    let _call = client.start(request).await;
    running.app.entered().await;
    client.disconnect();
    check_dropped(&running).await;
}

pub async fn what_a_body_holds_is_dropped_inside_its_request<S: ServerUnderTest>() {
    for leaves in [false, true] {
        let running = Running::start::<S>().await;
        let mut client = running.connect().await;
        let response = first_chunk(&mut client, "/guarded-stream").await;
        if leaves {
            client.disconnect();
        } else {
            running.app.step();
            running.app.step();
            response.into_body().collect().await.unwrap();
        }
        check_dropped(&running).await;
    }
}

pub async fn timeout_outside_cancels_the_request<S: ServerUnderTest>() {
    let running = Running::around::<S>(Around::TimeoutOutside).await;
    let mut client = running.connect().await;
    // The caller gets an answer, but it is not the one that was traced.
    assert_eq!(client.get("/wait").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let expected = running.expected(client.address, "/wait").route("/wait");
    expected.unanswered("cancelled").check(&running.only().await);
}

pub async fn reset_streams_leave_the_connection_to_others<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    reach_handler(&mut client, &running.app).await.abort();
    running.ended(1).await;
    drop(first_chunk(&mut client, "/stream").await);
    running.ended(2).await;
    client.get("/redirect").await;
    let spans = running.ended(3).await;
    let waiting = running.expected(client.address, "/wait").route("/wait");
    waiting.unanswered("cancelled").check(&spans.one("GET /wait"));
    let streaming = running.expected(client.address, "/stream").route("/stream");
    streaming.error("cancelled").check(&spans.one("GET /stream"));
    let third = running.expected(client.address, "/redirect").route("/redirect");
    third.status(302).check(&spans.one("GET /redirect"));
}

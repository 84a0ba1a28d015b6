//! Bodies that take their time, uploads, upgrades, and work that goes on behind the response.

use crate::server::{Running, ServerUnderTest, bodies};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Frame;

pub async fn stream_is_under_way_until_its_last_chunk<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let mut response = client.head_of("/stream").await;
    for _ in 0..2 {
        response.body_mut().frame().await.unwrap().unwrap();
        assert!(running.capture.spans().is_empty());
        assert_eq!(running.active(), 1.0);
        running.app.step();
    }
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "chunk");
    running.expected(client.address, "/stream").route("/stream").check(&running.only().await);
}

pub async fn body_is_made_inside_the_trace<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    assert_eq!(client.get("/body-spans").await.body, "chunkchunk");
    let spans = running.ended(3).await;
    let server = spans.one("GET /body-spans");
    for chunk in spans.named("chunk") {
        chunk.is_child_of(&server);
    }
}

pub async fn declared_length_is_complete_at_its_last_byte<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    running.app.step();
    let mut response = client.head_of("/declared").await;
    let mut length = 0;
    while length < 10 {
        let frame = response.body_mut().frame().await.unwrap().unwrap();
        length += frame.into_data().unwrap().len();
    }
    assert!(running.capture.spans().is_empty());
    running.app.step();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "chunk");
    running.expected(client.address, "/declared").route("/declared").check(&running.only().await);
}

pub async fn large_upload_is_one_request<S: ServerUnderTest>() {
    const CHUNKS: usize = 64;
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    let body = bodies::frames((0..CHUNKS).map(move |_| Ok(Frame::data(chunk.clone()))));
    let request = client.request("POST", "/upload").body(body).unwrap();
    assert_eq!(client.ask(request).await.body, (CHUNKS * 64 * 1024).to_string());
    let expected = running.expected(client.address, "/upload").method("POST").route("/upload");
    expected.check(&running.server_span(2).await);
}

pub async fn echoed_stream_is_complete_at_its_end<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let body = bodies::frames(["a", "b", "c"].map(bodies::data));
    let request = client.request("PUT", "/echo").body(body).unwrap();
    assert_eq!(client.ask(request).await.body, "abc");
    let expected = running.expected(client.address, "/echo").method("PUT").route("/echo");
    expected.check(&running.only().await);
}

pub async fn task_that_outlives_its_request_does_not_hold_it_open<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    assert_eq!(client.get("/outlive").await.body, "answered");
    let expected = running.expected(client.address, "/outlive").route("/outlive");
    let server = running.only().await;
    expected.check(&server);
    // What the task does later still belongs to the trace.
    running.app.step();
    running.ended(2).await.one("background").is_child_of(&server);
}

pub async fn expected_continue_is_no_response<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut raw = running.connect_raw().await;
    raw.write(
        "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    )
    .await;
    assert_eq!(raw.read().await.status, 100);
    assert!(running.capture.spans().is_empty());
    raw.write("hello").await;
    assert_eq!(raw.read().await.body, "5");
    running
        .expected(raw.address, "/upload")
        .method("POST")
        .route("/upload")
        .set("server.address", "a")
        .unset("server.port")
        .unset("user_agent.original")
        .check(&running.server_span(2).await);
}

const UPGRADE: &str =
    "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

pub async fn upgrade_is_complete_when_it_is_granted<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut raw = running.connect_raw().await;
    raw.write(UPGRADE).await;
    assert_eq!(raw.read().await.status, StatusCode::SWITCHING_PROTOCOLS);
    running
        .expected(raw.address, "/upgrade")
        .route("/upgrade")
        .status(101)
        .set("server.address", "a")
        .unset("server.port")
        .unset("user_agent.original")
        .check(&running.only().await);

    // The connection lives on.
    raw.write("ping").await;
    assert_eq!(raw.read_exact(4).await, "ping");
    assert!(raw.closed().await);
    running.only().await;
}

pub async fn followed_upgrade_is_complete_when_its_connection_is<S: ServerUnderTest>() {
    let running = Running::with::<S>(|setup| setup.follow_upgrades = true).await;
    let mut raw = running.connect_raw().await;
    raw.write(UPGRADE).await;
    assert_eq!(raw.read().await.status, StatusCode::SWITCHING_PROTOCOLS);
    assert!(running.capture.spans().is_empty());
    assert_eq!(running.active(), 1.0);
    raw.write("ping").await;
    assert_eq!(raw.read_exact(4).await, "ping");
    assert!(raw.closed().await);
    running.only().await.has("http.response.status_code", 101).has_no("error.type");
}

//! Plain requests: what their spans and metrics say.

use crate::server::{Running, ServerUnderTest, bodies};
use http::{StatusCode, header};
use opentelemetry::{Array, Value};
use tracewire_http::HeaderSelector;

pub async fn each_request_is_a_trace_of_its_own<S: ServerUnderTest>() {
    for count in [1, 4, 50] {
        let running = Running::start::<S>().await;
        let mut client = running.connect().await;
        for _ in 0..count {
            assert_eq!(client.get("/success").await.body, "success");
        }
        let spans = running.ended(2 * count).await;
        let servers = spans.named("GET /success");
        assert_eq!(servers.len(), count);
        for server in &servers {
            running.expected(client.address, "/success").route("/success").check(server.is_root());
            let same = |span: &&tracewire_testing::Span| span.trace_id == server.trace_id;
            let trace: Vec<_> = spans.iter().filter(same).collect();
            let [first, controller] = trace[..] else { panic!("{spans}") };
            assert_eq!(first.span_id, server.span_id);
            assert_eq!(controller.name, "controller");
            controller.is_child_of(server);
            assert!(controller.end_time <= server.end_time);
        }
    }
}

pub async fn query_is_an_attribute_of_its_own<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    assert_eq!(client.get("/query?some=query&sig=4f3a").await.body, "some=query&sig=4f3a");
    let expected = running.expected(client.address, "/query").route("/query");
    expected.set("url.query", "some=query&sig=REDACTED").check(&running.server_span(2).await);
}

pub async fn redirect_is_no_error<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let answer = client.get("/redirect").await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.headers[header::LOCATION], "/redirected");
    let expected = running.expected(client.address, "/redirect").route("/redirect");
    expected.status(302).check(&running.only().await);
}

pub async fn server_error_is_an_error_by_its_code<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let answer = client.get("/error-status").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.body, "controller error");
    let expected = running.expected(client.address, "/error-status").route("/error-status");
    expected.status(500).error("500").check(&running.server_span(2).await);
}

pub async fn unmatched_request_has_no_route<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    assert_eq!(client.get("/nowhere").await.status, StatusCode::NOT_FOUND);
    running.expected(client.address, "/nowhere").status(404).check(&running.only().await);
}

pub async fn path_parameter_stays_out_of_the_name<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    assert_eq!(client.get("/path/123/param").await.body, "123");
    let expected = running.expected(client.address, "/path/123/param");
    expected.route("/path/{id}/param").check(&running.server_span(2).await);
}

pub async fn unknown_method_is_other<S: ServerUnderTest>() {
    for method in ["TEST", "get"] {
        let running = Running::start::<S>().await;
        let mut client = running.connect().await;
        for (target, route, status, spans) in
            [("/nowhere", None, 404, 1), ("/success", Some("/success"), 200, 2)]
        {
            let request = client.request(method, target).body(bodies::empty()).unwrap();
            assert_eq!(client.ask(request).await.status, status);
            let mut expected = running.expected(client.address, target).unknown_method(method);
            if let Some(route) = route {
                expected = expected.route(route);
            }
            let ended = running.capture.ended(spans).await;
            expected.status(status.into()).check(ended.first().unwrap());
            running.capture.clear();
        }
    }
}

pub async fn chosen_headers_are_captured<S: ServerUnderTest>() {
    let running = Running::with::<S>(|setup| {
        setup.capture_request_headers = HeaderSelector::new(["X-Test-*"]);
        setup.capture_response_headers = HeaderSelector::new(["x-test-response"]);
    })
    .await;
    let mut client = running.connect().await;
    let request = client
        .request("GET", "/headers")
        .header("X-Test-Request", "one")
        .header("x-test-request", "two")
        .header("authorization", "Bearer secret")
        .body(bodies::empty())
        .unwrap();
    client.ask(request).await;
    let strings = |values: &[&'static str]| {
        Value::Array(Array::String(values.iter().map(|value| (*value).into()).collect()))
    };
    let expected = running.expected(client.address, "/headers").route("/headers");
    expected
        .set("http.request.header.x-test-request", strings(&["one", "two"]))
        .set("http.response.header.x-test-response", strings(&["test"]))
        .check(&running.only().await);
}

pub async fn methods_without_a_body_are_complete<S: ServerUnderTest>() {
    for target in ["/success", "/file", "/stream", "/endless", "/trailers"] {
        let running = Running::start::<S>().await;
        let mut client = running.connect().await;
        let request = client.request("HEAD", target).body(bodies::empty()).unwrap();
        let answer = client.ask(request).await;
        assert_eq!((answer.status, &*answer.body), (StatusCode::OK, ""));
        let spans = running.ended(if target == "/success" { 2 } else { 1 }).await;
        let expected = running.expected(client.address, target).method("HEAD").route(target);
        expected.check(&spans.one(&format!("HEAD {target}")));
    }
}

pub async fn statuses_without_a_body_are_complete<S: ServerUnderTest>() {
    for (target, status) in [("/no-content", 204), ("/not-modified", 304)] {
        let running = Running::start::<S>().await;
        let mut client = running.connect().await;
        let answer = client.get(target).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (status, ""));
        let expected = running.expected(client.address, target).route(target);
        expected.status(status.into()).check(&running.only().await);
    }
}

pub async fn file_is_complete_with_its_length<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let answer = client.get("/file").await;
    assert_eq!(answer.headers[header::CONTENT_LENGTH], answer.body.len().to_string());
    assert!(answer.body.contains("name = \"contract\""));
    running.expected(client.address, "/file").route("/file").check(&running.only().await);
}

pub async fn trailers_complete_the_response<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let request = client.request("GET", "/trailers").header("te", "trailers");
    let answer = client.ask(request.body(bodies::empty()).unwrap()).await;
    assert_eq!(answer.body, "chunk");
    assert_eq!(answer.trailers.unwrap()["x-checksum"], "4711");
    running.expected(client.address, "/trailers").route("/trailers").check(&running.only().await);
}

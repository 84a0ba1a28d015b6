//! Redirects that the middleware follows, hop by hop.

use crate::clients::Clients;
use bytes::Bytes;
use contract::client::{
    recorded::{answered, client_span, client_spans},
    server::{Received, Server},
};
use http::{Method, Request, StatusCode};
use opentelemetry::{
    Context, KeyValue, Value,
    baggage::BaggageExt,
    trace::{FutureExt, Status},
};
use reqwest::{Body, Response, redirect::Policy};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Result};
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
use std::{net::SocketAddr, time::Duration};
use tracewire_reqwest::{CallOptions, ClientMiddleware, RedirectError, Redirects};
use tracewire_testing::Capture;

/// A client that leaves redirects alone and finds `other.example` at `other`.
fn plain(other: &Server) -> reqwest::Client {
    let address = SocketAddr::from(([127, 0, 0, 1], other.port()));
    let client = reqwest::Client::builder().no_proxy().no_gzip().redirect(Policy::none());
    client.resolve("other.example", address).build().unwrap()
}

fn following(capture: &Capture) -> ClientMiddleware {
    capture.middleware().redirects(Redirects::default())
}

fn client(capture: &Capture, other: &Server) -> ClientWithMiddleware {
    ClientBuilder::new(plain(other)).with(following(capture)).build()
}

/// One that follows to other origins, as reqwest does.
fn following_everywhere(capture: &Capture) -> ClientMiddleware {
    capture.middleware().redirects(Redirects::default().follow_cross_origin(true).referer(true))
}

/// A path that redirects with `code` to `path` on `other.example`.
fn elsewhere(code: u16, other: &Server, path: &str) -> String {
    format!("/elsewhere/{code}?http://other.example:{}{path}", other.port())
}

async fn send(client: &ClientWithMiddleware, request: Request<Bytes>) -> Result<Response> {
    let request = request.map(Body::from).try_into()?;
    let context = Context::new().with_baggage([KeyValue::new("user", "Ada")]);
    client.execute(request).with_context(context).await
}

fn get(url: impl AsRef<str>) -> Request<Bytes> {
    let mut request = Request::get(url.as_ref()).body(Bytes::new()).unwrap();
    for name in ["authorization", "cookie", "cookie2", "proxy-authorization", "x-other"] {
        request.headers_mut().insert(name, "mine".parse().unwrap());
    }
    request
}

fn names(received: &Received) -> Vec<&str> {
    let mut names: Vec<_> = received.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn what_was_meant_for_one_host_stays_there() {
    let (capture, server, other) = (Capture::new(), Server::start().await, Server::start().await);
    let mut request = get(server.url(&elsewhere(302, &other, "/success")));
    request.headers_mut().insert("host", "shop.example".parse().unwrap());
    let client = ClientBuilder::new(plain(&other)).with(following_everywhere(&capture)).build();
    send(&client, request).await.unwrap();

    let (first, second) = (server.only_received(), other.only_received());
    assert_eq!(
        names(&first),
        [
            "accept",
            "authorization",
            "baggage",
            "cookie",
            "cookie2",
            "host",
            "proxy-authorization",
            "traceparent",
            "x-other"
        ]
    );
    // Baggage stays away from hosts that are not nearby, at every hop.
    assert_eq!(names(&second), ["accept", "host", "referer", "traceparent", "x-other"]);
    let host = format!("other.example:{}", other.port());
    assert_eq!(second.header("host"), Some(&*host));
    assert_eq!(second.header("referer"), Some(&*server.url("/")));
}

#[tokio::test]
async fn what_was_meant_for_one_host_stays_there_if_ours_stands_around_it() {
    let (capture, server, other) = (Capture::new(), Server::start().await, Server::start().await);
    let client = ClientBuilder::new(plain(&other))
        .with(capture.middleware())
        .with(following_everywhere(&capture))
        .build();
    let url = server.url(&elsewhere(302, &other, "/success"));
    assert_eq!(send(&client, get(&url)).await.unwrap().status(), 200);
    assert_eq!(server.only_received().header("baggage"), Some("user=Ada"));
    let expected = ["accept", "host", "referer", "traceparent", "x-other"];
    assert_eq!(names(&other.only_received()), expected);
    let mut expected = answered(server.port(), &url, 200);
    expected.insert("http.request.resend_count", 1.into());
    expected.insert("network.peer.port", i64::from(other.port()).into());
    client_span(&capture).has_exactly(expected);
}

#[tokio::test]
async fn methods_and_bodies_follow_the_status_code() {
    let cases = [
        (301, Method::POST, Method::GET, ""),
        (302, Method::POST, Method::GET, ""),
        (303, Method::POST, Method::GET, ""),
        (303, Method::PUT, Method::GET, ""),
        (303, Method::HEAD, Method::HEAD, ""),
        (307, Method::POST, Method::POST, "content"),
        (308, Method::PUT, Method::PUT, "content"),
        (301, Method::PUT, Method::PUT, "content"),
        (302, Method::DELETE, Method::DELETE, "content"),
    ];
    for (code, method, next, body) in cases {
        let (capture, server) = (Capture::new(), Server::start().await);
        let mut request = get(server.url(&format!("/elsewhere/{code}?/success")));
        *request.method_mut() = method.clone();
        *request.body_mut() = Bytes::from_static(b"content");
        let kind = "text/plain".parse().unwrap();
        request.headers_mut().insert("content-type", kind);
        let response = send(&client(&capture, &server), request).await.unwrap();
        assert_eq!(response.url().path(), "/success");
        let received = server.received().pop().unwrap();
        assert_eq!(
            (&received.method, &*received.body),
            (&next, body.as_bytes()),
            "{code} {method}"
        );
        assert_eq!(received.header("content-type").is_some(), !body.is_empty());
        assert_eq!(received.header("authorization"), Some("mine"));
    }
}

#[tokio::test]
async fn a_stream_cannot_be_sent_again() {
    let (capture, server) = (Capture::new(), Server::start().await);
    for (code, status) in [(307, 307), (303, 200)] {
        let chunks = http_body_util::Full::new(Bytes::from_static(b"content"));
        let url = server.url(&format!("/elsewhere/{code}?/success"));
        let call = client(&capture, &server).post(url).body(Body::wrap(chunks));
        assert_eq!(call.send().await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn too_many_redirects_are_an_error_of_the_last_hop() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let middleware = capture.middleware().redirects(Redirects::limited(1));
    let client = ClientBuilder::new(plain(&server)).with(middleware).build();
    let error = client.get(server.url("/another-redirect")).send().await.unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else { panic!("{error:?}") };
    assert_eq!(error.downcast_ref(), Some(&RedirectError::TooMany));
    let spans = client_spans(&capture);
    assert_eq!(spans.len(), 2, "{spans}");
    spans[0].is_status(Status::Unset);
    spans[1].is_status(Status::error(""));
    let mut expected = answered(server.port(), &server.url("/redirect"), 302);
    expected.insert("error.type", "redirect".into());
    expected.insert("http.request.resend_count", 1.into());
    spans[1].has_exactly(expected);
}

#[tokio::test]
async fn redirects_lead_to_http_alone() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let client = client(&capture, &server);
    let url = server.url("/elsewhere/302?ftp://other.example/");
    let error = client.get(url).send().await.unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else { panic!("{error:?}") };
    assert_eq!(error.downcast_ref(), Some(&RedirectError::Scheme));
    // What is no URL is left to the caller.
    let url = server.url("/elsewhere/302?http://[/");
    assert_eq!(client.get(url).send().await.unwrap().status(), StatusCode::FOUND);
}

#[tokio::test]
async fn a_template_is_for_the_url_first_asked_for() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let call = client(&capture, &server).get(server.url("/redirect"));
    let options = CallOptions::new().template("/{page}").attribute(KeyValue::new("page", "1"));
    call.with_extension(options).send().await.unwrap();
    let spans = client_spans(&capture);
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["GET /{page}", "GET"]);
    for span in spans.iter() {
        span.has("page", "1");
    }
}

#[tokio::test]
async fn an_untraced_call_follows_too_and_keeps_its_headers() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let call = client(&capture, &server).get(server.url("/redirect"));
    let call = call.header("traceparent", "mine");
    let call = call.with_extension(CallOptions::new().untraced());
    assert_eq!(call.send().await.unwrap().status(), 200);
    assert!(client_spans(&capture).is_empty());
    for received in server.received() {
        assert_eq!(received.header("traceparent"), Some("mine"));
    }
}

#[tokio::test]
async fn a_time_limit_of_the_request_covers_all_hops() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let call = client(&capture, &server).get(server.url("/elsewhere/302?/silence"));
    let error = call.timeout(Duration::from_millis(50)).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn retries_of_a_redirected_request_are_counted_on() {
    let (capture, server) = (Capture::new(), Server::start().await);
    server.fail(1);
    let millisecond = Duration::from_millis(1);
    let policy = ExponentialBackoff::builder()
        .retry_bounds(millisecond, millisecond)
        .build_with_max_retries(3);
    let client = ClientBuilder::new(plain(&server))
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .with(following(&capture))
        .build();
    let response = client.get(server.url("/elsewhere/302?/flaky")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let spans = client_spans(&capture);
    let expected = [(302, None), (503, Some(1)), (302, Some(2)), (200, Some(3))];
    assert_eq!(spans.len(), expected.len(), "{spans}");
    for (span, (status, count)) in spans.iter().zip(expected) {
        span.has("http.response.status_code", status);
        let count = count.map(Value::I64);
        assert_eq!(span.attribute("http.request.resend_count"), count.as_ref());
    }
}

#[tokio::test]
async fn a_thousand_redirects_are_a_thousand_and_no_more() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let middleware = capture.middleware().redirects(Redirects::limited(1_000));
    let client = ClientBuilder::new(plain(&server)).with(middleware).build();
    let error = client.get(server.url("/circular-redirect")).send().await.unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else { panic!("{error:?}") };
    assert_eq!(error.downcast_ref(), Some(&RedirectError::TooMany));
    assert_eq!(server.received().len(), 1_001);
    let spans = client_spans(&capture);
    spans.last().unwrap().has("http.request.resend_count", 1_000);
}

#[tokio::test]
async fn a_location_too_long_to_be_a_url_is_given_back() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let response = client(&capture, &server).get(server.url("/far-away")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert!(response.headers()["location"].len() > 100_000);
    assert_eq!(server.received().len(), 1);
}

//! A response whose body ends the call is still the same response.

use crate::clients::{Clients, plain_client};
use contract::client::{
    recorded::{client_spans, duration},
    server::{GZIP, Server},
};
use reqwest::Response;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::time::Duration;
use tracewire_testing::Capture;

fn client(capture: &Capture) -> ClientWithMiddleware {
    let middleware = capture.middleware().end_at_body(true);
    ClientBuilder::new(plain_client()).with(middleware).build()
}

fn facts(response: &Response) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        response.url().clone(),
        response.remote_addr(),
        response.version(),
        response.status(),
        response.content_length(),
        response.headers().get("content-length").cloned(),
        response.extensions().len(),
    )
}

#[tokio::test]
async fn the_response_keeps_everything() {
    let (capture, server) = (Capture::new(), Server::start().await);
    for path in ["/success", "/redirect", "/missing", "/long-request"] {
        let url = server.url(path);
        let plain = plain_client().get(&url).send().await.unwrap();
        let traced = client(&capture).get(&url).send().await.unwrap();
        assert_eq!(facts(&traced), facts(&plain));
        assert!(traced.remote_addr().is_some());
    }
}

#[tokio::test]
async fn a_time_limit_in_the_body_is_still_a_timeout() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let call = client(&capture).get(server.url("/long-request"));
    let response = call.timeout(Duration::from_millis(500)).send().await.unwrap();
    let error = response.bytes().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(duration(&capture).attribute("error.type"), Some(&"timeout".into()));
}

#[tokio::test]
async fn the_duration_covers_the_body() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let call = client(&capture).get(server.url("/long-request"));
    let response = call.send().await.unwrap();
    assert!(capture.metrics().is_empty());
    server.release();
    assert_eq!(response.text().await.unwrap(), "HelloWorld");
    assert_eq!(duration(&capture).count, 1);
}

#[tokio::test]
async fn a_body_that_cannot_be_decoded_is_decode() {
    let server = Server::start().await;
    for path in ["/broken-gzip", "/cut-gzip"] {
        let capture = Capture::new();
        let response = client(&capture).get(server.url(path)).send().await.unwrap();
        response.bytes().await.unwrap_err();
        assert_eq!(duration(&capture).attribute("error.type"), Some(&"decode".into()), "{path}");
    }
}

#[tokio::test]
async fn a_decoded_body_has_no_size_and_others_have_theirs() {
    let server = Server::start().await;
    for end_at_body in [false, true] {
        let (capture, decoding) = (Capture::new(), plain_client());
        let plain = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
        let middleware = capture.middleware().end_at_body(end_at_body).body_sizes(true);
        let mut sizes = Vec::new();
        for (client, path, read) in
            [(&decoding, "/gzip", 400), (&decoding, "/success", 8), (&plain, "/gzip", GZIP.len())]
        {
            let client = ClientBuilder::new(client.clone()).with(middleware.clone()).build();
            let request = client.get(server.url(path)).header("accept-encoding", "gzip");
            assert_eq!(request.send().await.unwrap().bytes().await.unwrap().len(), read);
            let spans = client_spans(&capture);
            let size = spans.last().unwrap().attribute("http.response.body.size").cloned();
            sizes.push(size.map(|size| size.to_string()));
        }
        let of = |size: usize| Some(size.to_string());
        assert_eq!(sizes, [None, of(8), of(GZIP.len())]);
    }
}

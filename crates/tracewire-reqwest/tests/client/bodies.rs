//! A response whose body ends the call is still the same response.

use crate::{
    clients::{Clients, plain_client},
    support::{recorder::Recorder, server::Server},
};
use reqwest::Response;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::time::Duration;

fn client(recorder: &Recorder) -> ClientWithMiddleware {
    let middleware = recorder.middleware().end_at_body(true);
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
    let (recorder, server) = (Recorder::new(), Server::start().await);
    for path in ["/success", "/redirect", "/missing", "/long-request"] {
        let url = server.url(path);
        let plain = plain_client().get(&url).send().await.unwrap();
        let traced = client(&recorder).get(&url).send().await.unwrap();
        assert_eq!(facts(&traced), facts(&plain));
        assert!(traced.remote_addr().is_some());
    }
}

#[tokio::test]
async fn a_time_limit_in_the_body_is_still_a_timeout() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let call = client(&recorder).get(server.url("/long-request"));
    let response = call.timeout(Duration::from_millis(50)).send().await.unwrap();
    let error = response.bytes().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    let error = recorder.durations().remove(0).0["error.type"].clone();
    assert_eq!(error, "timeout");
}

#[tokio::test]
async fn the_duration_covers_the_body() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let call = client(&recorder).get(server.url("/long-request"));
    let response = call.send().await.unwrap();
    assert!(recorder.durations().is_empty());
    server.release();
    assert_eq!(response.text().await.unwrap(), "HelloWorld");
    assert_eq!(recorder.durations().len(), 1);
}

//! A response whose body ends the call is still the same response.

use crate::{
    clients::{Clients, plain_client},
    support::{recorded::duration, server::Server},
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
    let response = call.timeout(Duration::from_millis(50)).send().await.unwrap();
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

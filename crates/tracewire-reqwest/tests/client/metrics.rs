//! What is measured, and under which attributes.

use crate::clients::{Clients, plain_client};
use contract::client::{
    recorded::{Attributes, client_span, duration, measured},
    server::{Server, closed_port},
};
use http::Method;
use opentelemetry_sdk::trace::Sampler;
use reqwest_middleware::ClientBuilder;
use tracewire_testing::Capture;

#[tokio::test]
async fn duration_has_the_attributes_of_the_conventions() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let middleware = capture.middleware().active_requests(true);
    let client = ClientBuilder::new(plain_client()).with(middleware).build();
    client.get(server.url("/success?id=1")).send().await.unwrap();
    let of_call = Attributes::from([
        ("http.request.method", "GET".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(server.port()).into()),
    ]);
    let mut of_duration = of_call.clone();
    of_duration.insert("http.response.status_code", 200.into());
    of_duration.insert("network.protocol.version", "1.1".into());
    assert_eq!(measured(&capture, "http.client.request.duration", of_duration).count, 1);
    let mut of_active = of_call;
    of_active.insert("url.scheme", "http".into());
    let active = measured(&capture, "http.client.active_requests", of_active);
    assert_eq!((active.value, active.integer), (0.0, true));
}

#[tokio::test]
async fn the_duration_is_the_spans() {
    let (capture, server) = (Capture::new(), Server::start().await);
    capture.client().get(server.url("/success")).send().await.unwrap();
    let span = client_span(&capture);
    let of_span = span.end_time.duration_since(span.start_time).unwrap();
    assert_eq!(duration(&capture).value, of_span.as_secs_f64());
}

#[tokio::test]
async fn calls_that_fail_make_few_series() {
    let (capture, port) = (Capture::new(), closed_port());
    for n in 0..100 {
        let method = Method::from_bytes(format!("M{n}").as_bytes()).unwrap();
        let url = format!("http://127.0.0.1:{port}/{n}?n={n}");
        capture.client().request(method, url).send().await.unwrap_err();
    }
    assert_eq!(duration(&capture).count, 100);
}

#[tokio::test]
async fn durations_do_not_depend_on_sampling() {
    let capture = Capture::with(|spans| spans.with_sampler(Sampler::AlwaysOff));
    let server = Server::start().await;
    capture.client().get(server.url("/missing")).send().await.unwrap();
    assert!(capture.spans().is_empty());
    let duration = duration(&capture);
    assert_eq!(duration.attribute("error.type"), Some(&"404".into()));
    assert_eq!(duration.count, 1);
}

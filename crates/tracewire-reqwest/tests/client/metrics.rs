//! What is measured, and under which attributes.

use crate::{
    clients::{Clients, plain_client},
    support::{
        recorder::{Recorder, expected},
        server::{Server, closed_port},
    },
};
use http::Method;
use opentelemetry_sdk::{
    metrics::data::{AggregatedMetrics, MetricData},
    trace::Sampler,
};
use reqwest_middleware::ClientBuilder;

#[tokio::test]
async fn duration_has_the_attributes_of_the_conventions() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let middleware = recorder.middleware().active_requests(true);
    let client = ClientBuilder::new(plain_client()).with(middleware).build();
    client.get(server.url("/success?id=1")).send().await.unwrap();
    let port = format!("int {}", server.port());
    assert_eq!(
        recorder.durations(),
        [(
            expected([
                ("http.request.method", "GET".into()),
                ("http.response.status_code", "int 200".into()),
                ("network.protocol.version", "1.1".into()),
                ("server.address", "127.0.0.1".into()),
                ("server.port", port.clone()),
            ]),
            1
        )]
    );
    let (active, value) = recorder.active_requests().remove(0);
    assert_eq!(value, 0);
    assert_eq!(
        active,
        expected([
            ("http.request.method", "GET".into()),
            ("server.address", "127.0.0.1".into()),
            ("server.port", port),
            ("url.scheme", "http".into()),
        ])
    );
}

#[tokio::test]
async fn the_duration_is_the_spans() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    recorder.client().get(server.url("/success")).send().await.unwrap();
    let sums = recorder.points("http.client.request.duration", |data| match data {
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
            histogram.data_points().map(|point| point.sum()).collect()
        }
        other => panic!("not a histogram of floats: {other:?}"),
    });
    let span = recorder.client_span();
    let of_span = span.end_time.duration_since(span.start_time).unwrap();
    assert_eq!(sums, [of_span.as_secs_f64()]);
}

#[tokio::test]
async fn calls_that_fail_make_few_series() {
    let (recorder, port) = (Recorder::new(), closed_port().await);
    for n in 0..100 {
        let method = Method::from_bytes(format!("M{n}").as_bytes()).unwrap();
        let url = format!("http://127.0.0.1:{port}/{n}?n={n}");
        recorder.client().request(method, url).send().await.unwrap_err();
    }
    let durations = recorder.durations();
    assert_eq!(durations.len(), 1);
    assert_eq!(durations[0].1, 100);
}

#[tokio::test]
async fn durations_do_not_depend_on_sampling() {
    let recorder = Recorder::with_sampler(Sampler::AlwaysOff);
    let server = Server::start().await;
    recorder.client().get(server.url("/missing")).send().await.unwrap();
    assert!(recorder.spans().is_empty());
    let (attributes, count) = recorder.durations().remove(0);
    assert_eq!((attributes["error.type"].as_str(), count), ("404", 1));
}

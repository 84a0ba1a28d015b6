//! What is measured, and under which attributes.

use crate::server::{Protocol, Running, ServerUnderTest, bodies};
use opentelemetry::Value;

pub async fn each_series_counts_its_own_requests<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut client = running.connect().await;
    let version = match S::PROTOCOL {
        Protocol::Http1 => "1.1",
        Protocol::Http2 => "2",
    };
    for round in 1..=3 {
        for (method, path) in [
            ("GET", "/path/1/param"),
            ("GET", "/path/2/param"),
            ("DELETE", "/redirect"),
            ("GET", "/error-status"),
        ] {
            let request = client.request(method, path).body(bodies::empty()).unwrap();
            client.ask(request).await;
        }
        // Three of the four work in a span of their own.
        running.ended(7 * round).await;
        let metrics = running.capture.metrics();
        let duration = metrics.one("http.server.request.duration");
        assert_eq!(duration.points.len(), 3, "{metrics}");
        let count = |method: &str, route: &str, status: i64, error: Option<&str>| {
            let mut attributes: Vec<(&str, Value)> = vec![
                ("http.request.method", method.to_owned().into()),
                ("http.response.status_code", status.into()),
                ("http.route", route.to_owned().into()),
                ("network.protocol.version", version.into()),
                ("url.scheme", "http".into()),
            ];
            attributes.extend(error.map(|error| ("error.type", error.to_owned().into())));
            duration.point(attributes).count
        };
        let round = u64::try_from(round).unwrap();
        assert_eq!(count("GET", "/path/{id}/param", 200, None), 2 * round);
        assert_eq!(count("DELETE", "/redirect", 302, None), round);
        assert_eq!(count("GET", "/error-status", 500, Some("500")), round);
    }
}

pub async fn body_sizes_are_measured_by_option<S: ServerUnderTest>() {
    let running = Running::with::<S>(|setup| setup.body_sizes = true).await;
    let mut client = running.connect().await;
    assert_eq!(client.get("/query?seven=7").await.body, "seven=7");
    running.capture.ended(2).await;
    let request = client.request("POST", "/upload").body(bodies::full("hello")).unwrap();
    assert_eq!(client.ask(request).await.body, "5");
    running.capture.ended(4).await;

    let metrics = running.capture.metrics();
    let sizes = |name| -> Vec<_> {
        let mut sizes: Vec<_> =
            metrics.one(name).points.iter().map(|point| (point.count, point.value)).collect();
        sizes.sort_by(|a, b| b.1.total_cmp(&a.1));
        sizes
    };
    assert_eq!(sizes("http.server.response.body.size"), [(1, 7.0), (1, 1.0)]);
    assert_eq!(sizes("http.server.request.body.size"), [(1, 5.0)]);
    let spans = running.capture.spans();
    let get = spans.one("GET /query");
    get.has("http.response.body.size", 7).has_no("http.request.body.size");
    let post = spans.one("POST /upload");
    post.has("http.request.body.size", 5).has("http.response.body.size", 1);
}

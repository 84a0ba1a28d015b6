//! What is measured, and under which attributes.

use crate::recorded::{active_requests, duration, layer};
use axum::{Router, body::Body, routing::get};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use opentelemetry::Value;
use opentelemetry_sdk::trace::Sampler;
use tower::ServiceExt;
use tracewire_testing::Capture;
use tracewire_tower::ServerLayer;

async fn send(app: &Router, request: Request<Body>) {
    let response = app.clone().oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
}

fn app(capture: &Capture) -> Router {
    Router::new()
        .route("/users/{id}", get(async || "Ada"))
        .layer(layer(capture).active_requests(true))
}

#[tokio::test]
async fn duration_has_the_attributes_of_the_conventions() {
    let capture = Capture::new();
    let request = Request::get("/users/1?q=1")
        .header("host", "shop.example")
        .header("user-agent", "curl/8")
        .body(Body::empty())
        .unwrap();
    send(&app(&capture), request).await;
    capture.metrics().assert_snapshot(concat!(
        "http.server.active_requests [up-down counter] {request}\n",
        r#"| 0 {http.request.method = "GET", url.scheme = "http"}"#,
        "\nhttp.server.request.duration [histogram] s\n",
        r#"| 1 times {http.request.method = "GET", http.response.status_code = 200, "#,
        r#"http.route = "/users/{id}", network.protocol.version = "1.1", url.scheme = "http"}"#,
    ));
}

#[tokio::test]
async fn each_series_counts_its_own_requests() {
    let capture = Capture::new();
    let app = Router::new()
        .route("/users/{id}", get(async || "Ada").delete(async || StatusCode::NOT_FOUND))
        .route("/reports/{id}", get(async || StatusCode::BAD_GATEWAY))
        .layer(layer(&capture));
    for round in 1..=3 {
        for (method, path) in [
            ("GET", "/users/1"),
            ("GET", "/users/2"),
            ("DELETE", "/users/1"),
            ("GET", "/reports/1"),
        ] {
            let request = Request::builder().method(method).uri(path);
            send(&app, request.body(Body::empty()).unwrap()).await;
        }
        let metrics = capture.metrics();
        let duration = metrics.one("http.server.request.duration");
        assert_eq!(duration.points.len(), 3, "{metrics}");
        let count = |method: &str, route: &str, status: i64, error: Option<&str>| {
            let mut attributes: Vec<(&str, Value)> = vec![
                ("http.request.method", method.to_owned().into()),
                ("http.response.status_code", status.into()),
                ("http.route", route.to_owned().into()),
                ("network.protocol.version", "1.1".into()),
                ("url.scheme", "http".into()),
            ];
            attributes.extend(error.map(|error| ("error.type", error.to_owned().into())));
            duration.point(attributes).count
        };
        assert_eq!(count("GET", "/users/{id}", 200, None), 2 * round);
        assert_eq!(count("DELETE", "/users/{id}", 404, None), round);
        assert_eq!(count("GET", "/reports/{id}", 502, Some("502")), round);
    }
}

#[tokio::test]
async fn durations_need_no_tracer() {
    let capture = Capture::new();
    let layer = ServerLayer::new().meter_provider(capture.meter_provider());
    let app = Router::new().route("/users/{id}", get(async || "Ada")).layer(layer);
    send(&app, Request::get("/users/1").body(Body::empty()).unwrap()).await;
    assert!(capture.spans().is_empty());
    assert_eq!(duration(&capture).count, 1);
}

#[tokio::test]
async fn hostile_requests_make_few_series() {
    let capture = Capture::new();
    let app = app(&capture);
    for n in 0..300 {
        let request = Request::builder()
            .method(Method::from_bytes(format!("M{n}").as_bytes()).unwrap())
            .uri(format!("/nowhere/{n}"))
            .header("host", format!("h{n}.example:{n}"))
            .header("user-agent", format!("agent {n}"))
            .body(Body::empty())
            .unwrap();
        send(&app, request).await;
    }
    assert_eq!(duration(&capture).count, 300);
    assert_eq!(active_requests(&capture), 0.0);
}

#[tokio::test]
async fn durations_do_not_depend_on_sampling() {
    let capture = Capture::with(|spans| spans.with_sampler(Sampler::AlwaysOff));
    send(&app(&capture), Request::get("/users/1").body(Body::empty()).unwrap()).await;
    assert!(capture.spans().is_empty());
    let duration = duration(&capture);
    assert_eq!(duration.attribute("http.route"), Some(&"/users/{id}".into()));
    assert_eq!(duration.count, 1);
}

#[tokio::test]
async fn body_sizes_are_measured_by_option() {
    let capture = Capture::new();
    let app = Router::new()
        .route("/users/{id}", get(async || "Ada").post(async || "Ada Lovelace"))
        .layer(layer(&capture).body_sizes(true));
    send(&app, Request::get("/users/1").body(Body::empty()).unwrap()).await;
    let request = Request::post("/users/1").header("content-length", "5").body("hello".into());
    send(&app, request.unwrap()).await;

    let metrics = capture.metrics();
    let sizes = |name| -> Vec<_> {
        metrics.one(name).points.iter().map(|point| (point.count, point.value)).collect()
    };
    assert_eq!(sizes("http.server.response.body.size"), [(1, 3.0), (1, 12.0)]);
    assert_eq!(sizes("http.server.request.body.size"), [(1, 5.0)]);
    let second = &capture.spans()[1];
    second.has("http.request.body.size", 5).has("http.response.body.size", 12);
}

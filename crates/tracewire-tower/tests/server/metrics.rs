//! What is measured, and under which attributes.

use crate::recorder::{Recorder, expected};
use axum::{Router, body::Body, routing::get};
use http::{Method, Request};
use http_body_util::BodyExt;
use opentelemetry_sdk::trace::Sampler;
use tower::ServiceExt;

async fn send(app: &Router, request: Request<Body>) {
    let response = app.clone().oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
}

fn app(recorder: &Recorder) -> Router {
    Router::new()
        .route("/users/{id}", get(async || "Ada"))
        .layer(recorder.layer().active_requests(true))
}

#[tokio::test]
async fn duration_has_the_attributes_of_the_conventions() {
    let recorder = Recorder::new();
    let request = Request::get("/users/1?q=1")
        .header("host", "shop.example")
        .header("user-agent", "curl/8")
        .body(Body::empty())
        .unwrap();
    send(&app(&recorder), request).await;
    assert_eq!(
        recorder.durations(),
        [(
            expected([
                ("http.request.method", "GET"),
                ("http.response.status_code", "int 200"),
                ("http.route", "/users/{id}"),
                ("network.protocol.version", "1.1"),
                ("url.scheme", "http"),
            ]),
            1
        )]
    );
    assert_eq!(
        recorder.active_requests(),
        [(expected([("http.request.method", "GET"), ("url.scheme", "http")]), 0)]
    );
}

#[tokio::test]
async fn hostile_requests_make_few_series() {
    let recorder = Recorder::new();
    let app = app(&recorder);
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
    assert_eq!(recorder.durations().len(), 1);
    assert_eq!(recorder.active_requests().len(), 1);
}

#[tokio::test]
async fn durations_do_not_depend_on_sampling() {
    let recorder = Recorder::with_sampler(Sampler::AlwaysOff);
    send(&app(&recorder), Request::get("/users/1").body(Body::empty()).unwrap()).await;
    assert!(recorder.spans().is_empty());
    let (attributes, count) = recorder.durations().remove(0);
    assert_eq!((attributes["http.route"].as_str(), count), ("/users/{id}", 1));
}

#[tokio::test]
async fn body_sizes_are_measured_by_option() {
    let recorder = Recorder::new();
    let app = Router::new()
        .route("/users/{id}", get(async || "Ada").post(async || "Ada Lovelace"))
        .layer(recorder.layer().body_sizes(true));
    send(&app, Request::get("/users/1").body(Body::empty()).unwrap()).await;
    let request = Request::post("/users/1").header("content-length", "5").body("hello".into());
    send(&app, request.unwrap()).await;

    let mut responses = recorder.sizes("http.server.response.body.size");
    responses.sort_unstable();
    assert_eq!(responses, [(1, 3), (1, 12)]);
    assert_eq!(recorder.sizes("http.server.request.body.size"), [(1, 5)]);
    let on_span = crate::recorder::attributes(&recorder.spans()[1].attributes);
    assert_eq!(on_span["http.request.body.size"], "int 5");
    assert_eq!(on_span["http.response.body.size"], "int 12");
}

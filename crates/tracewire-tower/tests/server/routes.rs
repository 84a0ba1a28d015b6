//! The route, wherever the layer sits.

use crate::recorder::{Recorder, attributes};
use axum::{Router, body::Body, routing::get};
use http::Request;
use http_body_util::BodyExt;
use tower::{ServiceExt, service_fn};
use tracewire_tower::server::around;

/// Name, `http.route` and `url.path` of the one span that `path` gives.
async fn seen(recorder: &Recorder, app: Router, path: &str) -> (String, Option<String>, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    app.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    let span = recorder.server_span();
    let attributes = attributes(&span.attributes);
    let (on_metric, _) = recorder.durations().remove(0);
    assert_eq!(on_metric.get("http.route"), attributes.get("http.route"));
    let route = attributes.get("http.route").cloned();
    (span.name.into_owned(), route, attributes["url.path"].clone())
}

fn routed(route: &str, path: &str) -> (String, Option<String>, String) {
    (format!("GET {route}"), Some(route.to_owned()), path.to_owned())
}

fn unrouted(path: &str) -> (String, Option<String>, String) {
    ("GET".to_owned(), None, path.to_owned())
}

fn app() -> Router {
    let items = Router::new().route("/items/{item_id}", get(async || ""));
    Router::new().route("/users/{id}", get(async || "")).nest("/api/v1", items).nest_service(
        "/files",
        service_fn(async |_: Request<Body>| {
            Ok::<_, std::convert::Infallible>(http::Response::new(Body::empty()))
        }),
    )
}

#[tokio::test]
async fn layer_inside_the_router_knows_the_route() {
    for (path, expected) in [
        ("/users/1", routed("/users/{id}", "/users/1")),
        ("/api/v1/items/2", routed("/api/v1/items/{item_id}", "/api/v1/items/2")),
        ("/nowhere", unrouted("/nowhere")),
        ("/files/a.txt", unrouted("/files/a.txt")),
    ] {
        let recorder = Recorder::new();
        let app = app().layer(recorder.layer());
        assert_eq!(seen(&recorder, app, path).await, expected);
    }
}

#[tokio::test]
async fn layer_around_the_router_knows_the_route() {
    for (path, expected) in [
        ("/users/1", routed("/users/{id}", "/users/1")),
        ("/api/v1/items/2", routed("/api/v1/items/{item_id}", "/api/v1/items/2")),
        ("/nowhere", unrouted("/nowhere")),
    ] {
        let recorder = Recorder::new();
        let app = around(app(), recorder.layer());
        assert_eq!(seen(&recorder, app, path).await, expected);
    }
}

#[tokio::test]
async fn layer_in_a_nested_router_keeps_the_original_path() {
    let recorder = Recorder::new();
    let items = Router::new().route("/items/{item_id}", get(async || "")).layer(recorder.layer());
    let app = Router::new().nest("/api/v1", items);
    assert_eq!(
        seen(&recorder, app, "/api/v1/items/2").await,
        routed("/api/v1/items/{item_id}", "/api/v1/items/2")
    );
}

#[tokio::test]
async fn layer_inside_another_of_ours_starts_no_second_span() {
    let recorder = Recorder::new();
    let items = Router::new().route("/items/{item_id}", get(async || "")).layer(recorder.layer());
    let app = Router::new().nest("/api/v1", items).layer(recorder.layer());
    assert_eq!(
        seen(&recorder, app, "/api/v1/items/2").await,
        routed("/api/v1/items/{item_id}", "/api/v1/items/2")
    );
}

//! The route, wherever the layer sits.

use crate::recorded::{duration, layer, server_span};
use axum::{Router, body::Body, routing::get};
use http::Request;
use http_body_util::BodyExt;
use opentelemetry::Value;
use tower::{ServiceExt, service_fn};
use tracewire_testing::Capture;
use tracewire_tower::server::around;

/// Name, `http.route` and `url.path` of a span.
type Seen = (String, Option<Value>, Option<Value>);

/// What is seen of the one span that `path` gives.
async fn seen(capture: &Capture, app: Router, path: &str) -> Seen {
    let request = Request::get(path).body(Body::empty()).unwrap();
    app.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    let span = server_span(capture);
    let route = span.attribute("http.route").cloned();
    assert_eq!(duration(capture).attribute("http.route"), route.as_ref());
    let path = span.attribute("url.path").cloned();
    (span.name, route, path)
}

fn routed(route: &'static str, path: &'static str) -> Seen {
    (format!("GET {route}"), Some(route.into()), Some(path.into()))
}

fn unrouted(path: &'static str) -> Seen {
    ("GET".to_owned(), None, Some(path.into()))
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
        let capture = Capture::new();
        let app = app().layer(layer(&capture));
        assert_eq!(seen(&capture, app, path).await, expected);
    }
}

#[tokio::test]
async fn layer_around_the_router_knows_the_route() {
    for (path, expected) in [
        ("/users/1", routed("/users/{id}", "/users/1")),
        ("/api/v1/items/2", routed("/api/v1/items/{item_id}", "/api/v1/items/2")),
        ("/nowhere", unrouted("/nowhere")),
    ] {
        let capture = Capture::new();
        let app = around(app(), layer(&capture));
        assert_eq!(seen(&capture, app, path).await, expected);
    }
}

#[tokio::test]
async fn layer_in_a_nested_router_keeps_the_original_path() {
    let capture = Capture::new();
    let items = Router::new().route("/items/{item_id}", get(async || "")).layer(layer(&capture));
    let app = Router::new().nest("/api/v1", items);
    assert_eq!(
        seen(&capture, app, "/api/v1/items/2").await,
        routed("/api/v1/items/{item_id}", "/api/v1/items/2")
    );
}

#[tokio::test]
async fn layer_inside_another_of_ours_starts_no_second_span() {
    let capture = Capture::new();
    let items = Router::new().route("/items/{item_id}", get(async || "")).layer(layer(&capture));
    let app = Router::new().nest("/api/v1", items).layer(layer(&capture));
    assert_eq!(
        seen(&capture, app, "/api/v1/items/2").await,
        routed("/api/v1/items/{item_id}", "/api/v1/items/2")
    );
}

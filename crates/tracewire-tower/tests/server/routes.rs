//! The route, wherever the layer sits.

use crate::recorded::{duration, layer, server_span};
use axum::{Router, body::Body, routing::get};
use http::Request;
use http_body_util::BodyExt;
use opentelemetry::Value;
use tower::{ServiceExt, service_fn};
use tracewire_testing::Capture;
use tracewire_tower::server::wrap_router;

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
        let app = wrap_router(app(), layer(&capture));
        assert_eq!(seen(&capture, app, path).await, expected);
    }
}

/// A way to put one router into another, and the path and the template of its route.
type Way = (&'static str, fn(Router) -> Router, &'static str, &'static str);

fn ways() -> [Way; 8] {
    [
        ("merge", |inner| Router::new().merge(inner), "/items/1", "/items/{id}"),
        ("nest", |inner| Router::new().nest("/api", inner), "/api/items/1", "/api/items/{id}"),
        (
            "nest at a parameter",
            |inner| Router::new().nest("/{tenant}", inner),
            "/ada/items/1",
            "/{tenant}/items/{id}",
        ),
        (
            "nest twice",
            |inner| Router::new().nest("/api", Router::new().nest("/v1", inner)),
            "/api/v1/items/1",
            "/api/v1/items/{id}",
        ),
        (
            "nest_service",
            |inner| Router::new().nest_service("/api", inner),
            "/api/items/1",
            "/api/items/{id}",
        ),
        (
            "fallback_service",
            |inner| Router::new().fallback_service(inner),
            "/items/1",
            "/items/{id}",
        ),
        (
            "route_service",
            |inner| Router::new().route_service("/items/{id}", inner.into_service::<Body>()),
            "/items/1",
            "/items/{id}",
        ),
        (
            "route_service for the rest",
            |inner| Router::new().route_service("/{*rest}", inner.into_service::<Body>()),
            "/items/1",
            "/items/{id}",
        ),
    ]
}

fn items() -> Router {
    Router::new().route("/items/{id}", get(async || ""))
}

#[tokio::test]
async fn layer_inside_knows_the_whole_route_however_its_router_is_nested() {
    for (way, put, path, route) in ways() {
        let capture = Capture::new();
        let app = put(items().layer(layer(&capture)));
        assert_eq!(seen(&capture, app, path).await, routed(route, path), "{way}");

        if matches!(way, "nest at a parameter" | "nest twice") {
            continue; // axum does not reach the fallback of such a router
        }
        let capture = Capture::new();
        let app = put(wrap_router(items(), layer(&capture)));
        // The first route that is known stays.
        let route = if way == "route_service for the rest" { "/{*rest}" } else { route };
        assert_eq!(seen(&capture, app, path).await, routed(route, path), "around, {way}");
    }
}

#[tokio::test]
async fn layer_outside_knows_the_whole_route_with_one_inside() {
    for (way, put, path, route) in ways() {
        let route = if way == "route_service for the rest" { "/{*rest}" } else { route };
        let capture = Capture::new();
        let app = put(items().layer(layer(&capture))).layer(layer(&capture));
        assert_eq!(seen(&capture, app, path).await, routed(route, path), "{way}");
    }
    for (way, put, path, route) in ways() {
        let capture = Capture::new();
        let app = wrap_router(put(items().layer(layer(&capture))), layer(&capture));
        let seen = seen(&capture, app, path).await;
        let route = if way == "route_service for the rest" { "/{*rest}" } else { route };
        assert_eq!(seen, routed(route, path), "around, {way}");
    }
}

#[tokio::test]
async fn layer_outside_alone_knows_what_the_outer_router_knows() {
    for (way, put, path, route) in ways() {
        let capture = Capture::new();
        let app = put(items()).layer(layer(&capture));
        let expected = match way {
            "nest_service" | "fallback_service" => unrouted(path),
            "route_service for the rest" => routed("/{*rest}", path),
            _ => routed(route, path),
        };
        assert_eq!(seen(&capture, app, path).await, expected, "{way}");
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

//! A service's whole test of "this request made these spans", as the README shows it.
#![allow(clippy::unwrap_used)] // a test may

// Begin of what the README shows.
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Path,
    http::Request,
    routing::get,
};
use tower::ServiceExt;
use tracewire_span::span;
use tracewire_testing::Capture;
use tracewire_tower::ServerLayer;

fn app(layer: ServerLayer) -> Router {
    Router::new().route("/users/{id}", get(show)).layer(layer)
}

async fn show(Path(id): Path<u32>) -> String {
    span("load user").attribute("user.id", id).run(async { String::from("Ada") }).await
}

#[tokio::test]
async fn a_request_makes_these_spans() {
    let capture = Capture::new();
    let app = app(ServerLayer::new().tracer_provider(capture.tracer_provider()));
    let request = Request::get("/users/7").body(Body::empty()).unwrap();
    let response = capture.run(app.oneshot(request)).await.unwrap();
    to_bytes(response.into_body(), 100).await.unwrap(); // the span ends with the body
    capture.finished().await.assert_tree("GET /users/{id} [server]\n  load user");
}
// End of what the README shows.

#[test]
fn the_readme_shows_the_test_above() {
    let (_, shown) =
        include_str!("service.rs").split_once("Begin of what the README shows.\n").unwrap();
    let (shown, _) = shown.split_once("// End").unwrap();
    assert!(include_str!("../README.md").contains(&format!("```rust\n{shown}```")));
}

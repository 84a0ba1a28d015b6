//! A service's whole test of "this request made these spans".

use axum::{Router, body::Body, extract::Path, http::Request, routing::get};
use tower::ServiceExt;
use tracewire_span::span;
use tracewire_testing::Capture;
use tracewire_tower::ServerLayer;

async fn show(Path(id): Path<u32>) -> String {
    span("load user").attribute("user.id", id).run(async { String::from("Ada") }).await
}

#[tokio::test]
async fn a_request_makes_these_spans() {
    let capture = Capture::new();
    let layer = ServerLayer::new().tracer_provider(capture.tracer_provider());
    let app = Router::new().route("/users/{id}", get(show)).layer(layer);
    let request = Request::get("/users/7").body(Body::empty()).unwrap();
    let response = capture.run(app.oneshot(request)).await.unwrap();
    axum::body::to_bytes(response.into_body(), 100).await.unwrap(); // the span ends with the body
    capture.finished().await.assert_tree(
        "
        GET /users/{id} [server]
          load user
        ",
    );
}

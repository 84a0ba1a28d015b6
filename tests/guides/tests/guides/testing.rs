//! docs/testing.md

mod service {
    use axum::{Router, extract::Path, routing::get};
    use tracewire::{ServerLayer, span::span};

    pub(super) fn app(layer: ServerLayer) -> Router {
        Router::new().route("/users/{id}", get(show_user)).layer(layer)
    }

    async fn show_user(Path(id): Path<u32>) -> String {
        span("load user").attribute("user.id", id).run(async { String::from("Ada") }).await
    }
}
use self::service::app;

mod server {
    use super::app;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;
    use tracewire::ServerLayer;
    use tracewire_testing::Capture;

    #[tokio::test]
    async fn a_request_has_these_spans() {
        let capture = Capture::new();
        let app = app(ServerLayer::new().tracer_provider(capture.tracer_provider()));
        let request = Request::get("/users/7").body(Body::empty()).unwrap();
        let response = capture.run(app.oneshot(request)).await.unwrap();
        to_bytes(response.into_body(), 100).await.unwrap(); // the span ends with the body
        capture.finished().await.assert_tree("GET /users/{id} [server]\n  load user");
    }

    #[tokio::test]
    async fn a_request_is_measured() {
        let capture = Capture::new();
        let app = app(ServerLayer::new().meter_provider(capture.meter_provider()));
        let request = Request::get("/users/7").body(Body::empty()).unwrap();
        let response = app.oneshot(request).await.unwrap();
        to_bytes(response.into_body(), 100).await.unwrap();
        let metrics = capture.metrics();
        assert_eq!(metrics.one("http.server.request.duration").only().count, 1);
    }
}

mod custom {
    use tracewire::span::span;
    use tracewire_testing::Capture;

    #[test]
    fn a_failed_import_is_an_error() {
        let capture = Capture::new();
        let result = capture.in_scope(|| span("import").in_scope(|| "x".parse::<u32>()));
        assert!(result.is_err());
        capture
            .spans()
            .one("import")
            .is_error()
            .has("error.type", "core::num::error::ParseIntError");
    }
}

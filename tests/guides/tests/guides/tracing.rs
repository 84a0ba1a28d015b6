//! docs/tracing.md

fn app() -> axum::Router {
    use axum::{Router, routing::get};
    use tower_http::trace::TraceLayer;
    use tracewire::{ServerLayer, server::RequestSpan};

    let app: Router = Router::new()
        .route("/users/{id}", get(|| async { "Ada" }))
        .layer(TraceLayer::new_for_http().make_span_with(RequestSpan::new()))
        .layer(ServerLayer::new()); // added last: outermost
    app
}

use axum::body::Body;
use http::{Request, StatusCode};
use std::process::Command;
use tower::ServiceExt;

#[test]
fn a_subscriber_of_ones_own_writes_lines_and_hides_the_library_s() {
    for (filter, lines) in [(None, 1), (Some("warn"), 0)] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_log_lines"));
        program.env("OTEL_SDK_DISABLED", "true").env_remove("RUST_LOG");
        program.envs(filter.map(|filter| ("RUST_LOG", filter)));
        let output = program.output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{printed}");
        assert_eq!(printed.lines().count(), lines, "{printed}");
        assert_eq!(printed.matches("ready").count(), lines, "{printed}");
    }
}

#[tokio::test]
async fn trace_layer_stands_inside_the_server_layer() {
    let request = Request::get("/users/7").body(Body::empty()).unwrap();
    let response = app().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

//! docs/health-checks.md

fn layer() -> tracewire::ServerLayer {
    use tracewire::ServerLayer;

    let layer = ServerLayer::new().exclude_paths(["/healthz", "/internal/*"]);
    layer
}

fn provider() -> opentelemetry_sdk::trace::SdkTracerProvider {
    use opentelemetry_sdk::trace::{Sampler as SdkSampler, SdkTracerProvider};
    use tracewire::sampling::Sampler;

    let sampler = Sampler::wrap(SdkSampler::ParentBased(Box::new(SdkSampler::AlwaysOn)));
    let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
    provider
}

fn middleware() -> tracewire::ClientMiddleware {
    use tracewire::ClientMiddleware;

    let middleware = ClientMiddleware::new().exclude_urls(["http://metadata.internal/*"]);
    middleware
}

use axum::{Router, body::Body, routing::get};
use http::Request;
use opentelemetry::trace::{Tracer, TracerProvider};
use tower::ServiceExt;
use tracewire_testing::Capture;

#[tokio::test]
async fn health_checks_leave_no_span() {
    let capture = Capture::new();
    let layer = layer().tracer_provider(capture.tracer_provider());
    let app: Router = Router::new()
        .route("/{page}", get(|| async {}))
        .route("/internal/a", get(|| async {}))
        .layer(layer);
    for path in ["/healthz", "/internal/a", "/shop"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        drop(app.clone().oneshot(request).await.unwrap());
    }
    capture.finished().await.assert_tree("GET /{page} [server]");
    drop(provider().tracer("test").start("a provider of one's own"));
    let _ = middleware();
}

//! README.md

mod service {
    use axum::{Router, routing::get};
    use std::{error::Error, net::SocketAddr};
    use tokio::net::TcpListener;

    #[tokio::main]
    pub(super) async fn main() -> Result<(), Box<dyn Error>> {
        let telemetry = tracewire::init()?; // reads the OTEL_* variables
        let app = Router::new()
            .route("/users/{id}", get(|| async { "Ada" }))
            .layer(tracewire::ServerLayer::new()) // add it after the routes
            .into_make_service_with_connect_info::<SocketAddr>();
        let listener = TcpListener::bind("127.0.0.1:3000").await?;
        axum::serve(listener, app)
            .with_graceful_shutdown(tracewire::shutdown_signal()) // Ctrl-C and SIGTERM
            .await?;
        telemetry.shutdown(); // sends what is still queued
        Ok(())
    }
}

mod client {
    pub(super) fn client() -> reqwest_middleware::ClientWithMiddleware {
        let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
            .with(tracewire::ClientMiddleware::new())
            .build();
        client
    }
}

mod subscriber {
    pub(super) fn set_up() -> Result<tracewire::Telemetry, Box<dyn std::error::Error>> {
        use tracewire::setup::{ContextLayer, TraceIds};
        use tracing_subscriber::{EnvFilter, fmt, prelude::*};

        let telemetry = tracewire::init()?;
        let lines = fmt::layer().map_event_format(TraceIds::new); // trace ids in log lines
        tracing_subscriber::registry()
            .with(lines.with_filter(EnvFilter::new("info")))
            .with(telemetry.span_layer()) // #[instrument] spans in the trace
            .with(ContextLayer::new()) // the trace in spawned tasks
            .init();
        Ok(telemetry)
    }
}

mod options {
    use std::error::Error;
    use tracewire::{
        ServerLayer,
        server::{HeaderSelector, Trust, TrustedProxies},
    };

    pub(super) fn layer() -> Result<ServerLayer, Box<dyn Error>> {
        Ok(ServerLayer::new()
            .exclude_paths(["/healthz", "/metrics"]) // or TRACEWIRE_EXCLUDED_PATHS
            .capture_request_headers(HeaderSelector::new(["content-type"]))
            .trusted_proxies(TrustedProxies::networks(["10.0.0.0/8"])?) // client.address from X-Forwarded-For
            .trust(Trust::Link) // at the edge: do not continue the traces of clients
            .span_name(|request| request.headers.contains_key("x-batch").then(|| "batch".into())))
    }
}

mod custom {
    use std::num::ParseIntError;
    use tracewire::span::span;

    pub(super) async fn find_price(item: &str) -> Result<u64, ParseIntError> {
        let price = async { item.parse() };
        span("find price").attribute("shop.item", item).run(price).await // an error is recorded
    }
}

mod own_metrics {
    pub(super) fn record() {
        use tracewire::opentelemetry::global;

        let orders = global::meter("shop").u64_counter("shop.orders").build();
        orders.add(1, &[]);
    }
}

mod test {
    use axum::{Router, body::Body, http::Request, routing::get};
    use tower::ServiceExt;
    use tracewire::ServerLayer;
    use tracewire_testing::Capture;

    #[tokio::test]
    async fn a_request_has_a_span() {
        let capture = Capture::new(); // nothing global, so tests can run in parallel
        let layer = ServerLayer::new().tracer_provider(capture.tracer_provider());
        let app: Router = Router::new().route("/users/{id}", get(|| async {})).layer(layer);
        drop(app.oneshot(Request::get("/users/7").body(Body::empty()).unwrap()).await);
        capture.finished().await.assert_tree("GET /users/{id} [server]");
    }
}

#[tokio::test]
async fn what_the_readme_shows_works() {
    let _ = (service::main, subscriber::set_up); // they are for a whole process
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(client::client().get(format!("http://{nobody}")).send().await.is_err());
    assert!(options::layer().is_ok());
    own_metrics::record();
    let capture = tracewire_testing::Capture::new();
    assert!(capture.run(custom::find_price("x")).await.is_err());
    capture.spans().one("find price").is_error().has("shop.item", "x");
}

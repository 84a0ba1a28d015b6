use axum::{Router, extract::Path, extract::State, http::StatusCode, routing::get};
use axum_tracing_opentelemetry::middleware::{OtelAxumLayer, OtelInResponseLayer};
use init_tracing_opentelemetry::TracingConfig;
use opentelemetry::global;
use opentelemetry_http::HeaderInjector;
use reqwest::Client;
use std::error::Error;
use tokio::{net::TcpListener, signal};
use tracing::{Span, error, info, instrument};
use tracing_opentelemetry::OpenTelemetrySpanExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = TracingConfig::production().init_subscriber()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let shop = Shop { client: Client::new(), prices: format!("http://{address}/prices") };
    println!("http://{address}");

    let app = Router::new()
        .route("/orders/{id}", get(show_order))
        .route("/prices/{id}", get(show_price))
        .route("/fails", get(fail))
        .with_state(shop)
        .layer(OtelInResponseLayer)
        .layer(OtelAxumLayer::default())
        .route("/health", get(|| async { "ok" })); // added last: not traced
    let stop = async { _ = signal::ctrl_c().await };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    drop(telemetry);
    Ok(())
}

#[derive(Clone)]
struct Shop {
    client: Client,
    prices: String,
}

async fn show_order(State(shop): State<Shop>, Path(id): Path<u32>) -> Result<String, StatusCode> {
    load_price(&shop, id).await.map_err(|_| StatusCode::BAD_GATEWAY)
}

#[instrument(skip(shop), err)]
async fn load_price(shop: &Shop, id: u32) -> Result<String, reqwest::Error> {
    let mut request = shop.client.get(format!("{}/{id}", shop.prices)).build()?;
    let context = Span::current().context();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut HeaderInjector(request.headers_mut()));
    });
    shop.client.execute(request).await?.error_for_status()?.text().await
}

async fn show_price(Path(id): Path<u32>) -> &'static str {
    info!(id, "price found");
    "42"
}

async fn fail() -> StatusCode {
    error!("out of stock");
    StatusCode::INTERNAL_SERVER_ERROR
}

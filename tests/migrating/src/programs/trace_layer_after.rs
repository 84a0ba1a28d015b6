use axum::{Router, extract::Path, extract::State, http::StatusCode, routing::get};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::{error::Error, net::SocketAddr};
use tokio::net::TcpListener;
use tower_http::trace::TraceLayer;
use tracewire::setup::{ContextLayer, TraceIds};
use tracewire::{ClientMiddleware, ServerLayer, server::RequestSpan};
use tracing::{error, info, instrument};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = tracewire::init()?;
    let filter = EnvFilter::new("info,tower_http=debug");
    let lines = fmt::layer().with_ansi(false).map_event_format(TraceIds::new); // ids in log lines
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(telemetry.span_layer()) // #[instrument] in the trace
        .with(ContextLayer::new())
        .init();

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let client = ClientBuilder::new(reqwest::Client::new()).with(ClientMiddleware::new()).build();
    let shop = Shop { client, prices: format!("http://{address}/prices") };
    println!("http://{address}");

    let app = Router::new()
        .route("/orders/{id}", get(show_order))
        .route("/prices/{id}", get(show_price))
        .route("/fails", get(fail))
        .with_state(shop)
        .layer(TraceLayer::new_for_http().make_span_with(RequestSpan::new()))
        .layer(ServerLayer::new()) // added after TraceLayer: outside of it
        .route("/health", get(|| async { "ok" })) // added last: neither logged nor traced
        .into_make_service_with_connect_info::<SocketAddr>();
    let stop = tracewire::shutdown_signal();
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    telemetry.shutdown();
    Ok(())
}

#[derive(Clone)]
struct Shop {
    client: ClientWithMiddleware,
    prices: String,
}

async fn show_order(State(shop): State<Shop>, Path(id): Path<u32>) -> Result<String, StatusCode> {
    load_price(&shop, id).await.map_err(|_| StatusCode::BAD_GATEWAY)
}

#[instrument(skip(shop), err)]
async fn load_price(shop: &Shop, id: u32) -> reqwest_middleware::Result<String> {
    let request = shop.client.get(format!("{}/{id}", shop.prices));
    Ok(request.send().await?.error_for_status()?.text().await?)
}

async fn show_price(Path(id): Path<u32>) -> &'static str {
    info!(id, "price found");
    "42"
}

async fn fail() -> StatusCode {
    error!("out of stock");
    StatusCode::INTERNAL_SERVER_ERROR
}

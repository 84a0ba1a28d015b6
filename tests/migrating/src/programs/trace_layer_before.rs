use axum::{Router, extract::Path, extract::State, http::StatusCode, routing::get};
use reqwest::Client;
use std::error::Error;
use tokio::{net::TcpListener, signal};
use tower_http::trace::TraceLayer;
use tracing::{error, info, instrument};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let filter = EnvFilter::new("info,tower_http=debug");
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).init();

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let shop = Shop { client: Client::new(), prices: format!("http://{address}/prices") };
    println!("http://{address}");

    let app = Router::new()
        .route("/orders/{id}", get(show_order))
        .route("/prices/{id}", get(show_price))
        .route("/fails", get(fail))
        .with_state(shop)
        .layer(TraceLayer::new_for_http())
        .route("/health", get(|| async { "ok" })); // added last: not logged
    let stop = async { _ = signal::ctrl_c().await };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
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
async fn load_price(shop: &Shop, id: u32) -> reqwest::Result<String> {
    let request = shop.client.get(format!("{}/{id}", shop.prices));
    request.send().await?.error_for_status()?.text().await
}

async fn show_price(Path(id): Path<u32>) -> &'static str {
    info!(id, "price found");
    "42"
}

async fn fail() -> StatusCode {
    error!("out of stock");
    StatusCode::INTERNAL_SERVER_ERROR
}

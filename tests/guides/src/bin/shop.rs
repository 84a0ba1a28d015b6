//! The program of docs/getting-started.md.
#![allow(clippy::print_stdout)] // a small program may

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::{env, error::Error, net::SocketAddr};
use tokio::net::TcpListener;
use tracewire::{ClientMiddleware, ServerLayer, span::span};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = tracewire::init()?; // reads the OTEL_* variables
    let listen = env::var("LISTEN").unwrap_or("127.0.0.1:3000".into());
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(ClientMiddleware::new()) // client spans, and trace headers for the next service
        .build();
    let shop = Shop { client, prices: format!("http://{address}/prices") };
    let app = Router::new()
        .route("/orders/{id}", get(show_order))
        .route("/prices/{id}", get(show_price))
        .route("/health", get(|| async { "ok" }))
        .layer(ServerLayer::new().exclude_paths(["/health"])) // server spans; add it last
        .with_state(shop)
        .into_make_service_with_connect_info::<SocketAddr>(); // the client's address, for the spans
    println!("listening on http://{address}");
    axum::serve(listener, app)
        .with_graceful_shutdown(tracewire::shutdown_signal()) // Ctrl-C and SIGTERM
        .await?;
    telemetry.shutdown(); // sends what is still queued, and logs what was lost
    Ok(())
}

#[derive(Clone)]
struct Shop {
    client: ClientWithMiddleware,
    prices: String,
}

async fn show_order(State(shop): State<Shop>, Path(id): Path<u32>) -> Result<String, StatusCode> {
    let price = span("load price").attribute("order.id", id).run(load_price(&shop, id)).await;
    price.map_err(|_| StatusCode::BAD_GATEWAY)
}

async fn load_price(shop: &Shop, id: u32) -> reqwest_middleware::Result<String> {
    let response = shop.client.get(format!("{}/{id}", shop.prices)).send().await?;
    Ok(response.error_for_status()?.text().await?)
}

async fn show_price(Path(id): Path<u32>) -> Result<&'static str, StatusCode> {
    if id < 100 { Ok("42") } else { Err(StatusCode::NOT_FOUND) }
}

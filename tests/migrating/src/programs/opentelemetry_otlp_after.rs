use axum::{Router, extract::Path, extract::State, http::StatusCode, routing::get};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::{error::Error, net::SocketAddr};
use tokio::net::TcpListener;
use tracewire::{ClientMiddleware, ServerLayer, span::span};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = tracewire::init()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let client = ClientBuilder::new(reqwest::Client::new()).with(ClientMiddleware::new()).build();
    let shop = Shop { client, prices: format!("http://{address}/prices") };
    println!("http://{address}");

    let app = Router::new()
        .route("/orders/{id}", get(show_order))
        .route("/prices/{id}", get(|| async { "42" }))
        .route("/fails", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .with_state(shop)
        .layer(ServerLayer::new())
        .route("/health", get(|| async { "ok" })) // added last: not traced
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
    let price = span("load_price").run(load_price(&shop, id)).await;
    price.map_err(|_| StatusCode::BAD_GATEWAY)
}

async fn load_price(shop: &Shop, id: u32) -> reqwest_middleware::Result<String> {
    let response = shop.client.get(format!("{}/{id}", shop.prices)).send().await?;
    Ok(response.error_for_status()?.text().await?)
}

//! The program of docs/metrics.md.
#![allow(clippy::print_stdout)] // a small program may

use axum::{Router, extract::State, routing::get};
use std::{env, error::Error, net::SocketAddr};
use tokio::net::TcpListener;
use tracewire::opentelemetry::{KeyValue, global, metrics::Counter};
use tracewire::setup::{MetricsExporter, Prometheus};
use tracewire::{ServerLayer, Telemetry};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let page = MetricsExporter::prometheus_with(Prometheus::new().mounted()); // no port of its own
    let telemetry = Telemetry::builder().metrics([page]).init()?;
    let orders = global::meter("shop").u64_counter("shop.orders").build();
    let mut app = Router::new()
        .route("/buy", get(buy))
        .layer(ServerLayer::new()) // before the page, so that it is not traced
        .with_state(orders);
    if let Some(page) = telemetry.prometheus_service() {
        app = app.route_service("/metrics", page);
    }
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let listen = env::var("LISTEN").unwrap_or("127.0.0.1:3000".into());
    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(tracewire::shutdown_signal()).await?;
    telemetry.shutdown();
    Ok(())
}

async fn buy(State(orders): State<Counter<u64>>) -> &'static str {
    orders.add(1, &[KeyValue::new("shop.item", "lamp")]);
    "sold"
}

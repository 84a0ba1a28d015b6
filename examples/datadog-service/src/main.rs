//! A service whose spans go to the Datadog Agent, in traces that Datadog's own tracers can start.

use axum::{Router, extract::Path, routing::get};
use std::{
    env,
    error::Error,
    io::{self, Write},
    net::SocketAddr,
};
use tokio::net::TcpListener;
use tracewire::{ServerLayer, span::span};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = tracewire::init()?; // DD_AGENT_HOST, DD_SERVICE, DD_ENV, DD_VERSION …
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await?;
    // Not `println!`, which panics if stdout is closed or full.
    let _ = writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?);

    let app = Router::new().route("/orders/{id}", get(show_order)).layer(ServerLayer::new());
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(tracewire::shutdown_signal())
        .await?;
    telemetry.shutdown();
    Ok(())
}

async fn show_order(Path(id): Path<u32>) -> String {
    let items = span("count items").attribute("order.id", i64::from(id)).run(count_items(id)).await;
    format!("Order {id} has {items} items.\n")
}

async fn count_items(id: u32) -> u32 {
    id % 7 + 1
}

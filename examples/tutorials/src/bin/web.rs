//! A service that calls itself, with each side traced: `cargo run --bin web`, then
//! `curl http://127.0.0.1:5000`.

use axum::{Router, extract::State, routing::get};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::{
    env,
    error::Error,
    io::{self, Write},
};
use tokio::net::TcpListener;
use tracewire::{ClientMiddleware, ServerLayer, span::span};

async fn hello(State((client, other)): State<(ClientWithMiddleware, String)>) -> &'static str {
    let _ = span("example-request").run(client.get(other).send()).await;
    "hello"
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = tracewire::init()?;

    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);

    let client = ClientBuilder::new(reqwest::Client::new()).with(ClientMiddleware::new()).build();
    let app = Router::new()
        .route("/", get(hello))
        .route("/other", get(|| async { "other" }))
        .layer(ServerLayer::new())
        .with_state((client, format!("{url}/other")));

    let _ = writeln!(io::stdout(), "Running on {url}");
    axum::serve(listener, app).with_graceful_shutdown(tracewire::shutdown_signal()).await?;
    telemetry.shutdown();
    Ok(())
}

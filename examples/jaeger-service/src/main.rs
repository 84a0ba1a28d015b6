//! A service whose traces go to Jaeger. Each response links to its trace.
//!
//! `OTEL_EXPORTER_OTLP_ENDPOINT` is where Jaeger receives spans (default `http://localhost:4318`), and
//! `JAEGER_UI` its user interface (default `http://localhost:16686`).

mod library;

use reqwest_middleware::ClientBuilder;
use std::{
    env,
    error::Error,
    io::{self, Write},
    net::SocketAddr,
};
use tokio::net::TcpListener;
use tracewire::{ClientMiddleware, Telemetry};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder()
        .defaults(|defaults| {
            defaults.service_name("library").metrics([]) // Jaeger takes traces only
        })
        .init()?;
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await?;
    let url = format!("http://{}", listener.local_addr()?);
    // Not `println!`, which panics if stdout is closed or full.
    let _ = writeln!(io::stdout(), "listening on {url}");

    let client = ClientBuilder::new(reqwest::Client::new()).with(ClientMiddleware::new()).build();
    let pages = env::var("JAEGER_UI").unwrap_or_else(|_| "http://localhost:16686".into());
    let app = library::app(client, url, pages);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(tracewire::shutdown_signal())
        .await?;
    telemetry.shutdown();
    Ok(())
}

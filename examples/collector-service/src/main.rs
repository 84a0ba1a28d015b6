//! A service whose spans, metrics and log lines go to an OpenTelemetry Collector, over gRPC unless
//! `OTEL_EXPORTER_OTLP_PROTOCOL` is set.

mod shop;

use reqwest_middleware::ClientBuilder;
use std::{
    env,
    error::Error,
    io::{self, Write},
    net::SocketAddr,
};
use tokio::net::TcpListener;
use tracewire::{
    ClientMiddleware, InitError, Telemetry,
    setup::{LogFormat, Otlp, Protocol},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = set_up()?;
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await?;
    let url = format!("http://{}", listener.local_addr()?);
    // Not `println!`, which panics if stdout is closed or full.
    let _ = writeln!(io::stdout(), "listening on {url}");

    let client = ClientBuilder::new(reqwest::Client::new()).with(ClientMiddleware::new()).build();
    let app = shop::app(client, url);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(tracewire::shutdown_signal())
        .await?;
    telemetry.shutdown(); // sends what is left, and says what was lost
    Ok(())
}

/// The log format sets a subscriber: log lines go to stdout, and to the Collector.
fn set_up() -> Result<Telemetry, InitError> {
    Telemetry::builder()
        .defaults(|defaults| {
            defaults.service_name("shop").otlp(Otlp::new().protocol(Protocol::Grpc))
        })
        .log_format(LogFormat::Text)
        .init()
}

//! A service whose spans, metrics and log records go to Uptrace.

use axum::{Router, extract::Path, routing::get};
use std::{
    env,
    error::Error,
    io::{self, Write},
    net::SocketAddr,
};
use tokio::net::TcpListener;
use tracewire::{ServerLayer, Telemetry, setup::LogFormat, span::span};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // UPTRACE_DSN says where, and who we are. The subscriber takes log records, and writes lines to stdout.
    let telemetry = Telemetry::builder().log_format(LogFormat::Text).init()?;
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await?;
    // Not `println!`, which panics if stdout is closed or full.
    let _ = writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?);

    let app = Router::new().route("/hello/{name}", get(hello)).layer(ServerLayer::new());
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(tracewire::shutdown_signal())
        .await?;
    telemetry.shutdown();
    Ok(())
}

async fn hello(Path(name): Path<String>) -> String {
    let greeting = span("find greeting").run(find_greeting(&name)).await;
    tracing::info!(greeting, "greeted"); // sent too, with the ids of the request's span
    format!("{greeting}, {name}!\n")
}

async fn find_greeting(name: &str) -> &'static str {
    if name.len().is_multiple_of(2) { "Hello" } else { "Good morning" }
}

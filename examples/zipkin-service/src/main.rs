//! A service whose spans go to Zipkin, in traces that Zipkin's tracers can start.

use axum::{Router, extract::Path, http::StatusCode, routing::get};
use std::{
    env,
    error::Error,
    io::{self, Write},
    net::SocketAddr,
};
use tokio::net::TcpListener;
use tracewire::{
    ServerLayer, Telemetry,
    setup::TracesExporter,
    span::{self, Event, span},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder()
        .defaults(|defaults| {
            defaults.service_name("barista").traces([TracesExporter::zipkin()]).metrics([]) // Zipkin takes traces only
        })
        .init()?;
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await?;
    // Not `println!`, which panics if stdout is closed or full.
    let _ = writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?);

    let app = Router::new().route("/coffee/{kind}", get(serve)).layer(ServerLayer::new());
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(tracewire::shutdown_signal())
        .await?;
    telemetry.shutdown();
    Ok(())
}

async fn serve(Path(kind): Path<String>) -> (StatusCode, String) {
    match span("brew").attribute("coffee.kind", kind.clone()).run(brew(&kind)).await {
        Ok(()) => (StatusCode::OK, format!("A {kind}, please.\n")),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}

async fn brew(kind: &str) -> Result<(), String> {
    if kind == "mocha" {
        return Err("no chocolate left".to_owned());
    }
    span::current().add_event(Event::new("beans ground").attribute("coffee.beans", 9));
    Ok(())
}

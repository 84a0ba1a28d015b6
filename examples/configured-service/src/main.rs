//! A service that one configuration file sets up, and changes while it runs.

use axum::{Router, extract::Path, routing::get};
use std::{
    env,
    error::Error,
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
};
use tokio::net::TcpListener;
use tracewire::{
    ServerLayer, Telemetry,
    setup::{BaggageAttributes, Component},
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/otel.yaml");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder()
        // OTEL_CONFIG_FILE names another one.
        .defaults(|defaults| defaults.config_file(FILE))
        .component(Component::span_processor("tenant", |properties| {
            let keys = properties["keys"].as_array().ok_or("`keys` is missing")?;
            let keys = keys.iter().filter_map(|key| key.as_str().map(str::to_owned));
            Ok::<_, &str>(BaggageAttributes::new(keys))
        }))
        .init()?;
    let telemetry = Arc::new(telemetry);
    #[cfg(unix)]
    tokio::spawn(reload_at_hangup(telemetry.clone()));

    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await?;
    // Not `println!`, which panics if stdout is closed or full.
    let _ = writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?);

    let app = Router::new()
        .route("/books/{title}", get(async |Path(title): Path<String>| format!("{title}\n")))
        .route("/healthz", get(async || "ok\n"))
        .layer(ServerLayer::new());
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(tracewire::shutdown_signal())
        .await?;
    // The task that reloads has the other one, and ends with the runtime.
    drop(telemetry);
    Ok(())
}

/// Reads the file again at each SIGHUP, without waiting for the next look at it.
#[cfg(unix)]
async fn reload_at_hangup(telemetry: Arc<Telemetry>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangups) = signal(SignalKind::hangup()) else { return };
    while hangups.recv().await.is_some() {
        let said = match telemetry.reload() {
            Ok(changes) => format!("reloaded: {}", changes.join("; ")),
            Err(error) => format!("not reloaded: {error}"),
        };
        let _ = writeln!(io::stderr(), "{said}");
    }
}

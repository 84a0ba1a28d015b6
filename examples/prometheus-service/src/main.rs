//! A service whose metrics Prometheus scrapes: request durations, and two custom metrics.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, UpDownCounter},
};
use std::{
    env,
    error::Error,
    io::{self, Write},
    net::SocketAddr,
};
use tokio::net::TcpListener;
use tracewire::{ServerLayer, Telemetry, setup::MetricsExporter};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder()
        .defaults(|defaults| {
            defaults.service_name("barista").traces([]).metrics([MetricsExporter::prometheus()])
        })
        .init()?;
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await?;
    // Not `println!`, which panics if stdout is closed or full.
    let _ = writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?);

    let app = Router::new()
        .route("/coffee/{kind}", post(serve))
        .layer(ServerLayer::new())
        .with_state(Bar::open());
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(tracewire::shutdown_signal())
        .await?;
    telemetry.shutdown();
    Ok(())
}

#[derive(Clone)]
struct Bar {
    cups: Counter<u64>,
    beans: UpDownCounter<i64>,
}

impl Bar {
    /// Starts with a kilogram of beans.
    fn open() -> Self {
        let meter = global::meter("barista");
        let cups = meter.u64_counter("coffee.cups").with_description("Cups served.").build();
        let beans = meter
            .i64_up_down_counter("coffee.beans")
            .with_description("Beans left.")
            .with_unit("g")
            .build();
        beans.add(1000, &[]);
        Self { cups, beans }
    }
}

async fn serve(State(bar): State<Bar>, Path(kind): Path<String>) -> (StatusCode, String) {
    // Each kind is a time series, so only known kinds are counted, not any that a client sends.
    let grams = match kind.as_str() {
        "espresso" => 7,
        "latte" => 9,
        _ => return (StatusCode::NOT_FOUND, format!("No {kind} here.\n")),
    };
    bar.beans.add(-grams, &[]);
    bar.cups.add(1, &[KeyValue::new("coffee.kind", kind.clone())]);
    (StatusCode::OK, format!("A {kind}, please.\n"))
}

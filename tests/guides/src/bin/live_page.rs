//! docs/live-page.md
#![allow(clippy::print_stdout)] // a small program may

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use axum::{Router, routing::get};
    use std::net::SocketAddr;
    use tracewire::{ServerLayer, Telemetry, setup::Live};

    let telemetry = Telemetry::builder().live(Live::new()).init()?;
    let app = Router::new()
        .route("/orders/{id}", get(order))
        .layer(ServerLayer::new())
        .nest_service("/live", telemetry.live_page()); // after the layer, so that it is not traced
    let app = app.into_make_service_with_connect_info::<SocketAddr>();

    let listener = tokio::net::TcpListener::bind(std::env::var("LISTEN")?).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(tracewire::shutdown_signal()).await?;
    telemetry.shutdown();
    Ok(())
}

async fn order() -> &'static str {
    "lamp"
}

//! A service whose spans go to Elastic's APM Server, in traces that Elastic's agents can start.

use axum::{Router, extract::Path, http::StatusCode, routing::get};
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
    let telemetry = tracewire::init()?; // ELASTIC_APM_SERVER_URL, ELASTIC_APM_SECRET_TOKEN …
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await?;
    // Not `println!`, which panics if stdout is closed or full.
    let _ = writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?);

    let app = Router::new().route("/books/{title}", get(show_book)).layer(ServerLayer::new());
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(tracewire::shutdown_signal())
        .await?;
    telemetry.shutdown();
    Ok(())
}

/// An error that is recorded on the span fails its transaction in Elastic too.
async fn show_book(Path(title): Path<String>) -> Result<String, (StatusCode, String)> {
    let shelf = span("find shelf").attribute("book.title", title.clone()).run(find_shelf(title));
    match shelf.await {
        Ok(shelf) => Ok(format!("It stands on shelf {shelf}.\n")),
        Err(error) => Err((StatusCode::NOT_FOUND, format!("{error}\n"))),
    }
}

async fn find_shelf(title: String) -> Result<u8, String> {
    match title.as_str() {
        "emma" => Ok(1),
        "ulysses" => Ok(2),
        _ => Err(format!("no shelf has {title}")),
    }
}

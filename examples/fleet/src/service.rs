//! The services: a gateway asks for orders, and orders ask for stock.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::{net::SocketAddr, time::Duration};
use tokio::net::TcpListener;
use tracewire::{ClientMiddleware, ServerLayer, Telemetry, span};

/// The names of all services, in the order in which they ask each other.
pub(crate) const NAMES: [&str; 3] = ["gateway", "orders", "stock"];

/// How long stock looks for a piano.
const SLOW: Duration = Duration::from_millis(300);

/// Every span of a request, by name.
pub(crate) const SPANS: [&str; 6] =
    ["GET", "GET", "GET /buy/{item}", "GET /orders/{item}", "GET /stock/{item}", "reserve"];

#[derive(Clone)]
struct Next {
    client: ClientWithMiddleware,
    url: String,
}

/// Serves until SIGTERM. Spans go where `OTEL_EXPORTER_OTLP_ENDPOINT` says.
pub(crate) async fn run(name: &str, listen: &str, next: &str) -> Result<(), String> {
    let service = name.to_owned();
    let telemetry = Telemetry::builder()
        .defaults(|defaults| defaults.service_name(service).metrics([]))
        .init()
        .map_err(|error| error.to_string())?;
    let client = ClientBuilder::new(reqwest::Client::new()).with(ClientMiddleware::new()).build();
    let app = app(name, Next { client, url: format!("http://{next}") })?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("{name} cannot listen on {listen}: {error}"))?;
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(tracewire::shutdown_signal())
        .await
        .map_err(|error| format!("{name}: {error}"))?;
    telemetry.shutdown(); // sends what is left, and says what was lost
    Ok(())
}

fn app(name: &str, next: Next) -> Result<Router, String> {
    let router = match name {
        "gateway" => Router::new().route("/buy/{item}", get(buy)),
        "orders" => Router::new().route("/orders/{item}", get(order)),
        "stock" => Router::new().route("/stock/{item}", get(take)),
        _ => return Err(format!("no service is named {name:?}")),
    };
    Ok(router.layer(ServerLayer::new()).with_state(next))
}

async fn buy(State(next): State<Next>, Path(item): Path<String>) -> StatusCode {
    answer(next.get(&format!("orders/{item}")).await)
}

/// An error is recorded on the span around the call.
async fn order(State(next): State<Next>, Path(item): Path<String>) -> StatusCode {
    answer(span::span("reserve").run(next.get(&format!("stock/{item}"))).await)
}

async fn take(Path(item): Path<String>) -> StatusCode {
    match item.as_str() {
        "unicorn" => StatusCode::INTERNAL_SERVER_ERROR,
        "piano" => {
            tokio::time::sleep(SLOW).await;
            StatusCode::OK
        }
        _ => StatusCode::OK,
    }
}

fn answer(result: Result<(), reqwest_middleware::Error>) -> StatusCode {
    if result.is_ok() { StatusCode::OK } else { StatusCode::BAD_GATEWAY }
}

impl Next {
    async fn get(&self, path: &str) -> Result<(), reqwest_middleware::Error> {
        let url = format!("{}/{path}", self.url);
        self.client.get(url).send().await?.error_for_status()?;
        Ok(())
    }
}

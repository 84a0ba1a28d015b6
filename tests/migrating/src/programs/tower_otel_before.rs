use axum::{Router, extract::Path, extract::State, http::StatusCode, routing::get};
use opentelemetry::{global, trace::TracerProvider};
use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::{
    metrics::SdkMeterProvider, propagation::TraceContextPropagator, trace::SdkTracerProvider,
};
use reqwest::{Client, Method, Request};
use std::error::Error;
use tokio::{net::TcpListener, signal};
use tower::{ServiceBuilder, ServiceExt};
use tower_otel::{metrics, trace};
use tracing::{Level, error, instrument};
use tracing_subscriber::{filter::LevelFilter, prelude::*};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = SpanExporter::builder().with_http().build()?;
    let tracer_provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let exporter = MetricExporter::builder().with_http().build()?;
    let meter_provider = SdkMeterProvider::builder().with_periodic_exporter(exporter).build();
    let spans = tracing_opentelemetry::layer().with_tracer(tracer_provider.tracer("shop"));
    tracing_subscriber::registry().with(LevelFilter::INFO).with(spans).init();
    let meter = opentelemetry::metrics::MeterProvider::meter(&meter_provider, "shop");

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let client = ServiceBuilder::new()
        .layer(trace::HttpLayer::client(Level::INFO))
        .layer(metrics::HttpLayer::client(&meter))
        .service(Client::new());
    let shop = Shop { client, prices: format!("http://{address}/prices") };
    println!("http://{address}");

    let app = Router::new()
        .route("/orders/{id}", get(show_order))
        .route("/prices/{id}", get(|| async { "42" }))
        .route("/fails", get(fail))
        .with_state(shop)
        .layer(trace::HttpLayer::server(Level::INFO))
        .layer(metrics::HttpLayer::server(&meter))
        .route("/health", get(|| async { "ok" })); // added last: not traced
    let stop = async { _ = signal::ctrl_c().await };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    tracer_provider.shutdown()?;
    meter_provider.shutdown()?;
    Ok(())
}

#[derive(Clone)]
struct Shop {
    client: trace::Http<metrics::Http<Client>>,
    prices: String,
}

async fn show_order(State(shop): State<Shop>, Path(id): Path<u32>) -> Result<String, StatusCode> {
    load_price(&shop, id).await.map_err(|_| StatusCode::BAD_GATEWAY)
}

#[instrument(skip(shop), err)]
async fn load_price(shop: &Shop, id: u32) -> Result<String, Box<dyn Error + Send + Sync>> {
    let url = format!("{}/{id}", shop.prices).parse()?;
    let response = shop.client.clone().oneshot(Request::new(Method::GET, url)).await?;
    Ok(response.error_for_status()?.text().await?)
}

async fn fail() -> StatusCode {
    error!("out of stock");
    StatusCode::INTERNAL_SERVER_ERROR
}

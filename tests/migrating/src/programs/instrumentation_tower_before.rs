use axum::{Router, extract::Path, extract::State, http::StatusCode, routing::get};
use opentelemetry::{
    Context, global,
    metrics::Counter,
    trace::{FutureExt, TraceContextExt, Tracer},
};
use opentelemetry_http::HeaderInjector;
use opentelemetry_instrumentation_tower::http::server;
use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::{
    metrics::SdkMeterProvider, propagation::TraceContextPropagator, trace::SdkTracerProvider,
};
use reqwest::Client;
use std::error::Error;
use tokio::{net::TcpListener, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = SpanExporter::builder().with_http().build()?;
    let tracer_provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    global::set_tracer_provider(tracer_provider.clone());
    let exporter = MetricExporter::builder().with_http().build()?;
    let meter_provider = SdkMeterProvider::builder().with_periodic_exporter(exporter).build();
    global::set_meter_provider(meter_provider.clone());

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let orders = global::meter("shop").u64_counter("shop.orders").build();
    let prices = format!("http://{address}/prices");
    let shop = Shop { client: Client::new(), prices, orders };
    println!("http://{address}");

    let app = Router::new()
        .route("/orders/{id}", get(show_order))
        .route("/prices/{id}", get(|| async { "42" }))
        .route("/fails", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .with_state(shop)
        .layer(server::Layer::new())
        .route("/health", get(|| async { "ok" })); // added last: not traced
    let stop = async { _ = signal::ctrl_c().await };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    tracer_provider.shutdown()?;
    meter_provider.shutdown()?;
    Ok(())
}

#[derive(Clone)]
struct Shop {
    client: Client,
    prices: String,
    orders: Counter<u64>,
}

async fn show_order(State(shop): State<Shop>, Path(id): Path<u32>) -> Result<String, StatusCode> {
    shop.orders.add(1, &[]);
    let span = global::tracer("shop").start("load_price");
    let context = Context::current_with_span(span);
    load_price(&shop, id).with_context(context).await.map_err(|_| StatusCode::BAD_GATEWAY)
}

async fn load_price(shop: &Shop, id: u32) -> Result<String, reqwest::Error> {
    let mut request = shop.client.get(format!("{}/{id}", shop.prices)).build()?;
    global::get_text_map_propagator(|propagator| {
        propagator.inject(&mut HeaderInjector(request.headers_mut()));
    });
    shop.client.execute(request).await?.error_for_status()?.text().await
}

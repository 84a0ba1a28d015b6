use axum::extract::{MatchedPath, Path, Request, State};
use axum::{
    Router, http::StatusCode, middleware, middleware::Next, response::Response, routing::get,
};
use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::{
    metrics::SdkMeterProvider, propagation::TraceContextPropagator, trace::SdkTracerProvider,
};
use reqwest::Client;
use std::{error::Error, time::Instant};
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
    let shop = Shop { client: Client::new(), prices: format!("http://{address}/prices") };
    println!("http://{address}");

    let app = Router::new()
        .route("/orders/{id}", get(show_order))
        .route("/prices/{id}", get(|| async { "42" }))
        .route("/fails", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .with_state(shop)
        .layer(middleware::from_fn(trace))
        .route("/health", get(|| async { "ok" })); // added last: not traced
    let stop = async { _ = signal::ctrl_c().await };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    tracer_provider.shutdown()?;
    meter_provider.shutdown()?;
    Ok(())
}

async fn trace(request: Request, next: Next) -> Response {
    let start = Instant::now();
    let parent = global::get_text_map_propagator(|propagator| {
        propagator.extract(&HeaderExtractor(request.headers()))
    });
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = request.method().to_string();
    let name = route.as_ref().map_or(method.clone(), |route| format!("{method} {route}"));
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("url.path", request.uri().path().to_owned()),
    ];
    attributes.extend(route.map(|route| KeyValue::new("http.route", route)));
    let tracer = global::tracer("shop");
    let span = tracer.span_builder(name).with_kind(SpanKind::Server);
    let span = span.with_attributes(attributes.clone()).start_with_context(&tracer, &parent);
    let context = parent.with_span(span);

    let response = next.run(request).with_context(context.clone()).await;

    let status = KeyValue::new("http.response.status_code", i64::from(response.status().as_u16()));
    context.span().set_attribute(status.clone());
    if response.status().is_server_error() {
        context.span().set_status(Status::error(""));
    }
    attributes.retain(|attribute| attribute.key.as_str() != "url.path");
    attributes.push(status);
    let meter = global::meter("shop");
    let duration = meter.f64_histogram("http.server.request.duration").with_unit("s").build();
    duration.record(start.elapsed().as_secs_f64(), &attributes);
    context.span().end();
    response
}

#[derive(Clone)]
struct Shop {
    client: Client,
    prices: String,
}

async fn show_order(State(shop): State<Shop>, Path(id): Path<u32>) -> Result<String, StatusCode> {
    let span = global::tracer("shop").start("load_price");
    let context = Context::current_with_span(span);
    load_price(&shop, id).with_context(context).await.map_err(|_| StatusCode::BAD_GATEWAY)
}

async fn load_price(shop: &Shop, id: u32) -> Result<String, reqwest::Error> {
    let tracer = global::tracer("shop");
    let span = tracer.span_builder("GET").with_kind(SpanKind::Client).start(&tracer);
    let context = Context::current_with_span(span);
    let mut request = shop.client.get(format!("{}/{id}", shop.prices)).build()?;
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut HeaderInjector(request.headers_mut()));
    });
    let response = shop.client.execute(request).await?;
    let status = i64::from(response.status().as_u16());
    context.span().set_attribute(KeyValue::new("http.response.status_code", status));
    context.span().end();
    response.error_for_status()?.text().await
}

use opentelemetry_032::{global, trace::TracerProvider};
use opentelemetry_otlp_032::SpanExporter;
use opentelemetry_sdk_032::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_tracing::{OtelPathNames, SpanBackendWithUrl, TracingMiddleware};
use std::{env, error::Error};
use tracing::instrument;
use tracing_subscriber::{filter::LevelFilter, prelude::*};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = SpanExporter::builder().with_http().build()?;
    let tracer_provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let spans = tracing_opentelemetry_033::layer().with_tracer(tracer_provider.tracer("prices"));
    tracing_subscriber::registry().with(LevelFilter::INFO).with(spans).init();

    let client = ClientBuilder::new(reqwest::Client::new())
        .with(TracingMiddleware::<SpanBackendWithUrl>::new())
        .build();
    let service = env::args().next_back().unwrap_or_default();
    for id in [7, 8, 9] {
        _ = load_price(&client, &service, id).await; // its span has the error
    }
    tracer_provider.shutdown()?;
    Ok(())
}

#[instrument(skip(client, service), err)]
async fn load_price(
    client: &ClientWithMiddleware,
    service: &str,
    id: u32,
) -> reqwest_middleware::Result<String> {
    let names = OtelPathNames::known_paths(["/prices/{id}"])?;
    let request = client.get(format!("{service}/prices/{id}")).with_extension(names);
    Ok(request.send().await?.error_for_status()?.text().await?)
}

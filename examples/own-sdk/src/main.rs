//! A service that sets up OpenTelemetry's SDK itself: its own providers, sampler and resource, and the
//! exporters of tracewire-export.

use axum::{Router, extract::Path, routing::get};
use opentelemetry::global;
use opentelemetry_sdk::{
    Resource,
    metrics::SdkMeterProvider,
    trace::{Sampler, SdkTracerProvider},
};
use std::{
    env,
    error::Error,
    io::{self, Write},
    net::SocketAddr,
    time::Duration,
};
use tokio::net::TcpListener;
use tracewire::ServerLayer;
use tracewire_export::{
    Batch, BatchSpanProcessor, Compression, ConsoleExporter, ExportError, Exports, OtlpExporter,
    PrometheusExporter,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let collector = env::var("COLLECTOR").unwrap_or_else(|_| "http://localhost:4318".into());
    let exports = Exports::new();
    let resource = Resource::builder().with_service_name("library").build();
    let traces = traces(&exports, &collector, resource.clone())?;
    let prometheus = PrometheusExporter::new();
    let metrics =
        SdkMeterProvider::builder().with_resource(resource).with_reader(prometheus.clone()).build();
    global::set_tracer_provider(traces.clone());
    global::set_meter_provider(metrics.clone());

    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await?;
    // Not `println!`, which panics if stdout is closed or full.
    let _ = writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?);
    let app = Router::new()
        .route(
            "/books/{title}",
            get(async |Path(title): Path<String>| format!("Here is {title}.\n")),
        )
        .layer(ServerLayer::new())
        // Added after the layer, so that scrapes are not traced.
        .route_service("/metrics", prometheus.service());
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(asked_to_end())
        .await?;

    // Both block, for at most these limits.
    let _ = traces.shutdown_with_timeout(Duration::from_secs(5));
    let _ = metrics.shutdown_with_timeout(Duration::from_secs(1));
    let _ = writeln!(io::stdout(), "{}", exports.report());
    Ok(())
}

/// Sends spans to the collector in batches, and to the console when their trace has ended.
fn traces(
    exports: &Exports,
    collector: &str,
    resource: Resource,
) -> Result<SdkTracerProvider, ExportError> {
    let mut otlp = OtlpExporter::new(format!("{collector}/v1/traces"));
    otlp.compression = Compression::Gzip;
    let mut batch = Batch::spans();
    batch.delay = Duration::from_secs(1);
    let processor = BatchSpanProcessor::new(exports)
        .value_length(Some(1024))
        .otlp(otlp, batch)?
        .console(&ConsoleExporter::stdout());
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_span_processor(processor)
        .build())
}

/// Waits for Ctrl-C, or for SIGTERM on Unix.
async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

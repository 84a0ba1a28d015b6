//! docs/tracing.md

use tracewire::setup::{ContextLayer, TraceIds};
use tracing_subscriber::{EnvFilter, prelude::*};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = tracewire::init()?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")); // RUST_LOG
    let lines = tracing_subscriber::fmt::layer().map_event_format(TraceIds::new); // ids in log lines
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(telemetry.span_layer()) // `tracing` spans in the trace, and their errors
        .with(ContextLayer::new()) // the trace stays with `tokio::spawn(future.in_current_span())`
        .init();
    tracing::info!("ready");
    telemetry.shutdown();
    Ok(())
}

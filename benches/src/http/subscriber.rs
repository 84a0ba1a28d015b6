//! The `tracing` subscriber that peers need which make spans of that kind.

use super::telemetry::Telemetry;
use opentelemetry::trace::TracerProvider;
use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, registry::Registry};

/// The spans of this target are at level trace.
const QUIET: &str = "otel::tracing";

/// Hands the spans of `tracing` to OpenTelemetry.
pub(super) fn install(telemetry: &mut Telemetry) {
    let tracer = telemetry.tracer_provider.tracer("subscriber");
    let subscriber = Registry::default()
        .with(admitted())
        .with(tracing_opentelemetry::layer().with_tracer(tracer));
    tracing::subscriber::set_global_default(subscriber).expect("this process has set none before");
}

/// What a service usually admits.
pub(super) fn admitted() -> Targets {
    Targets::new().with_default(LevelFilter::INFO).with_target(QUIET, Level::TRACE)
}

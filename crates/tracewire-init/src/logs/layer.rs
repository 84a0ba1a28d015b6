//! The layer that makes log records of `tracing` events.

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::targets::is_telemetry;

/// Events of `tracing` as log records, but not those of telemetry itself, whose export would make
/// more of them.
pub(crate) fn layer<S>(provider: &SdkLoggerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    OpenTelemetryTracingBridge::new(provider)
        .with_filter(filter_fn(|metadata| !is_telemetry(metadata.target())))
}

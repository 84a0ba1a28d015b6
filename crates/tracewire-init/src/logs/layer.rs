//! The layer that makes log records of `tracing` events.

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// Events of `tracing` as log records, but not those of telemetry itself, whose export would make
/// more of them.
pub(crate) fn layer<S>(provider: &SdkLoggerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    OpenTelemetryTracingBridge::new(provider)
        .with_filter(filter_fn(|metadata| !is_telemetry(metadata.target())))
}

/// Whether a target is part of the way that log records leave by.
///
/// What these crates say on an export's own thread is suppressed there; this is for what they say
/// on other threads, as an HTTP/2 connection does.
fn is_telemetry(target: &str) -> bool {
    let root = target.split("::").next().unwrap_or_default();
    root == "tracewire"
        || root.starts_with("tracewire_init")
        || root.starts_with("opentelemetry")
        || matches!(root, "ureq" | "ureq_proto" | "h2" | "tonic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telemetry_is_known_by_its_targets() {
        for target in ["tracewire", "opentelemetry_sdk", "opentelemetry-otlp", "h2::codec", "ureq"]
        {
            assert!(is_telemetry(target), "{target}");
        }
        for target in ["shop", "shop::tracewire", "tracewire_tower::server", "hyper", "h2o", ""] {
            assert!(!is_telemetry(target), "{target}");
        }
    }
}

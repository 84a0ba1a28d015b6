//! The layer that makes log records of `tracing` events.

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use tracewire_propagation::current;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::targets::is_telemetry;

/// Events of `tracing` as log records, but not those of telemetry itself, whose export would make
/// more of them.
pub(crate) fn layer<S>(provider: &SdkLoggerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    OpenTelemetryTracingBridge::new(provider).with_filter(Bridged)
}

/// Which events become log records.
struct Bridged;

impl<S> Filter<S> for Bridged {
    fn enabled(&self, metadata: &Metadata<'_>, _context: &Context<'_, S>) -> bool {
        !is_telemetry(metadata.target())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_telemetry(metadata.target()) { Interest::never() } else { Interest::always() }
    }

    /// Not while a thread ends: the SDK asks for the current context, and panics without.
    fn event_enabled(&self, _event: &Event<'_>, _context: &Context<'_, S>) -> bool {
        current::is_reachable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use tracing::Dispatch;
    use tracing::dispatcher::with_default;
    use tracing_subscriber::prelude::*;

    struct Logs(Dispatch);

    impl Drop for Logs {
        fn drop(&mut self) {
            with_default(&self.0, || tracing::info!("dropped"));
        }
    }

    thread_local! {
        static KEPT: RefCell<Option<Logs>> = const { RefCell::new(None) };
    }

    #[test]
    fn an_event_while_its_thread_ends_is_left_out() {
        let provider = SdkLoggerProvider::builder().build();
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer(&provider)));
        let logs = move || {
            // In the order in which these thread-locals are to be destroyed, last one first.
            with_default(&dispatch.clone(), || {
                KEPT.set(None);
                tracing::info!("first");
            });
            KEPT.set(Some(Logs(dispatch)));
        };
        std::thread::spawn(logs).join().unwrap();
    }
}

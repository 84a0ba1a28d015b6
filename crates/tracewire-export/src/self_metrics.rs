//! What became of the telemetry, as metrics of its own.

use crate::pipeline::counts::Counts;
use opentelemetry::{
    KeyValue,
    metrics::{MeterProvider, ObservableCounter},
};
use std::sync::Arc;

/// Makes a counter of items by signal, exporter and fate.
///
/// The counters are kept alive by the provider.
pub(crate) fn register(
    provider: &impl MeterProvider,
    counts: impl Fn() -> Vec<Arc<Counts>> + Send + Sync + 'static,
) {
    let _: ObservableCounter<u64> = provider
        .meter("tracewire")
        .u64_observable_counter("tracewire.telemetry.items")
        .with_unit("{item}")
        .with_description("Spans, log records and data points that were recorded, by outcome.")
        .with_callback(move |observer| {
            for counts in counts() {
                let now = counts.snapshot();
                for (fate, number) in
                    [("exported", now.exported), ("failed", now.failed), ("dropped", now.dropped)]
                {
                    observer.observe(
                        number,
                        &[
                            KeyValue::new("signal", counts.signal()),
                            KeyValue::new("exporter", counts.exporter()),
                            KeyValue::new("fate", fate),
                        ],
                    );
                }
            }
        })
        .build();
}

//! A counter, a histogram and a gauge.

use std::sync::atomic::{AtomicU64, Ordering};
use tracewire::{
    InitError,
    opentelemetry::{KeyValue, global},
};

static QUEUE: AtomicU64 = AtomicU64::new(7);

fn main() -> Result<(), InitError> {
    let telemetry = tracewire::init()?;

    let meter = global::meter("shop");
    let orders = meter.u64_counter("orders").with_description("orders received").build();
    let sizes = meter.f64_histogram("order.size").with_unit("{item}").build();
    meter
        .u64_observable_gauge("queue.length")
        .with_callback(|gauge| gauge.observe(QUEUE.load(Ordering::Relaxed), &[]))
        .build();

    orders.add(1, &[KeyValue::new("payment", "card")]);
    sizes.record(3.0, &[]);

    telemetry.shutdown();
    Ok(())
}

//! Meters: where instruments come from, with the name and version of a library.

use opentelemetry::{
    InstrumentationScope, global,
    metrics::{Meter, MeterProvider},
};
use std::sync::Arc;
use tracewire_propagation::current;

/// Returns the [`Meter`] of the current package, to create instruments with.
///
/// Its scope has the package's name and version.
///
/// ```
/// use opentelemetry::metrics::Counter;
/// use std::sync::LazyLock;
/// use tracewire_span::{KeyValue, meter};
///
/// static ORDERS: LazyLock<Counter<u64>> =
///     LazyLock::new(|| meter!().u64_counter("shop.orders").with_unit("{order}").build());
///
/// ORDERS.add(1, &[KeyValue::new("shop.item", "lamp")]);
/// ```
///
/// The meter is that of the provider which the context carries, else of the global one, as it is now: an
/// instrument that is created before `init` stays without effect. Create instruments once and keep them.
#[macro_export]
macro_rules! meter {
    () => {
        $crate::meter(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
    };
}

/// Returns the [`Meter`] of the library of this name and version. [`meter!`](macro@crate::meter) fills both in.
pub fn meter(name: &'static str, version: &'static str) -> Meter {
    let scope = InstrumentationScope::builder(name).with_version(version).build();
    let carried =
        current::with(|context| context.get::<Arc<dyn MeterProvider + Send + Sync>>().cloned());
    carried.unwrap_or_else(global::meter_provider).meter_with_scope(scope)
}

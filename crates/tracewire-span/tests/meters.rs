//! Instruments under the name of the package.

use opentelemetry::global;
use tracewire_span::{KeyValue, meter};
use tracewire_testing::Capture;

#[test]
fn the_scope_is_the_package_and_the_provider_the_contexts_before_the_global_one() {
    let (global, carried) = (Capture::new(), Capture::new());
    global::set_meter_provider(global.meter_provider()); // no other test here needs the global one
    let record = || {
        let orders = meter!().u64_counter("shop.orders").build();
        orders.add(1, &[KeyValue::new("shop.item", "lamp")]);
    };
    record();
    carried.in_scope(record);
    for capture in [global, carried] {
        let metrics = capture.metrics();
        let orders = metrics.one("shop.orders");
        assert_eq!(orders.scope, "tracewire-span");
        assert_eq!(orders.only().value, 1.0);
    }
}

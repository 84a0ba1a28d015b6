//! docs/metrics.md

mod own {
    use std::sync::atomic::{AtomicU64, Ordering};
    use tracewire::opentelemetry::{KeyValue, global};

    static WAITING: AtomicU64 = AtomicU64::new(7);

    pub(super) fn record() {
        let meter = global::meter("shop");
        let orders = meter.u64_counter("shop.orders").with_unit("{order}").build();
        orders.add(1, &[KeyValue::new("shop.item", "lamp")]);

        let sizes =
            meter.f64_histogram("shop.basket").with_boundaries(vec![1.0, 5.0, 20.0]).build();
        sizes.record(3.0, &[]);

        meter
            .u64_observable_gauge("shop.queue")
            .with_callback(|gauge| gauge.observe(WAITING.load(Ordering::Relaxed), &[]))
            .build();
    }
}

use opentelemetry::global;
use tests::Service;
use tracewire_testing::Capture;

#[test]
fn custom_instruments_are_exported() {
    let capture = Capture::new();
    global::set_meter_provider(capture.meter_provider()); // no other test here needs the global one
    own::record();
    let metrics = capture.metrics();
    assert_eq!(metrics.one("shop.orders").only().value, 1.0);
    assert_eq!(metrics.one("shop.basket").only().bounds, [1.0, 5.0, 20.0]);
    assert_eq!(metrics.one("shop.queue").only().value, 7.0);
}

#[test]
fn the_page_is_served_by_the_router_of_the_service() {
    let variables = [("OTEL_TRACES_EXPORTER", "none")];
    let service = Service::start(env!("CARGO_BIN_EXE_metrics"), &variables);
    assert!(service.get("/buy", "").ends_with("sold"));
    let page = service.get("/metrics", "");
    for line in ["shop_orders_total{", "http_server_request_duration_seconds_count{"] {
        assert!(page.lines().any(|own| own.starts_with(line)), "{line:?} in:\n{page}");
    }
    assert!(!page.contains("/metrics"), "{page}");
}

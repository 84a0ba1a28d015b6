//! docs/live-page.md

use std::{
    thread,
    time::{Duration, Instant},
};
use tests::Service;

#[test]
fn the_page_is_mounted_and_shows_the_routes_of_the_service() {
    let variables = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none")];
    let service = Service::start(env!("CARGO_BIN_EXE_live_page"), &variables);
    assert!(service.get("/orders/7", "").ends_with("lamp"));
    assert!(service.get("/live/", "").starts_with("HTTP/1.1 200"));
    let begun = Instant::now();
    loop {
        let traces = service.get("/live/api/traces", "");
        if traces.contains("GET /orders/{id}") {
            assert!(!traces.contains("/live"), "the page is not traced: {traces}");
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{traces}");
        thread::sleep(Duration::from_millis(20));
    }
}

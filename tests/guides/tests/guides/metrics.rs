//! docs/metrics.md

mod own {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use tracewire::meter;
    use tracewire::opentelemetry::{KeyValue, metrics::Counter};

    static WAITING: AtomicU64 = AtomicU64::new(7);
    static ORDERS: LazyLock<Counter<u64>> =
        LazyLock::new(|| meter!().u64_counter("shop.orders").with_unit("{order}").build());

    pub(super) fn record() {
        ORDERS.add(1, &[KeyValue::new("shop.item", "lamp")]);

        let sizes =
            meter!().f64_histogram("shop.basket").with_boundaries(vec![1.0, 5.0, 20.0]).build();
        sizes.record(3.0, &[]);

        meter!()
            .u64_observable_gauge("shop.queue")
            .with_callback(|gauge| gauge.observe(WAITING.load(Ordering::Relaxed), &[]))
            .build();
    }
}

mod metrics_of_the_process {
    use tracewire::{InitError, Telemetry, setup::Metrics};

    pub(super) fn start() -> Result<Telemetry, InitError> {
        let metrics = Metrics::new().process_metrics(true).runtime_metrics(true).self_metrics(true);
        Telemetry::builder().metrics(metrics).init()
    }

    pub(super) fn jobs(telemetry: &Telemetry) -> std::io::Result<tokio::runtime::Runtime> {
        let jobs = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        telemetry.observe_runtime("jobs", jobs.handle());
        Ok(jobs)
    }
}

mod views {
    use opentelemetry_sdk::metrics::{Aggregation, Stream};
    use tracewire::setup::Metrics;

    pub(super) fn without_noise() -> Metrics {
        Metrics::new().view(|instrument| {
            let noise = instrument.name().starts_with("shop.debug.");
            let dropped = Stream::builder().with_aggregation(Aggregation::Drop).build().ok();
            if noise { dropped } else { None }
        })
    }
}

mod readers {
    use opentelemetry_sdk::metrics::{PeriodicReader, exporter::PushMetricExporter};
    use std::time::Duration;
    use tracewire::setup::Metrics;

    pub(super) fn also_to(exporter: impl PushMetricExporter) -> Metrics {
        let reader =
            PeriodicReader::builder(exporter).with_interval(Duration::from_secs(10)).build();
        Metrics::new().reader(reader)
    }
}

use opentelemetry::{global, metrics::MeterProvider as _};
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, PeriodicReader,
    data::{ResourceMetrics, ScopeMetrics},
};
use tests::Service;
use tracewire::Telemetry;
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
fn a_view_drops_noise_and_a_second_runtime_is_observed() {
    let seen = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(seen.clone()).build();
    let telemetry = Telemetry::builder()
        .traces([])
        .metrics(views::without_noise().exporters([]).reader(reader))
        .build()
        .unwrap();
    let jobs = metrics_of_the_process::jobs(&telemetry).unwrap();
    let meter = telemetry.meter_provider().unwrap().meter("shop");
    meter.u64_counter("shop.debug.ticks").build().add(1, &[]);
    meter.u64_counter("shop.orders").build().add(1, &[]);
    telemetry.flush();
    let all = seen.get_finished_metrics().unwrap();
    let scopes = all.iter().flat_map(ResourceMetrics::scope_metrics);
    let names: Vec<_> = scopes.flat_map(ScopeMetrics::metrics).map(|m| m.name()).collect();
    assert!(names.contains(&"shop.orders") && names.contains(&"tokio.workers"), "{names:?}");
    assert!(!names.contains(&"shop.debug.ticks"), "{names:?}");
    drop((jobs, metrics_of_the_process::start));
}

#[test]
fn a_reader_stands_beside_the_exporters() {
    let seen = InMemoryMetricExporter::default();
    let metrics = readers::also_to(seen.clone()).exporters([]);
    let telemetry = Telemetry::builder().traces([]).metrics(metrics).build().unwrap();
    telemetry
        .meter_provider()
        .unwrap()
        .meter("shop")
        .u64_counter("shop.orders")
        .build()
        .add(1, &[]);
    telemetry.flush();
    assert!(!seen.get_finished_metrics().unwrap().is_empty());
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

//! Metrics, as they are measured.

use crate::{
    registry::Registry,
    values::{clients, databases, servers},
};
use std::collections::BTreeSet;
use tracewire_init::{Metrics as MetricSettings, MetricsExporter, Otlp, Telemetry, TracesExporter};
use tracewire_testing::{Capture, Collector, Metric, MetricKind, Metrics};

/// Metrics of the conventions that nothing here measures, and why.
const NEVER: &[(&str, &str)] = &[
    ("db.client.connection.create_time", "pools do not tell when they connect"),
    ("db.client.connection.idle.max", "pools here have no such limit"),
    ("db.client.response.returned_rows", "not known of a query"),
    ("dns.lookup.duration", "checked with connections, in tracewire-http"),
    ("http.client.connection.duration", "likewise"),
    ("http.client.open_connections", "likewise"),
    ("otel.sdk.exporter.log.exported", "as of spans, where there are log records"),
    ("otel.sdk.exporter.log.inflight", "likewise"),
    ("otel.sdk.log.created", "the SDK does not count it"),
    ("otel.sdk.processor.log.processed", "as of spans, where there are log records"),
    ("otel.sdk.processor.log.queue.capacity", "likewise"),
    ("otel.sdk.processor.log.queue.size", "likewise"),
    ("process.cpu.utilization", "`process.cpu.time` says it"),
    ("process.disk.io", "not measured"),
    ("process.disk.operations", "not measured"),
    ("process.memory.utilization", "`process.memory.usage` says it"),
    ("process.network.io", "not measured"),
    ("process.signals_pending", "not measured"),
    ("process.windows.handle.count", "measured on Windows"),
];

/// Attributes of metrics that the conventions recommend or want on a condition, and that no point below has,
/// and why.
const MISSING: &[(&str, &str)] = &[
    ("db.collection.name", "the summary of a query has it, and one alone would be a guess"),
    ("db.operation.name", "the summary of a query has it"),
    ("db.stored_procedure.name", "likewise"),
    ("network.peer.address", "not known of a database"),
    ("network.peer.port", "likewise"),
    ("network.protocol.name", "it is always `http`"),
    (
        "url.template",
        "the span has it; by an option of its own on metrics, `add_metric_attributes`",
    ),
];

/// Metrics of our own, which the registry does not have.
const OWN: [&str; 2] = ["tokio.", "tracewire."];

/// The metrics of requests, calls and databases, by defaults or with every option.
fn measured(with_options: bool) -> Metrics {
    let capture = Capture::new();
    servers(&capture, with_options);
    clients(&capture, with_options);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let all = async {
        let _pool = databases().await;
        capture.metrics()
    };
    runtime.block_on(capture.run(all))
}

/// The metrics of a process and of its telemetry.
fn of_process() -> Metrics {
    let collector = Collector::start();
    let metrics = MetricSettings::new()
        .exporters([MetricsExporter::otlp()])
        .process_metrics(true)
        .self_metrics(true);
    let telemetry = Telemetry::builder()
        .otlp(Otlp::new().endpoint(collector.endpoint()))
        .traces([TracesExporter::otlp()])
        .metrics(metrics)
        .build()
        .unwrap();
    for _ in 0..2 {
        use opentelemetry::trace::{Tracer as _, TracerProvider as _};
        drop(telemetry.tracer_provider().unwrap().tracer("conventions").start("work"));
        telemetry.flush();
    }
    telemetry.shutdown();
    collector.metrics()
}

fn check(registry: &Registry, metric: &Metric, name: &str) {
    let entry = registry.metrics.get(name).unwrap_or_else(|| panic!("{name} is in no registry"));
    let kind = match metric.kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
        MetricKind::UpDownCounter => "updowncounter",
        _ => "histogram",
    };
    assert_eq!((&*entry.instrument, &*entry.unit), (kind, &*metric.unit), "{name}");
    // Telemetry's own say more exactly what counts.
    if !name.starts_with("otel.sdk.") {
        let description = entry.description.replace('`', "");
        assert_eq!(description, metric.description.trim_end_matches('.'), "{name}");
    }
    assert!(!metric.points.is_empty(), "{name}");
    for point in &metric.points {
        let faults = registry.faults(&point.attributes, &entry.attributes);
        assert!(faults.is_empty(), "{name} {faults:#?}\n{point:?}");
    }
}

/// The attributes of all points.
fn keys<'a>(metrics: impl IntoIterator<Item = &'a Metric>) -> BTreeSet<&'a str> {
    let points = metrics.into_iter().flat_map(|metric| &metric.points);
    points.flat_map(|point| &point.attributes).map(|pair| pair.key.as_str()).collect()
}

#[test]
fn every_metric_has_the_kind_unit_description_and_attributes_of_the_registry() {
    let registry = Registry::read();
    let (by_default, with_options, of_process) = (measured(false), measured(true), of_process());
    let all = [&by_default, &with_options, &of_process];
    let all = || all.iter().flat_map(|metrics| metrics.iter());
    let ours = |metric: &&Metric| OWN.iter().all(|own| !metric.name.starts_with(own));
    let mut names = BTreeSet::new();
    for metric in all().filter(ours) {
        check(&registry, metric, &metric.name);
        names.insert(metric.name.as_str());
    }
    let missing: Vec<_> = registry
        .metrics
        .keys()
        .filter(|name| !names.contains(&***name) && NEVER.iter().all(|(never, _)| never != *name))
        .collect();
    assert!(missing.is_empty(), "measured by nothing: {missing:?}");
    // Whether there are log records depends on what else is built.
    for (name, _) in NEVER.iter().filter(|(name, _)| !name.contains(".log.")) {
        assert!(!names.contains(name), "{name} is measured after all");
    }
}

#[test]
fn attributes_of_metrics_are_there_as_their_levels_say() {
    let registry = Registry::read();
    let (by_default, with_options) = (measured(false), measured(true));
    for (name, entry) in &registry.metrics {
        let named = |metrics: &Metrics| -> Vec<Metric> {
            metrics.iter().filter(|metric| metric.name == *name).cloned().collect()
        };
        let (by_default, with_options) = (named(&by_default), named(&with_options));
        let of_default = keys(&by_default);
        let opted: Vec<_> =
            of_default.iter().filter(|key| entry.attributes[**key] == "opt_in").collect();
        assert!(opted.is_empty(), "{name}: {opted:?} without an option");
        if with_options.is_empty() {
            continue; // of the process, or measured by nothing
        }
        let all: BTreeSet<_> = of_default.union(&keys(&with_options)).copied().collect();
        let missing: Vec<_> = entry
            .attributes
            .iter()
            .filter(|(key, level)| *level != "opt_in" && !all.contains(&***key))
            .filter(|(key, _)| MISSING.iter().all(|(missing, _)| missing != key))
            .collect();
        assert!(missing.is_empty(), "{name}: {missing:?} on no point");
    }
}

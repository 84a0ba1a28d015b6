//! Exemplars from `init` to a collector. The store is the process's, so this is one test in a binary of
//! its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, metric::Data};
use prost::Message;
use tracewire_exemplar::installed;
use tracewire_init::{Metrics, MetricsExporter, Otlp, Telemetry, Traces};
use tracewire_span::{Histogram, current, histogram, span};
use tracewire_testing::Collector;

static CART: Histogram = histogram!("cart.size");

/// Measures in a span and ends telemetry. Returns the span's id, and the exemplars that arrived.
fn measured(metrics: Metrics) -> (String, Vec<Exemplar>) {
    let collector = Collector::start();
    let telemetry = Telemetry::builder()
        .traces(Traces::new().exporters([]))
        .metrics(metrics.exporters([MetricsExporter::otlp()]))
        .otlp(Otlp::new().endpoint(collector.endpoint()))
        .init()
        .unwrap();
    assert_eq!(telemetry.exemplars().is_some(), installed().is_some());
    let id = span("checkout").in_scope(|| {
        CART.record(3.0, &[]);
        current().span_context().span_id().to_string()
    });
    telemetry.shutdown();
    assert!(installed().is_none());
    let mut exemplars = Vec::new();
    for received in collector.requests() {
        let request = ExportMetricsServiceRequest::decode(received.body).unwrap();
        let scopes = request.resource_metrics.into_iter().flat_map(|all| all.scope_metrics);
        for metric in scopes.flat_map(|scope| scope.metrics) {
            if let Some(Data::Histogram(histogram)) = metric.data {
                let points = histogram.data_points.into_iter();
                exemplars.extend(points.flat_map(|point| point.exemplars));
            }
        }
    }
    (id, exemplars)
}

#[test]
fn init_exports_exemplars_unless_they_are_off() {
    for _ in 0..2 {
        let (id, exemplars) = measured(Metrics::new());
        let [exemplar] = &*exemplars else { panic!("one is expected: {exemplars:?}") };
        let found: String = exemplar.span_id.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, id);
    }
    let (_, exemplars) = measured(Metrics::new().exemplars(false));
    assert!(exemplars.is_empty(), "{exemplars:?}");
}

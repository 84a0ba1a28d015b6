//! `tracing` spans as OpenTelemetry spans, in the right place.

use std::collections::BTreeMap;

use crate::collector::{Answer, Collector};
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
    TracerProvider as _,
};
use tracewire_init::{Exporter, Telemetry};
use tracewire_propagation::untraced;
use tracing_subscriber::prelude::*;

/// The name of each span's parent, by the span's name; none is "".
fn exported(filter: &str, work: impl FnOnce(&Telemetry)) -> BTreeMap<String, String> {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = Telemetry::builder()
        .traces_exporters([Exporter::Otlp])
        .metrics_exporters([])
        .endpoint(collector.url())
        .log_filter(filter);
    #[cfg(feature = "logs")]
    let telemetry = telemetry.logs_exporters([]);
    let telemetry = telemetry.build().unwrap();
    let subscriber = tracing_subscriber::registry().with(telemetry.span_layer());
    tracing::subscriber::with_default(subscriber, || work(&telemetry));
    assert!(telemetry.shutdown().is_complete());
    let spans: Vec<_> = collector
        .received()
        .iter()
        .flat_map(|request| request.traces().resource_spans)
        .flat_map(|resource| resource.scope_spans)
        .flat_map(|scope| scope.spans)
        .collect();
    let name_of = |id: &[u8]| {
        spans.iter().find(|span| span.span_id == id).map_or_else(String::new, |s| s.name.clone())
    };
    spans.iter().map(|span| (span.name.clone(), name_of(&span.parent_span_id))).collect()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(span, parent)| (span.to_owned(), parent.to_owned())).collect()
}

#[test]
fn both_kinds_nest_in_either_order() {
    let found = exported("off", |telemetry| {
        let tracer = telemetry.tracer_provider().unwrap().tracer("test");
        tracer.in_span("request", |_| {
            tracing::info_span!("order").in_scope(|| {
                tracing::info!("an event is no span");
                tracer.in_span("query", |_| tracing::info_span!("row").in_scope(|| {}));
            });
        });
    });
    assert_eq!(
        found,
        map(&[("request", ""), ("order", "request"), ("query", "order"), ("row", "query")])
    );
}

#[test]
fn verbose_spans_appear_only_when_named() {
    let work = |_: &Telemetry| {
        tracing::info_span!("order").in_scope(|| {
            tracing::debug_span!(target: "shop", "debug").in_scope(|| {});
            tracing::trace_span!(target: "other", "trace").in_scope(|| {});
        });
    };
    assert_eq!(exported("error", work), map(&[("order", "")]));
    assert_eq!(exported("shop=debug", work), map(&[("order", ""), ("debug", "order")]));
}

#[test]
fn both_kinds_are_dropped_below_an_excluded_request() {
    let caller = SpanContext::new(
        TraceId::from(7),
        SpanId::from(7),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    for parent in [Context::new(), Context::new().with_remote_span_context(caller)] {
        let found = exported("off", |telemetry| {
            let tracer = telemetry.tracer_provider().unwrap().tracer("test");
            let excluded = untraced(&parent).attach();
            tracing::info_span!("order").in_scope(|| {
                tracer.in_span("query", |_| tracing::info_span!("row").in_scope(|| {}));
            });
            tracer.in_span("request", |_| tracing::info_span!("step").in_scope(|| {}));
            drop(excluded);
            tracing::info_span!("seen").in_scope(|| {});
        });
        assert_eq!(found, map(&[("seen", "")]));
    }
}

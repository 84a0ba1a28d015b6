//! `tracing` spans as OpenTelemetry spans, in the right place.

use std::collections::BTreeMap;

use crate::collector::{Answer, Collector};
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
    TracerProvider as _,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
#[cfg(feature = "logs")]
use tracewire_init::{Logs, LogsExporter};
use tracewire_init::{Metrics, Otlp, Telemetry, Traces, TracesExporter};
use tracewire_propagation::untraced;
use tracing_subscriber::prelude::*;

/// The spans that arrive of what happens with the layer.
fn arrived(filter: &str, work: impl FnOnce(&Telemetry)) -> Vec<Span> {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::otlp()]))
        .metrics(Metrics::new().exporters([]))
        .otlp(Otlp::new().endpoint(collector.url()))
        .log_filter(filter);
    #[cfg(feature = "logs")]
    let telemetry = telemetry.logs(Logs::new().exporters([]));
    let telemetry = telemetry.build().unwrap();
    let subscriber = tracing_subscriber::registry().with(telemetry.span_layer());
    tracing::subscriber::with_default(subscriber, || work(&telemetry));
    assert!(telemetry.shutdown().is_complete());
    collector
        .received()
        .iter()
        .flat_map(|request| request.traces().resource_spans)
        .flat_map(|resource| resource.scope_spans)
        .flat_map(|scope| scope.spans)
        .collect()
}

/// The name of each span's parent, by the span's name; none is "".
fn exported(filter: &str, work: impl FnOnce(&Telemetry)) -> BTreeMap<String, String> {
    let spans = arrived(filter, work);
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
fn a_root_has_the_flags_of_its_children() {
    let spans = arrived("off", |telemetry| {
        let provider = telemetry.tracer_provider().unwrap().clone();
        let tracer = tracewire_span::Tracer::new("test").provider(provider);
        tracer.span("root").in_scope(|| tracer.span("child").in_scope(|| ()));
    });
    // Sampled, with a random trace id, and no parent is remote, which is known of a root as well.
    let flags: Vec<_> = spans.iter().map(|span| (span.name.as_str(), span.flags)).collect();
    assert_eq!(flags, [("child", 0x103), ("root", 0x103)]);
}

/// Name, whether the status is Error and its text, and each event with the text of its exception.
fn outcome(span: &Span) -> (&str, Option<&str>, Vec<(&str, &str)>) {
    let status = span.status.as_ref().filter(|status| status.code == 2);
    let message = |event: &opentelemetry_proto::tonic::trace::v1::span::Event| {
        let found = event.attributes.iter().find(|pair| pair.key == "exception.message");
        match found.and_then(|pair| pair.value.clone()?.value) {
            Some(Value::StringValue(text)) => text.leak(),
            _ => "",
        }
    };
    let events = span.events.iter().map(|event| (event.name.as_str(), message(event)));
    (&span.name, status.map(|status| status.message.as_str()), events.collect())
}

#[tracing::instrument(err)]
fn fails() -> Result<(), String> {
    Err("out of stock".to_owned())
}

#[tracing::instrument(err(level = "debug"))]
fn fails_quietly() -> Result<(), String> {
    Err("out of stock".to_owned())
}

#[tracing::instrument(err(Debug), ret)]
fn returns() -> Result<u8, String> {
    Ok(7)
}

#[test]
fn errors_within_a_span_are_on_it_and_nothing_else_that_is_logged() {
    let work = |_: &Telemetry| {
        let _ = fails();
        let _ = fails_quietly();
        let _ = returns();
        tracing::info_span!("said").in_scope(|| {
            tracing::error!("no price");
            tracing::error!(error = %"no price");
        });
        tracing::info_span!("calm").in_scope(|| {
            tracing::warn!(error = "busy", "again");
            tracing::warn!("slow");
            tracing::info!("sold");
            // Telemetry's own trouble is none of this work's.
            tracing::error!(target: "opentelemetry_sdk", "lost");
        });
    };
    for filter in ["info", "off", "trace"] {
        let spans = arrived(filter, work);
        let outcomes: Vec<_> = spans.iter().map(outcome).collect();
        let exception = ("exception", "out of stock");
        assert_eq!(
            outcomes,
            [
                ("fails", Some("out of stock"), vec![exception]),
                ("fails_quietly", Some("out of stock"), vec![exception]),
                ("returns", None, vec![]),
                ("said", Some("no price"), vec![("no price", ""), ("exception", "no price")]),
                ("calm", None, vec![]),
            ],
            "{filter}"
        );
    }
}

#[cfg(feature = "logs")]
#[test]
fn an_error_is_once_on_its_span_and_once_in_the_log() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::otlp()]))
        .metrics(Metrics::new().exporters([]))
        .logs(Logs::new().exporters([LogsExporter::otlp()]))
        .otlp(Otlp::new().endpoint(collector.url()))
        .build()
        .unwrap();
    let subscriber =
        tracing_subscriber::registry().with(telemetry.log_layer()).with(telemetry.span_layer());
    tracing::subscriber::with_default(subscriber, || {
        let _ = fails();
        tracing::info_span!("calm").in_scope(|| tracing::info!("sold"));
    });
    assert!(telemetry.shutdown().is_complete());
    let (mut events, mut records) = (0, Vec::new());
    for request in collector.received() {
        if request.path == "/v1/logs" {
            let scopes = request.logs().resource_logs.into_iter().flat_map(|logs| logs.scope_logs);
            records.extend(scopes.flat_map(|scope| scope.log_records));
        } else {
            let scopes =
                request.traces().resource_spans.into_iter().flat_map(|all| all.scope_spans);
            events +=
                scopes.flat_map(|scope| scope.spans).map(|span| span.events.len()).sum::<usize>();
        }
    }
    assert_eq!((events, records.len()), (1, 2));
    assert!(records.iter().all(|record| !record.trace_id.is_empty()), "{records:?}");
}

#[test]
fn the_span_for_log_lines_of_a_request_is_not_exported_beside_its_server_span() {
    let found = exported("trace", |telemetry| {
        let tracer = telemetry.tracer_provider().unwrap().tracer("test");
        // As tower-http's layer makes it with our `RequestSpan`, outside of the server span.
        tracing::info_span!(target: "tracewire_tower::server::request_span", "request").in_scope(
            || {
                tracer.in_span("GET /", |_| tracing::info_span!("order").in_scope(|| {}));
            },
        );
    });
    assert_eq!(found, map(&[("GET /", ""), ("order", "GET /")]));
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

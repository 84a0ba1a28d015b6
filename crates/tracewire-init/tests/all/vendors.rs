//! What vendors' back ends get: Datadog's priorities, Elastic's rate.

use crate::collector::{Answer, Collector};
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, Tracer as _, TracerProvider as _};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::BTreeMap;
use tracewire_init::{
    Builder, Datadog, Elastic, Logs, LogsExporter, Metrics, MetricsExporter, Otlp, Telemetry,
    Traces, TracesExporter,
};
use tracewire_propagation::Propagator;

/// The spans that arrive of a request below `parent`, and of work in it.
fn arrived(vendor: impl FnOnce(Builder) -> Builder, parent: &Context) -> Vec<Span> {
    let collector = Collector::start([Answer::Accept]);
    let builder = Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::otlp()]))
        .metrics(Metrics::new().exporters(std::iter::empty::<MetricsExporter>()))
        .logs(Logs::new().exporters(std::iter::empty::<LogsExporter>()))
        .otlp(Otlp::new().endpoint(collector.url()));
    let telemetry = vendor(builder).build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    let request = tracer.span_builder("GET /a").with_kind(SpanKind::Server);
    let request = tracer.build_with_context(request, parent);
    let context = opentelemetry::trace::TraceContextExt::with_span(parent, request);
    drop(tracer.start_with_context("work", &context));
    drop(context);
    assert!(telemetry.shutdown().is_complete());
    let requests = collector.received();
    let resources = requests.iter().flat_map(|request| request.traces().resource_spans);
    let scopes = resources.flat_map(|resource| resource.scope_spans);
    let mut spans: Vec<Span> = scopes.flat_map(|scope| scope.spans).collect();
    spans.sort_by(|one, other| one.name.cmp(&other.name)); // the request first
    spans
}

/// Datadog's attributes of a span, as text.
fn attributes(span: &Span) -> BTreeMap<String, String> {
    let text = |value: &Option<Value>| match value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => format!("{number:?}"),
        other => format!("{other:?}"),
    };
    let pairs = span.attributes.iter().map(|attribute| {
        (
            attribute.key.clone(),
            text(&attribute.value.as_ref().and_then(|value| value.value.clone())),
        )
    });
    pairs.filter(|(key, _)| key.starts_with('_')).collect()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn caller(pairs: &[(&'static str, &'static str)]) -> Context {
    let headers: HeaderMap = pairs
        .iter()
        .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    tracewire_propagation::Datadog::new().extract(&headers, &Context::new())
}

#[test]
fn what_a_rule_rejects_is_exported_with_its_priority() {
    let datadog = |builder: Builder| builder.datadog(Datadog::new().sample_rate(0.0));
    let spans = arrived(datadog, &Context::new());
    assert_eq!(spans.len(), 2);
    for span in &spans {
        assert_eq!(span.trace_state, "dd=s:-1");
        assert_eq!(span.flags & 1, 0, "it is not sampled");
    }
    let common = [("_sample_rate", "1.0"), ("_sampling_priority_v1", "-1")];
    assert_eq!(attributes(&spans[1]), map(&common));
    let mut request = attributes(&spans[0]);
    assert!(request.remove("_dd.p.tid").is_some_and(|half| half.len() == 16));
    assert_eq!(request, map(&[common[0], common[1], ("_dd.rule_psr", "0.0")]));
}

#[test]
fn what_a_rule_keeps_says_why() {
    let datadog = |builder: Builder| builder.datadog(Datadog::new().sample_rate(1.0));
    let spans = arrived(datadog, &Context::new());
    let request = attributes(&spans[0]);
    for (key, value) in [
        ("_sampling_priority_v1", "2"),
        ("_dd.p.dm", "-3"),
        ("_dd.p.ksr", "1"),
        ("_dd.rule_psr", "1.0"),
    ] {
        assert_eq!(request.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert_eq!(attributes(&spans[1])["_sampling_priority_v1"], "2");
}

#[test]
fn a_caller_s_priority_origin_and_tags_are_on_exported_spans() {
    let agent = |builder: Builder| builder.datadog(Datadog::new().agent_host("agent"));
    let parent = caller(&[
        ("x-datadog-trace-id", "42"),
        ("x-datadog-parent-id", "7"),
        ("x-datadog-sampling-priority", "-1"),
        ("x-datadog-origin", "synthetics"),
        ("x-datadog-tags", "_dd.p.tid=6b00b29a00000000,_dd.p.usr.id=YWRh"),
    ]);
    let spans = arrived(agent, &parent);
    let common =
        [("_sample_rate", "1.0"), ("_sampling_priority_v1", "-1"), ("_dd.origin", "synthetics")];
    assert_eq!(attributes(&spans[1]), map(&common));
    let tags = [("_dd.p.tid", "6b00b29a00000000"), ("_dd.p.usr.id", "YWRh")];
    assert_eq!(attributes(&spans[0]), map(&[&common[..], &tags].concat()));
}

#[test]
fn a_trace_that_nobody_decided_about_leaves_the_decision_to_the_agent() {
    let agent = |builder: Builder| builder.datadog(Datadog::new().agent_host("agent"));
    let spans = arrived(agent, &Context::new());
    assert_eq!(attributes(&spans[1]), map(&[("_sample_rate", "1.0")]));
    assert_eq!((spans[0].flags & 1, spans[0].trace_state.as_str()), (1, ""));
}

#[test]
fn with_another_sampler_the_agent_may_take_the_rate_from_tracestate() {
    let agent = |builder: Builder| {
        let sampled = Traces::new().sampler(opentelemetry_sdk::trace::Sampler::AlwaysOn);
        builder.datadog(Datadog::new().agent_host("agent")).traces(sampled)
    };
    let spans = arrived(agent, &Context::new());
    assert_eq!(attributes(&spans[1]), map(&[]));
}

#[test]
fn elastic_s_server_reads_the_rate_where_the_trace_begins() {
    let elastic = |rate| {
        move |builder: Builder| builder.elastic(Elastic::new().transaction_sample_rate(rate))
    };
    let spans = arrived(elastic(1.0), &Context::new());
    assert_eq!(spans.len(), 2);
    assert!(spans.iter().all(|span| span.trace_state == "es=s:1"), "{spans:?}");
    assert_eq!(arrived(elastic(0.0), &Context::new()).len(), 0);
}

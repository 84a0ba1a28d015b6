//! Below a parent that is not sampled no call starts a span that the sampler of `init` would drop.

use http::{Extensions, HeaderMap, Method};
use opentelemetry::{
    Context, KeyValue, SpanId, TraceId, global,
    trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceFlags, TraceState, Tracer as _},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tracewire_http::{
    ClientRequest, Scheme,
    wiring::{ClientCall, ClientSettings},
};
use tracewire_propagation::{
    TraceContext, default_propagator, providers::Unboxed, set_default, set_drop_unsampled,
};

/// Counts how often it is asked, and records what is called `recorded` without sampling it.
#[derive(Clone, Debug, Default)]
struct Asked(Arc<AtomicUsize>);

impl ShouldSample for Asked {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _: TraceId,
        name: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        self.0.fetch_add(1, Ordering::Relaxed);
        let is_sampled = parent.is_some_and(|parent| parent.span().span_context().is_sampled());
        let decision = match (name, is_sampled) {
            ("recorded", _) => SamplingDecision::RecordOnly,
            (_, true) => SamplingDecision::RecordAndSample,
            (_, false) => SamplingDecision::Drop,
        };
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::NONE }
    }
}

fn parent(flags: TraceFlags, is_remote: bool) -> Context {
    let ids = (TraceId::from(1), SpanId::from(2));
    let span = SpanContext::new(ids.0, ids.1, flags, is_remote, TraceState::NONE);
    Context::new().with_remote_span_context(span)
}

/// All in one, because the provider is the process's.
#[test]
fn the_sampler_is_asked_only_where_it_may_keep_the_span() {
    let asked = Asked::default();
    let tracers = SdkTracerProvider::builder().with_sampler(asked.clone()).build();
    global::set_tracer_provider(Unboxed(tracers));
    let recorded = global::tracer("own").start_with_context("recorded", &Context::new());
    let recorded = Context::new().with_span(recorded);
    let cases = [
        (parent(TraceFlags::NOT_SAMPLED, false), false),
        (parent(TraceFlags::NOT_SAMPLED, true), false),
        (parent(TraceFlags::SAMPLED, false), true),
        (recorded, true),
        (Context::new(), true),
    ];
    for drops in [true, false] {
        set_drop_unsampled(drops);
        set_default(default_propagator());
        let settings = Arc::new(ClientSettings::new("test", "1").propagator(TraceContext::new()));
        for (parent, expected) in &cases {
            let before = asked.0.load(Ordering::Relaxed);
            let request = ClientRequest::new(&Method::GET, "http://h/", Scheme::Http, "h", 80);
            let call = ClientCall::start(&settings, parent, request, &mut Extensions::new());
            let call = call.expect("nothing leaves it out");
            let is_asked = asked.0.load(Ordering::Relaxed) > before;
            assert_eq!(is_asked, *expected || !drops, "{parent:?} {drops}");

            let mut headers = HeaderMap::new();
            call.inject(&mut headers);
            let sent = headers["traceparent"].to_str().expect("it is hexadecimal").to_owned();
            let around = parent.span().span_context().clone();
            if around.is_valid() {
                assert_eq!(sent[3..35], around.trace_id().to_string());
                assert_ne!(sent[36..52], around.span_id().to_string());
                assert_eq!(&sent[53..], if around.is_sampled() { "01" } else { "00" });
            }
        }
    }
}

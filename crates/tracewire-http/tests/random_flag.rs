//! `traceparent` says that a trace id is random exactly where that is known: for traces that start
//! here, and for those whose caller said so.
#![allow(clippy::unwrap_used)] // a test may

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method};
use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{Link, SpanKind, TraceContextExt, TraceState, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample};
use std::sync::Arc;
use tracewire_http::{
    ClientRequest, Scheme,
    wiring::{ClientCall, ClientSettings},
};
use tracewire_propagation::{Propagator, TraceContext};

/// Drops what is called so, whatever its parent.
#[derive(Clone, Debug)]
struct Drops(&'static str);

impl ShouldSample for Drops {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        name: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let decision =
            if name == self.0 { SamplingDecision::Drop } else { SamplingDecision::RecordAndSample };
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::NONE }
    }
}

/// A service whose sampler drops some spans.
struct Service {
    tracers: SdkTracerProvider,
    settings: Arc<ClientSettings>,
}

impl Service {
    fn dropping(name: &'static str) -> Self {
        let tracers = SdkTracerProvider::builder().with_sampler(Drops(name)).build();
        let settings = ClientSettings::new("test", "1")
            .tracer_provider(tracers.clone())
            .propagator(TraceContext::new());
        Self { tracers, settings: Arc::new(settings) }
    }

    /// A call under `parent`.
    fn call(&self, parent: &Context, method: &Method) -> ClientCall {
        let request = ClientRequest::new(method, "http://h/", Scheme::Http, "h", 80);
        ClientCall::start(&self.settings, parent, request, &mut Extensions::new()).unwrap()
    }

    /// A span that the application starts itself.
    fn span(&self, parent: &Context, name: &'static str) -> Context {
        parent.with_span(self.tracers.tracer("own").start_with_context(name, parent))
    }
}

/// The flags that are sent from here, in the trace of `root`.
fn flags(context: &Context, root: &Context) -> String {
    let mut headers = HeaderMap::new();
    TraceContext::new().inject(context, &mut headers);
    let sent = headers["traceparent"].to_str().unwrap();
    assert_eq!(sent[3..35], root.span().span_context().trace_id().to_string());
    sent[53..].to_owned()
}

fn caller(flags: u8) -> Context {
    let sent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0{flags}");
    let headers = HeaderMap::from_iter([(
        HeaderName::from_static("traceparent"),
        HeaderValue::try_from(sent).unwrap(),
    )]);
    TraceContext::new().extract(&headers, &Context::new())
}

#[test]
fn a_trace_that_starts_here_is_random_at_every_hop() {
    let service = Service::dropping("nothing");
    let call = service.call(&Context::new(), &Method::GET);
    let root = call.context();
    assert_eq!(flags(root, root), "03");
    let below = service.span(root, "work");
    assert_eq!(flags(&below, root), "03");
    assert_eq!(flags(service.call(&below, &Method::GET).context(), root), "03");
}

#[test]
fn a_trace_that_starts_here_stays_random_where_it_is_dropped() {
    let service = Service::dropping("POST");
    let call = service.call(&Context::new(), &Method::POST);
    let root = call.context();
    assert_eq!(flags(root, root), "02");
    // A span of the application's below a dropped one.
    let below = service.span(root, "POST");
    assert_eq!(flags(&below, root), "02");
    // A call that is dropped below one that is not.
    let call = service.call(&Context::new(), &Method::GET);
    let root = call.context();
    let dropped = service.call(&service.span(root, "work"), &Method::POST);
    assert_eq!(flags(dropped.context(), root), "02");
    assert_eq!(flags(&service.span(dropped.context(), "POST"), root), "02");
}

#[test]
fn of_a_trace_that_starts_elsewhere_only_the_caller_knows() {
    let service = Service::dropping("POST");
    for (sent, kept, dropped) in
        [(0, "01", "00"), (1, "01", "00"), (2, "03", "02"), (3, "03", "02")]
    {
        let caller = caller(sent);
        let call = service.call(&caller, &Method::GET);
        assert_eq!(flags(call.context(), &caller), kept, "{sent}");
        let below = service.span(call.context(), "work");
        assert_eq!(flags(&below, &caller), kept, "{sent}");
        let call = service.call(&below, &Method::POST);
        assert_eq!(flags(call.context(), &caller), dropped, "{sent}");
    }
}

#[test]
fn another_trace_inside_one_of_ours_is_not_taken_for_random() {
    for method in [Method::GET, Method::POST] {
        let service = Service::dropping("POST");
        let call = service.call(&Context::new(), &method);
        // A message from elsewhere, handled inside a trace that started here.
        let caller =
            call.context().with_remote_span_context(self::caller(1).span().span_context().clone());
        assert_eq!(flags(&caller, &caller), "01");
        assert_eq!(flags(&service.span(&caller, "work"), &caller), "01");
        assert_eq!(flags(service.call(&caller, &Method::GET).context(), &caller), "01");
        assert_eq!(flags(service.call(&caller, &Method::POST).context(), &caller), "00");
    }
}

//! What samplers of the process do to requests: rules below callers that are not sampled, and headers
//! of formats that know no probability.
#![allow(clippy::unwrap_used)] // a test may

use axum::{Router, body::Body, http::Request, routing::get};
use opentelemetry::trace::{Span as _, TraceContextExt, Tracer as _, TracerProvider as _};
use std::sync::{Arc, Mutex};
use tower::ServiceExt;
use tracewire::{
    ServerLayer, Telemetry,
    propagation::{B3, Composite, Datadog, Propagator, TraceContext, XRay, set_describe_unsampled},
    sampling::{AlwaysOn, OtelTraceState, ParentThreshold, RuleBased, Sampler},
    setup::Traces,
};
use tracewire_testing::Capture;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
/// What this trace's own random number allows.
const TH: &str = "ot=th:4";

fn propagator() -> impl Propagator {
    Composite::new().and(B3::single()).and(XRay::new()).and(Datadog::new()).and(TraceContext::new())
}

/// The trace state that the handler of a request with these headers sees, and how many spans were
/// recorded.
async fn served(sampler: Sampler, headers: &[(&str, &str)]) -> (String, usize) {
    let capture = Capture::with(|spans| spans.with_sampler(sampler));
    let seen = Arc::<Mutex<String>>::default();
    let state = seen.clone();
    let handler = async move || {
        let context = opentelemetry::Context::current();
        *state.lock().unwrap() = context.span().span_context().trace_state().header();
    };
    let layer = ServerLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .propagator(propagator());
    let router = Router::new().route("/orders", get(handler)).layer(layer);
    let mut request = Request::get("/orders");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let state = seen.lock().unwrap().clone();
    (state, capture.spans().len())
}

#[tokio::test]
async fn rules_on_requests_apply_below_a_caller_that_is_not_sampled() {
    let parent = format!("00-{TRACE}-b7ad6b7169203331-00");
    let rules = || RuleBased::parse("GET /orders: on; off", "shop").unwrap();
    let sampler = Sampler::new(rules());
    assert!(sampler.needs_unsampled_described());
    set_describe_unsampled(true); // as `init` does
    let (state, spans) = served(sampler, &[("traceparent", &parent)]).await;
    assert_eq!((state.as_str(), spans), ("ot=th:0", 1));
    set_describe_unsampled(false);
    // Who follows the parent needs no description, and keeps nothing.
    let sampler = Sampler::new(ParentThreshold::new(rules()));
    assert!(!sampler.needs_unsampled_described());
    let (state, spans) = served(sampler, &[("traceparent", &parent)]).await;
    assert_eq!((state.as_str(), spans), ("", 0));
}

#[tokio::test]
async fn a_callers_threshold_reaches_what_the_handler_does() {
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let sampler = || Sampler::new(ParentThreshold::new(AlwaysOn));
    // OpenTelemetry's type refuses the second list.
    for list in ["a=1,ot=th:4", "a@@b=1,ot=th:4"] {
        let headers = [("traceparent", parent.as_str()), ("tracestate", list)];
        let (state, spans) = served(sampler(), &headers).await;
        assert!(state.contains(TH) && spans == 1, "{list}: {state}");
    }
    // A threshold that the trace's random number (48eb…) does not meet.
    let headers = [("traceparent", parent.as_str()), ("tracestate", "a@@b=1,ot=th:8")];
    let (state, spans) = served(sampler(), &headers).await;
    assert_eq!((state.as_str(), spans), ("", 1));
}

#[tokio::test]
async fn decisions_of_other_formats_leave_no_threshold() {
    let span = "b7ad6b7169203331";
    let xray =
        |sampled: &str| format!("Root=1-0af76519-16cd43dd8448eb211c80319c;Parent={span}{sampled}");
    let b3 = |decision: &str| format!("{TRACE}-{span}{decision}");
    let datadog = |priority: &'static str| {
        vec![
            ("x-datadog-trace-id", "9532127138774266268"),
            ("x-datadog-parent-id", "13235353014750950193"),
            ("x-datadog-sampling-priority", priority),
        ]
    };
    let (kept, debug, deferred) = (b3("-1"), b3("-d"), b3(""));
    let (xray_kept, xray_asks) = (xray(";Sampled=1"), xray(";Sampled=?"));
    for (headers, root_decides) in [
        (vec![("b3", kept.as_str())], false),
        (vec![("b3", &debug)], false),
        (vec![("b3", "1")], false),
        (vec![("x-amzn-trace-id", &xray_kept)], false),
        (datadog("1"), false),
        (datadog("2"), false),
        (vec![("b3", &deferred)], true),
        (vec![("x-amzn-trace-id", &xray_asks)], true),
    ] {
        let sampler = Sampler::new(ParentThreshold::new(AlwaysOn));
        // A stale member from a hop before must not survive either.
        let mut headers = headers;
        headers.push(("tracestate", "ot=th:4,a=1"));
        let (state, spans) = served(sampler, &headers).await;
        assert_eq!(spans, 1, "{headers:?}");
        let threshold = OtelTraceState::of(&state.parse().unwrap()).threshold();
        assert_eq!(
            threshold.map(|t| t.to_string()).as_deref(),
            root_decides.then_some("0"),
            "{headers:?}"
        );
    }
}

#[test]
fn the_sampler_of_running_telemetry_can_be_replaced() {
    let traces = Traces::new().exporters([]).sampler(Sampler::new(AlwaysOn));
    let telemetry = Telemetry::builder().traces(traces).metrics([]).build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    assert!(tracer.start("before").is_recording());
    let rules = RuleBased::parse("name=after: off; 0.5 10/s", "shop").unwrap();
    telemetry.replace_sampler(Sampler::new(ParentThreshold::new(rules)));
    assert!(!tracer.start("after").is_recording());
    let rates = telemetry.sampler().unwrap().rates();
    assert_eq!(rates[0].0, "0.5 10/s");
    telemetry.shutdown();
}

//! What the load balancers of clouds send: a trace id, and no span of theirs.
#![allow(clippy::unwrap_used)] // a test may

use axum::{Router, body::Body, http::HeaderMap, http::Request, routing::get};
use opentelemetry::{Context, trace::SpanId};
use opentelemetry_sdk::trace::Sampler as SdkSampler;
use proptest::{collection::vec, prelude::*, sample::select};
use std::sync::{Arc, Mutex};
use tower::ServiceExt;
use tracewire::{
    ServerLayer,
    propagation::{Composite, Datadog, GoogleCloud, GrpcTraceBin, Propagator, TraceContext, XRay},
    sampling::Sampler,
    server::Trust,
    setup::GivenTraceIds,
};
use tracewire_testing::{Capture, Spans};

const TRACE: &str = "5759e988bd862e3fe1be46a994272793";
const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";
const CLOUD: &str = "5759e988bd862e3fe1be46a994272793/0";

fn propagator() -> Composite {
    Composite::new()
        .and(GoogleCloud::new())
        .and(GrpcTraceBin::new())
        .and(Datadog::new())
        .and(XRay::new())
        .and(TraceContext::new())
}

/// The spans of a request with these headers, and the headers of a call that its handler makes.
async fn served(
    sampler: Sampler,
    set: impl FnOnce(ServerLayer) -> ServerLayer,
    headers: &[(&str, &str)],
) -> (Spans, HeaderMap) {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    served_bytes(sampler, set, &headers).await
}

async fn served_bytes(
    sampler: Sampler,
    set: impl FnOnce(ServerLayer) -> ServerLayer,
    headers: &[(&str, &[u8])],
) -> (Spans, HeaderMap) {
    let ids = GivenTraceIds::default();
    let capture = Capture::with(|spans| spans.with_sampler(sampler).with_id_generator(ids));
    let sent = Arc::<Mutex<HeaderMap>>::default();
    let call = sent.clone();
    let handler = async move || {
        propagator().inject(&Context::current(), &mut call.lock().unwrap());
    };
    let layer = ServerLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .propagator(propagator());
    let router = Router::new().route("/orders", get(handler)).layer(set(layer));
    let mut request = Request::get("/orders");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let sent = sent.lock().unwrap().clone();
    (capture.spans(), sent)
}

fn by(root: SdkSampler) -> Sampler {
    Sampler::parent_based(root)
}

#[tokio::test]
async fn a_load_balancers_trace_goes_on_under_its_id_as_its_own_root() {
    for header in [("x-amzn-trace-id", ROOT), ("x-cloud-trace-context", CLOUD)] {
        let (spans, sent) = served(by(SdkSampler::AlwaysOn), |layer| layer, &[header]).await;
        let span = spans.only();
        assert_eq!(span.is_root().trace_id.to_string(), TRACE, "{header:?}");
        assert!(span.links.is_empty() && !span.parent_is_remote);
        // The caller's id is not known to be random.
        let expected = format!("00-{TRACE}-{}-01", span.span_id);
        assert_eq!(sent["traceparent"], expected, "{header:?}");
        let parent = format!("{ROOT};Parent={};Sampled=1", span.span_id);
        assert_eq!(sent["x-amzn-trace-id"], parent);
    }
}

#[tokio::test]
async fn this_services_sampler_decides_unless_the_header_does() {
    for (header, on, off) in [
        (("x-amzn-trace-id", ROOT.to_owned()), 1, 0),
        (("x-amzn-trace-id", format!("Self=1-67891234-12456789abcdef012345678;{ROOT}")), 1, 0),
        (("x-amzn-trace-id", format!("{ROOT};Sampled=?")), 1, 0),
        (("x-amzn-trace-id", format!("{ROOT};Sampled=1")), 1, 1),
        (("x-amzn-trace-id", format!("{ROOT};Sampled=0")), 0, 0),
        (("x-cloud-trace-context", CLOUD.to_owned()), 1, 0),
        (("x-cloud-trace-context", format!("{CLOUD};o=1")), 1, 1),
        (("x-cloud-trace-context", format!("{CLOUD};o=0")), 0, 0),
    ] {
        let headers = [(header.0, &*header.1)];
        for (root, expected) in [(SdkSampler::AlwaysOn, on), (SdkSampler::AlwaysOff, off)] {
            let (spans, sent) = served(by(root), |layer| layer, &headers).await;
            assert_eq!(spans.len(), expected, "{header:?}");
            let flags = if expected == 1 { "-01" } else { "-00" };
            let traceparent = sent["traceparent"].to_str().unwrap();
            assert!(traceparent.contains(TRACE) && traceparent.ends_with(flags), "{traceparent}");
        }
        // A refusal is one more thing that a service may overrule.
        let resample = |layer: ServerLayer| layer.trust(Trust::Resample);
        let (spans, _) = served(by(SdkSampler::AlwaysOn), resample, &headers).await;
        assert_eq!(spans.only().is_root().trace_id.to_string(), TRACE, "{header:?}");
    }
}

#[tokio::test]
async fn a_callers_span_goes_before_a_load_balancers_id() {
    let datadog = [
        ("x-datadog-trace-id", "7"),
        ("x-datadog-parent-id", "8"),
        ("x-datadog-sampling-priority", "1"),
    ];
    let w3c = [("traceparent", "00-00000000000000000000000000000007-0000000000000008-01")];
    for caller in [&datadog[..], &w3c] {
        let mut headers = vec![("x-amzn-trace-id", ROOT), ("x-cloud-trace-context", CLOUD)];
        headers.extend_from_slice(caller);
        let (spans, _) = served(by(SdkSampler::AlwaysOn), |layer| layer, &headers).await;
        let span = spans.only();
        assert_eq!(span.trace_id, 7.into());
        assert_eq!(span.parent_span_id, Some(SpanId::from(8)));
    }
}

#[tokio::test]
async fn an_excluded_request_keeps_the_load_balancers_id() {
    let exclude = |layer: ServerLayer| layer.exclude_paths(["/orders"]);
    let headers = [("x-amzn-trace-id", ROOT)];
    let (spans, sent) = served(by(SdkSampler::AlwaysOn), exclude, &headers).await;
    assert!(spans.is_empty());
    let traceparent = sent["traceparent"].to_str().unwrap();
    assert!(traceparent.contains(TRACE) && traceparent.ends_with("-00"), "{traceparent}");
}

#[tokio::test]
async fn at_the_edge_a_load_balancers_id_counts_for_nothing() {
    for trust in [Trust::Link, Trust::Ignore] {
        let set = |layer: ServerLayer| layer.trust(trust);
        let headers = [("x-amzn-trace-id", ROOT), ("x-cloud-trace-context", CLOUD)];
        let (spans, _) = served(by(SdkSampler::AlwaysOn), set, &headers).await;
        let span = spans.only();
        assert_ne!(span.is_root().trace_id.to_string(), TRACE, "{trust:?}");
        assert!(span.links.is_empty());
    }
}

#[tokio::test]
async fn a_caller_with_opencensus_is_continued() {
    // The example of OpenCensus's specification.
    let headers = [("grpc-trace-bin", "AABL+S81d7NNpqPOkp0ADkc2ATTwZ6oLqQK3AgE")];
    let (spans, sent) = served(by(SdkSampler::AlwaysOff), |layer| layer, &headers).await;
    let span = spans.only();
    assert_eq!(span.trace_id.to_string(), "4bf92f3577b34da6a3ce929d000e4736");
    assert_eq!(span.parent_span_id.unwrap().to_string(), "34f067aa0ba902b7");
    assert!(!sent.contains_key("grpc-trace-bin"), "the call of the handler is not gRPC");
}

/// Headers of front doors as an attacker writes them: right, nearly right, and nothing of the kind.
fn hostile() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let ids =
        select(vec![TRACE, "00000000000000000000000000000000", "5759E988bd862e3fe1be46a99427279"]);
    let xray = (
        ids.clone(),
        select(vec![
            "",
            ";Parent=53995c3f42cd8ad8",
            ";Parent=",
            ";Parent=x",
            ";Parent=0000000000000000",
        ]),
        select(vec![
            "",
            ";Sampled=0",
            ";Sampled=1",
            ";Sampled=?",
            ";Sampled=2",
            ";Sampled=1;Sampled=0",
            ";;;=;Root=1-0-0",
        ]),
    )
        .prop_map(|(id, parent, rest)| {
            let (time, unique) = id.split_at(8);
            ("x-amzn-trace-id", format!("Root=1-{time}-{unique}{parent}{rest}").into_bytes())
        });
    let cloud = (
        ids.clone(),
        select(vec!["", "/0", "/7", "/18446744073709551616", "/-1"]),
        select(vec!["", ";o=1", ";o=0", ";o=9999", ";o="]),
    )
        .prop_map(|(id, span, options)| {
            ("x-cloud-trace-context", format!("{id}{span}{options}").into_bytes())
        });
    let w3c = (
        ids,
        select(vec!["00f067aa0ba902b7", "0000000000000000"]),
        select(vec!["01", "00", "ff", ""]),
    )
        .prop_map(|(id, span, flags)| {
            ("traceparent", format!("00-{id}-{span}-{flags}").into_bytes())
        });
    let opencensus = select(vec!["AABL+S81d7NNpqPOkp0ADkc2ATTwZ6oLqQK3AgE", "AAAA", "!!", ""])
        .prop_map(|value| ("grpc-trace-bin", value.as_bytes().to_vec()));
    let names = [
        "x-amzn-trace-id",
        "x-cloud-trace-context",
        "traceparent",
        "grpc-trace-bin",
        "x-datadog-trace-id",
        "request-id",
    ];
    let noise = (select(names.to_vec()), vec(prop_oneof![32..=126u8, 128..=255u8], 0..60));
    vec(prop_oneof![3 => xray, 3 => cloud, 2 => w3c, 1 => opencensus, 1 => noise], 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn hostile_headers_cost_a_request_nothing(headers in hostile()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for trust in [Trust::Continue, Trust::Resample, Trust::Link, Trust::Ignore] {
            let set = |layer: ServerLayer| layer.trust(trust);
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &value[..])).collect();
            let served = served_bytes(by(SdkSampler::AlwaysOn), set, &headers);
            let (spans, sent) = runtime.block_on(served);
            // A caller may refuse to have its trace sampled, where it is believed.
            prop_assert!(spans.len() == 1 || (trust == Trust::Continue && spans.is_empty()));
            let known = [TRACE, "4bf92f3577b34da6a3ce929d000e4736"];
            for span in spans.iter() {
                let is_known = known.contains(&&*span.trace_id.to_string());
                let believes = matches!(trust, Trust::Continue | Trust::Resample);
                prop_assert!(believes || !is_known, "{trust:?} {span:?}");
                prop_assert!(span.links.is_empty() || trust != Trust::Ignore);
                let expected = format!("00-{}-{}-", span.trace_id, span.span_id);
                prop_assert!(sent["traceparent"].to_str().unwrap().starts_with(&expected));
            }
            for name in ["traceparent", "x-amzn-trace-id", "x-cloud-trace-context"] {
                prop_assert_eq!(sent.get_all(name).iter().count(), 1, "{}", name);
            }
        }
    }
}

//! Headers as long as a server lets them be: what is too long is not read, and takes nothing else
//! with it.

#![cfg(all(
    feature = "tracecontext",
    feature = "baggage",
    feature = "b3",
    feature = "jaeger",
    feature = "xray",
    feature = "datadog",
    feature = "elastic",
    feature = "gcp",
    feature = "grpc-trace-bin",
))]

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{Context, baggage::BaggageExt, trace::TraceContextExt};
use tracewire_propagation::{
    B3, Baggage, Composite, Datadog, Elastic, GoogleCloud, GrpcTraceBin, Jaeger, Propagator,
    TraceContext, XRay,
};

/// What hyper takes for one head.
const LONG: usize = 400_000;
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn all() -> Composite {
    Composite::new()
        .and(GoogleCloud::new())
        .and(GrpcTraceBin::new())
        .and(Datadog::new())
        .and(XRay::new())
        .and(Jaeger::new())
        .and(B3::single())
        .and(Elastic::new())
        .and(TraceContext::new())
        .and(Baggage::new())
}

fn extract(pairs: &[(&'static str, String)]) -> Context {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let value = HeaderValue::try_from(value.as_str()).expect("it is a legal value");
        headers.append(HeaderName::from_static(name), value);
    }
    all().extract(&headers, &Context::new())
}

const NAMES: [&str; 17] = [
    "x-cloud-trace-context",
    "grpc-trace-bin",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-sampled",
    "uber-trace-id",
    "x-amzn-trace-id",
    "x-datadog-trace-id",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-origin",
    "x-datadog-tags",
    "elastic-apm-traceparent",
    "traceparent",
    "tracestate",
    "uberctx-user",
];

#[test]
fn a_long_value_carries_nothing() {
    for fill in ["0", "1", "a", "-", ",", ";", "=", "%", " ", "\t", ":", "%30", "a=b,", "a=1;"] {
        for name in NAMES {
            let value = fill.repeat(LONG / fill.len());
            let context = extract(&[(name, format!("1{value}1"))]);
            assert!(!context.has_active_span(), "{name}: {fill:?}");
            assert!(context.baggage().is_empty(), "{name}: {fill:?}");
        }
        let baggage = extract(&[("baggage", fill.repeat(LONG / fill.len()))]);
        assert!(baggage.baggage().len() <= 1, "{fill:?}");
    }
}

#[test]
fn a_long_companion_leaves_the_trace_alone() {
    for name in ["tracestate", "baggage", "b3", "uber-trace-id", "x-amzn-trace-id"] {
        let context = extract(&[("traceparent", PARENT.into()), (name, "0".repeat(LONG))]);
        let span = context.span().span_context().clone();
        assert_eq!(span.span_id().to_string(), "b7ad6b7169203331", "{name}");
    }
    let datadog = [
        ("x-datadog-trace-id", "7".to_owned()),
        ("x-datadog-parent-id", "8".to_owned()),
        ("x-datadog-tags", "_dd.p.a=1,".repeat(LONG / 10)),
        ("x-datadog-origin", "o".repeat(LONG)),
    ];
    let context = extract(&datadog);
    assert_eq!(context.span().span_context().trace_id(), 7.into());
    let mut sent = HeaderMap::new();
    Datadog::new().inject(&context, &mut sent);
    assert_eq!(sent.len(), 2, "{sent:?}");
}

#[test]
fn many_lines_of_one_name_are_read_in_part() {
    let lines = |name, value: &str| vec![(name, value.to_owned()); 20_000];
    assert_eq!(extract(&lines("baggage", "")).baggage().len(), 0);
    assert_eq!(extract(&lines("baggage", "x")).baggage().len(), 0);
    assert_eq!(extract(&lines("baggage", "a=1")).baggage().len(), 1);
    for name in ["tracestate", "b3", "uberctx-a", "x-datadog-tags"] {
        let mut headers = lines(name, "");
        headers.push(("traceparent", PARENT.into()));
        let context = extract(&headers);
        assert!(context.span().span_context().is_sampled(), "{name}");
        assert!(context.span().span_context().trace_state().header().is_empty());
    }
    let mut headers = HeaderMap::new();
    for index in 0..20_000 {
        let name = HeaderName::try_from(format!("uberctx-{index}")).unwrap();
        headers.insert(name, HeaderValue::from_static("1"));
    }
    assert_eq!(all().extract(&headers, &Context::new()).baggage().len(), 64);
}

#[test]
fn malformed_members_do_not_hide_the_ones_before_them() {
    let line = format!("a=1,{}b=2", "x,".repeat(4000));
    let context = extract(&[("baggage", line)]);
    assert_eq!(context.baggage().get("a").unwrap().as_str(), "1");
    assert!(context.baggage().get("b").is_none());
    let line = format!("a=1,{}b=2", "x,".repeat(60));
    assert_eq!(extract(&[("baggage", line)]).baggage().len(), 2);
}

//! What is measured of header propagation: each case ours, and OpenTelemetry's own where it has one.
#![allow(deprecated)] // OpenTelemetry's B3 lives in a deprecated crate, and nowhere else

use http::{HeaderMap, HeaderName, HeaderValue, header};
use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt,
    propagation::{TextMapCompositePropagator, TextMapPropagator},
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_zipkin::{B3Encoding, Propagator as ZipkinPropagator};
use std::{fmt, hint::black_box};
use tracewire_propagation::{
    B3, Baggage, Composite, Datadog, Elastic, Jaeger, Propagator, TraceContext, XRay,
};

/// One thing that is measured.
pub struct Case {
    /// What is done, with what.
    pub name: &'static str,
    /// This project's way.
    pub ours: Box<dyn FnMut()>,
    /// OpenTelemetry's way, if it has one.
    pub theirs: Option<Box<dyn FnMut()>>,
    /// The share of their time that ours may take.
    pub ratio: Option<f64>,
    /// The allocations that ours may make.
    pub allocations: Option<u64>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

const TRACEPARENT: (&str, &str) =
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
const RANDOM: (&str, &str) =
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03");
const MALFORMED: (&str, &str) =
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01");
const B3_SINGLE: (&str, &str) = ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1");
const B3_MULTI: [(&str, &str); 3] = [
    ("x-b3-traceid", "0af7651916cd43dd8448eb211c80319c"),
    ("x-b3-spanid", "b7ad6b7169203331"),
    ("x-b3-sampled", "1"),
];
const XRAY: (&str, &str) = (
    "x-amzn-trace-id",
    "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1",
);
const JAEGER: (&str, &str) =
    ("uber-trace-id", "0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:01");
const DATADOG: [(&str, &str); 4] = [
    ("x-datadog-trace-id", "9532127138774266268"),
    ("x-datadog-parent-id", "13235353014750950193"),
    ("x-datadog-sampling-priority", "1"),
    ("x-datadog-tags", "_dd.p.tid=0af7651916cd43dd"),
];
const ELASTIC: (&str, &str) =
    ("elastic-apm-traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

/// Every case, those with a target first.
#[must_use]
pub fn cases() -> Vec<Case> {
    let (state32, baggage64): (&'static str, &'static str) =
        (members(32).leak(), members(64).leak());
    let state = |list| ("tracestate", list);
    let baggage = |list| ("baggage", list);
    let (w3c, b3) =
        (TraceContextPropagator::new, || ZipkinPropagator::with_encoding(B3Encoding::SingleHeader));
    let multi = || ZipkinPropagator::with_encoding(B3Encoding::MultipleHeader);
    let xray = opentelemetry_aws::trace::XrayPropagator::new;
    let both = || Composite::new().and(TraceContext::new()).and(Baggage::new());
    let their_both = || {
        TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ])
    };
    let three = ("baggage", "user=ada,plan=free,region=eu-north-1");
    vec![
        Case::extract("extract w3c: traceparent", &[TRACEPARENT], TraceContext::new())
            .beside(&[TRACEPARENT], w3c())
            .target(0.45, 1),
        Case::inject("inject w3c", span(TraceState::NONE), TraceContext::new())
            .beside_inject(span(TraceState::NONE), w3c())
            .target(0.4, 1),
        Case::extract(
            "extract w3c: tracestate 32",
            &[TRACEPARENT, state(state32)],
            TraceContext::new(),
        )
        .beside(&[TRACEPARENT, state(state32)], w3c())
        .ratio(0.4),
        Case::inject("inject w3c: tracestate 32", span(trace_state(32)), TraceContext::new())
            .beside_inject(span(trace_state(32)), w3c())
            .target(0.4, 2),
        Case::extract("extract baggage: 64", &[baggage(baggage64)], Baggage::new())
            .beside(&[baggage(baggage64)], BaggagePropagator::new())
            .ratio(0.35),
        Case::inject("inject baggage: 64, made here", entries(64), Baggage::new())
            .beside_inject(entries(64), BaggagePropagator::new())
            .ratio(0.35),
        Case::relay("inject baggage: 64, passed on", &[baggage(baggage64)], Baggage::new())
            .beside_inject(entries(64), BaggagePropagator::new())
            .target(0.35, 1),
        Case::inject("inject b3 single", span(TraceState::NONE), B3::single())
            .beside_inject(span(TraceState::NONE), b3())
            .target(0.25, 1),
        Case::extract("extract w3c: nothing there", &[], TraceContext::new())
            .beside(&[], w3c())
            .target(1.0, 0),
        Case::extract("extract baggage: nothing there", &[], Baggage::new())
            .beside(&[], BaggagePropagator::new())
            .target(1.0, 0),
        Case::extract("extract w3c+baggage: nothing there", &[], both())
            .beside(&[], their_both())
            .target(1.0, 0),
        Case::extract("extract b3: nothing there", &[], B3::single())
            .beside(&[], b3())
            .target(1.0, 0),
        Case::inject("inject w3c: no span", Context::new(), TraceContext::new())
            .beside_inject(Context::new(), w3c())
            .allocations(0),
        // what OpenTelemetry's own types cost, which no propagator can do without
        Case::new("floor: a TraceState of 32", move || {
            let pairs = state32.split(',').filter_map(|member| member.split_once('='));
            black_box(TraceState::from_key_value(pairs).ok());
        }),
        Case::new("floor: a Baggage of 64", move || {
            let mut entries = opentelemetry::baggage::Baggage::new();
            for (key, value) in baggage64.split(',').filter_map(|member| member.split_once('=')) {
                entries.insert(key.to_owned(), value.to_owned());
            }
            black_box(entries);
        }),
        // without a target
        Case::extract("extract w3c: random flag", &[RANDOM], TraceContext::new())
            .beside(&[RANDOM], w3c()),
        Case::extract("extract w3c: malformed", &[MALFORMED], TraceContext::new())
            .beside(&[MALFORMED], w3c()),
        Case::extract(
            "extract w3c: tracestate 2",
            &[TRACEPARENT, state("a=1,b=2")],
            TraceContext::new(),
        )
        .beside(&[TRACEPARENT, state("a=1,b=2")], w3c()),
        Case::inject("inject w3c: tracestate 2", span(trace_state(2)), TraceContext::new())
            .beside_inject(span(trace_state(2)), w3c()),
        Case::extract("extract baggage: 1", &[baggage("user=ada")], Baggage::new())
            .beside(&[baggage("user=ada")], BaggagePropagator::new()),
        Case::extract("extract baggage: 3", &[three], Baggage::new())
            .beside(&[three], BaggagePropagator::new()),
        Case::inject("inject baggage: 3, made here", entries(3), Baggage::new())
            .beside_inject(entries(3), BaggagePropagator::new()),
        Case::extract("extract w3c+baggage: 3", &[TRACEPARENT, three], both())
            .beside(&[TRACEPARENT, three], their_both()),
        Case::relay("inject w3c+baggage: 3, passed on", &[TRACEPARENT, three], both())
            .beside_inject(entries(3), their_both()),
        Case::extract("extract b3 single", &[B3_SINGLE], B3::single()).beside(&[B3_SINGLE], b3()),
        Case::extract("extract b3 multi", &B3_MULTI, B3::multi()).beside(&B3_MULTI, multi()),
        Case::inject("inject b3 multi", span(TraceState::NONE), B3::multi())
            .beside_inject(span(TraceState::NONE), multi()),
        Case::extract("extract xray", &[XRAY], XRay::new()).beside(&[XRAY], xray()),
        Case::inject("inject xray", span(TraceState::NONE), XRay::new())
            .beside_inject(span(TraceState::NONE), xray()),
        Case::extract("extract jaeger", &[JAEGER], Jaeger::new()),
        Case::inject("inject jaeger", span(TraceState::NONE), Jaeger::new()),
        Case::extract("extract datadog", &DATADOG, Datadog::new()),
        Case::inject("inject datadog", span(TraceState::NONE), Datadog::new()),
        Case::extract("extract elastic", &[ELASTIC], Elastic::new()),
        Case::inject("inject elastic", span(TraceState::NONE), Elastic::new()),
    ]
}

impl Case {
    fn extract(
        name: &'static str,
        pairs: &[(&str, &str)],
        ours: impl Propagator + 'static,
    ) -> Self {
        let headers = headers(pairs);
        Self::new(name, move || {
            black_box(ours.extract(black_box(&headers), &Context::new()));
        })
    }

    fn inject(name: &'static str, context: Context, ours: impl Propagator + 'static) -> Self {
        let mut outgoing = headers(&[]);
        Self::new(name, move || ours.inject(black_box(&context), black_box(&mut outgoing)))
    }

    /// Injects what was extracted.
    fn relay(name: &'static str, pairs: &[(&str, &str)], ours: impl Propagator + 'static) -> Self {
        let context = ours.extract(&headers(pairs), &Context::new());
        Self::inject(name, context, ours)
    }

    fn new(name: &'static str, ours: impl FnMut() + 'static) -> Self {
        Self { name, ours: Box::new(ours), theirs: None, ratio: None, allocations: None }
    }

    fn beside(mut self, pairs: &[(&str, &str)], theirs: impl TextMapPropagator + 'static) -> Self {
        let headers = headers(pairs);
        self.theirs = Some(Box::new(move || {
            let extractor = HeaderExtractor(black_box(&headers));
            black_box(theirs.extract_with_context(&Context::new(), &extractor));
        }));
        self
    }

    fn beside_inject(mut self, context: Context, theirs: impl TextMapPropagator + 'static) -> Self {
        let mut outgoing = headers(&[]);
        self.theirs = Some(Box::new(move || {
            let mut injector = HeaderInjector(black_box(&mut outgoing));
            theirs.inject_context(black_box(&context), &mut injector);
        }));
        self
    }

    fn target(self, ratio: f64, allocations: u64) -> Self {
        self.ratio(ratio).allocations(allocations)
    }

    fn ratio(mut self, ratio: f64) -> Self {
        self.ratio = Some(ratio);
        self
    }

    fn allocations(mut self, allocations: u64) -> Self {
        self.allocations = Some(allocations);
        self
    }
}

/// `pairs` among the headers that a request usually has.
fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_static("shop.example:8080"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("curl/8.5.0"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, br"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("42"));
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("the names above are legal");
        headers.insert(name, HeaderValue::from_str(value).expect("the values above are legal"));
    }
    headers
}

/// `count` list members, of `tracestate` as of `baggage`.
fn members(count: usize) -> String {
    (0..count).map(|i| format!("key{i:02}=value-{i:02}")).collect::<Vec<_>>().join(",")
}

fn trace_state(count: usize) -> TraceState {
    members(count).parse().expect("the members are legal")
}

fn span(state: TraceState) -> Context {
    Context::new().with_remote_span_context(SpanContext::new(
        0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.into(),
        0xb7ad_6b71_6920_3331_u64.into(),
        TraceFlags::SAMPLED,
        false,
        state,
    ))
}

fn entries(count: usize) -> Context {
    let pairs = (0..count).map(|i| KeyValue::new(format!("key{i:02}"), format!("value-{i:02}")));
    span(TraceState::NONE).with_baggage(pairs.collect::<Vec<_>>())
}

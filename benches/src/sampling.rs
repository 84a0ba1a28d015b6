//! Decisions about spans, ours and the SDK's.

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId},
};
use opentelemetry_sdk::trace::{Sampler as SdkSampler, ShouldSample};
use std::{fmt, fmt::Write as _, hint::black_box};
use tracewire_propagation::{SamplingHint, untraced};
use tracewire_sampling::{ParentThreshold, Probability, RateTarget, RuleBased, Sampler};

/// One kind of decision.
pub struct Case {
    /// What decides about what.
    pub name: &'static str,
    /// Decides once about the trace with this number.
    pub decide: Box<dyn FnMut(u64)>,
    /// The allocations that it makes, exactly.
    pub allocations: u64,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every case.
#[must_use]
pub fn cases() -> Vec<Case> {
    let root = Context::new();
    let remote = |state: &str, flags| remote(state, flags);
    let sampled = remote("", TraceFlags::SAMPLED);
    let counted = remote("ot=th:0", TraceFlags::SAMPLED);
    let refused = remote("", TraceFlags::NOT_SAMPLED);
    let hinted = refused.with_value(SamplingHint::Off);
    let silent = untraced(&Context::new());
    let sdk = |on: bool| if on { SdkSampler::AlwaysOn } else { SdkSampler::AlwaysOff };
    let probability = |value| Probability::new(value).expect("it is a probability");
    let follow = |value| Sampler::new(ParentThreshold::new(probability(value)));
    let rules = |text: &str| Sampler::new(RuleBased::parse(text, "shop").expect("they are rules"));
    let target = RateTarget::new(probability(0.000_001), 100.0);
    let target = Sampler::new(ParentThreshold::new(target));
    let no = Sampler::parent_based(sdk(false));
    let replaced = Sampler::parent_based(sdk(false));
    replaced.replace(Sampler::parent_based(sdk(true)));
    vec![
        case(
            "theirs: parent based on, a root",
            0,
            SdkSampler::ParentBased(Box::new(sdk(true))),
            &root,
        ),
        case("parent based on, a root", 0, Sampler::parent_based(sdk(true)), &root),
        case("parent based on, a sampled caller", 0, Sampler::parent_based(sdk(true)), &sampled),
        case("parent based on, a root, replaced before", 0, replaced, &root),
        case("parent based off, a root", 0, no.clone(), &root),
        case("untraced work", 0, no.clone(), &silent),
        case("a hint", 0, no, &hinted),
        case("probability 1, a root", 3, follow(1.0), &root),
        case("probability 0.000001, a root that is dropped", 0, follow(0.000_001), &root),
        case("probability 1, a caller with th", 3, follow(1.0), &counted),
        case("a target rate, a root that is dropped", 0, target, &root),
        case("20 rules, none applies, dropped", 0, rules(&twenty("off")), &root),
        case("20 rules, none applies, kept", 3, rules(&twenty("on")), &root),
    ]
}

fn case(
    name: &'static str,
    allocations: u64,
    sampler: impl ShouldSample + 'static,
    context: &Context,
) -> Case {
    let (context, attributes) = (context.clone(), request());
    let decide = move |random: u64| {
        let trace_id = TraceId::from(u128::from(random));
        let kind = &SpanKind::Server;
        let context = Some(black_box(&context));
        let result = sampler.should_sample(context, trace_id, "GET", kind, &attributes, &[]);
        black_box(result);
    };
    Case { name, decide: Box::new(decide), allocations }
}

fn remote(state: &str, flags: TraceFlags) -> Context {
    let state = state.parse().expect("a trace state");
    let caller = SpanContext::new(TraceId::from(1), SpanId::from(1), flags, true, state);
    Context::new().with_remote_span_context(caller)
}

/// Rules as large services have them; none applies to [`request`], and the last one is for the rest.
fn twenty(rest: &str) -> String {
    let mut text = String::new();
    for number in 0..4 {
        let _ = write!(
            text,
            "GET /healthz{number}*: off; POST /orders/{number}/*: on; /api/v{number}/*: 0.1; \
             kind=client db.operation.name=PING{number}: off; server.address=shop{number}.*: 0.5; "
        );
    }
    text.pop();
    format!("{text} {rest}")
}

/// What our layer passes for a request.
fn request() -> Vec<KeyValue> {
    vec![
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("url.scheme", "https"),
        KeyValue::new("url.path", "/users/4711"),
        KeyValue::new("http.route", "/users/{id}"),
        KeyValue::new("server.address", "www.example"),
        KeyValue::new("server.port", 8080),
        KeyValue::new("network.protocol.version", "1.1"),
        KeyValue::new("network.peer.address", "192.0.2.17"),
        KeyValue::new("network.peer.port", 51_712),
        KeyValue::new("client.address", "192.0.2.17"),
        KeyValue::new("user_agent.original", "curl/8"),
    ]
}

//! The Collector's probabilistic sampler behind ours: it raises the thresholds that it is sent, as ours
//! would have done.

use super::server::Collector;
use crate::{http, lab::Lab, random::mixed, row::Checks, systems::go::version};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use serde_json::{Value, json};
use std::collections::HashMap;
use tracewire_sampling::{OtelTraceState, Probability, Sampler, Threshold};

const PROCESSOR: &str = "github.com/open-telemetry/opentelemetry-collector-contrib/processor/\
                         probabilisticsamplerprocessor";
const SPANS: u64 = 100_000;
const BATCH: usize = 1_000;
/// Nothing is rounded, since the Collector counts digits differently near a probability of 1.
const PRECISION: u8 = 14;
/// Exact in 32 bits, as the Collector keeps its percentage.
const RATIO: f64 = 0.25;

pub(super) fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(version(lab, "collector", PROCESSOR)?);
    let spans: Vec<Sent> = (0..SPANS).filter_map(Sent::new).collect();
    for mode in ["equalizing", "proportional"] {
        let environment =
            vec![("MODE", mode.to_owned()), ("PERCENTAGE", (RATIO * 100.0).to_string())];
        let configs = ["config.yaml", "sampler.yaml"];
        let mut collector = Collector::start_with(lab, "http", &configs, environment)?;
        let url = format!("{}/v1/traces", collector.endpoint("http/json"));
        for batch in spans.chunks(BATCH) {
            http::post_json(&url, &request(batch))?;
        }
        let output = collector.output()?;
        let theirs: HashMap<&str, &str> = output
            .spans
            .iter()
            .map(|span| (span.text("spanId"), span.text("traceState")))
            .collect();
        let what = format!(
            "{mode}: of 100,000 spans it keeps those that our sampler keeps, with the same th and rv"
        );
        checks.check(&what, || agree(mode, &spans, &theirs));
    }
    Ok(())
}

fn agree(mode: &str, spans: &[Sent], theirs: &HashMap<&str, &str>) -> Result<(), String> {
    let mut kept = 0;
    for span in spans {
        let ours = span.kept_downstream(mode);
        let theirs = theirs.get(&*span.span_id()).map(|state| read(state)).transpose()?;
        if ours != theirs {
            return Err(format!("{span:?}: ours {ours:?}, theirs {theirs:?}"));
        }
        kept += usize::from(ours.is_some());
    }
    // Neither decision may be all there is.
    let some = spans.len() / 10..spans.len() * 9 / 10;
    if some.contains(&kept) { Ok(()) } else { Err(format!("{kept} of {} are kept", spans.len())) }
}

/// What a trace state says: its threshold and its random number.
type Said = (Option<String>, Option<String>);

fn read(state: &str) -> Result<Said, String> {
    let state: TraceState = state.parse().map_err(|error| format!("{state:?}: {error}"))?;
    let member = OtelTraceState::of(&state);
    let text = |value: Option<Threshold>| value.map(|value| value.to_string());
    Ok((text(member.threshold()), member.randomness().map(|number| number.to_string())))
}

/// A span that a service kept, as the Collector gets it.
#[derive(Debug)]
struct Sent {
    number: u64,
    trace_id: TraceId,
    state: TraceState,
}

impl Sent {
    /// The span with this number, if a service with a probability of its own keeps it. One in five comes
    /// from a service without a threshold.
    fn new(number: u64) -> Option<Self> {
        let random = |place: u64| mixed(number * 8 + place);
        let trace_id = TraceId::from(u128::from(random(0) | 1) << 64 | u128::from(random(1)));
        let rv = format!("rv:{:014x}", random(2) >> 8);
        let member = (random(3) % 2 == 0).then_some(("ot", rv.as_str()));
        let state = TraceState::from_key_value(member).ok()?;
        if random(4) % 5 == 0 {
            return Some(Self { number, trace_id, state });
        }
        // Half of them above what is kept downstream, half of them below, in 32 bits.
        let probability = ((random(5) >> 32) | 1) as f64 / 2f64.powi(32 + (random(6) % 4) as i32);
        let result = decide(probability, trace_id, state);
        let is_kept = result.decision == SamplingDecision::RecordAndSample;
        is_kept.then_some(Self { number, trace_id, state: result.trace_state })
    }

    fn span_id(&self) -> String {
        format!("{:016x}", self.number + 1)
    }

    /// What our sampler says of it, with the probability that the Collector has for it.
    fn kept_downstream(&self, mode: &str) -> Option<Said> {
        let before = OtelTraceState::of(&self.state).threshold();
        let probability = match (mode, before) {
            // No lower threshold than it has: what was not kept cannot come back.
            ("equalizing", Some(before)) => before.probability().min(RATIO),
            (_, None) => RATIO,
            (_, Some(before)) => before.probability() * RATIO,
        };
        let result = decide(probability, self.trace_id, self.state.clone());
        let is_kept = result.decision == SamplingDecision::RecordAndSample;
        is_kept.then(|| read(&result.trace_state.header()).ok()).flatten()
    }
}

/// Our sampler's decision about a span in a trace with this state.
fn decide(probability: f64, trace_id: TraceId, state: TraceState) -> SamplingResult {
    let probability = Probability::with_precision(probability, PRECISION);
    let sampler = Sampler::new(probability.expect("it is a probability"));
    let parent = SpanContext::new(trace_id, SpanId::from(1), TraceFlags::SAMPLED, true, state);
    let context = Context::new().with_remote_span_context(parent);
    sampler.should_sample(Some(&context), trace_id, "span", &SpanKind::Server, &[], &[])
}

/// Spans as OTLP's JSON.
fn request(spans: &[Sent]) -> Value {
    let spans: Vec<_> = spans
        .iter()
        .map(|span| {
            json!({
                "traceId": span.trace_id.to_string(),
                "spanId": span.span_id(),
                "traceState": span.state.header(),
                "name": "span",
                "kind": 2,
                "startTimeUnixNano": "1",
                "endTimeUnixNano": "2",
            })
        })
        .collect();
    json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] })
}

//! The sampling rate in `tracestate`, as Elastic's agents write it.

use std::borrow::Cow;

use opentelemetry::trace::{Link, SpanKind, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

/// Samples this part of new traces, and says so: `es=s:0.25`, from which the server and agents downstream count
/// what was not sampled.
#[derive(Clone, Debug)]
pub(super) struct RatioInTraceState {
    inner: Sampler,
    /// `s:0.25`
    member: Cow<'static, str>,
}

impl RatioInTraceState {
    pub(super) fn new(ratio: f64) -> Self {
        // Agents round before they decide, so that the rate that they say is the one that holds.
        let ratio = rounded(ratio);
        let inner = match ratio {
            1.0 => Sampler::AlwaysOn,
            ratio => Sampler::TraceIdRatioBased(ratio),
        };
        Self { inner, member: format!("s:{ratio}").into() }
    }
}

/// Four digits behind the point, and not zero unless it is.
pub(super) fn rounded(ratio: f64) -> f64 {
    let rounded = (ratio * 10_000.0).round() / 10_000.0;
    if ratio > 0.0 { rounded.max(0.0001) } else { rounded }
}

impl ShouldSample for RatioInTraceState {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let inner = &self.inner;
        let result =
            inner.should_sample(parent_context, trace_id, name, span_kind, attributes, links);
        let member = match result.decision {
            SamplingDecision::RecordAndSample => self.member.as_ref(),
            _ => "s:0",
        };
        let trace_state = TraceState::NONE.insert("es", member);
        SamplingResult { trace_state: trace_state.unwrap_or(result.trace_state), ..result }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(ratio: f64, trace_id: u128) -> (bool, String) {
        let sampler = RatioInTraceState::new(ratio);
        let kind = SpanKind::Server;
        let result = sampler.should_sample(None, trace_id.into(), "GET", &kind, &[], &[]);
        (result.decision == SamplingDecision::RecordAndSample, result.trace_state.header())
    }

    #[test]
    fn a_new_trace_says_its_rate() {
        let high = u128::MAX;
        for (ratio, id, expected) in [
            (1.0, 1, (true, "es=s:1")),
            (0.25, 1, (true, "es=s:0.25")),
            (0.25, high, (false, "es=s:0")),
            (0.123_456, 1, (true, "es=s:0.1235")),
            (0.000_001, 1, (true, "es=s:0.0001")),
            (0.0, 1, (false, "es=s:0")),
        ] {
            let (is_sampled, state) = state(ratio, id);
            assert_eq!((is_sampled, state.as_str()), expected, "{ratio} {id}");
        }
    }
}

//! A sampler that drops what is started below an excluded request.

use std::fmt;

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use tracewire_propagation::is_untraced;

/// Drops every span below a request that is not traced, and asks the sampler inside about all
/// others. It stands around every sampler, those that follow no parent included.
#[derive(Clone)]
pub(crate) struct DropUntraced(pub(crate) Box<dyn ShouldSample>);

impl ShouldSample for DropUntraced {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        dropped(parent_context).unwrap_or_else(|| {
            self.0.should_sample(parent_context, trace_id, name, span_kind, attributes, links)
        })
    }
}

/// The decision for a span in this context, if it is not to be recorded.
pub(crate) fn dropped(parent: Option<&Context>) -> Option<SamplingResult> {
    let parent = parent.filter(|parent| is_untraced(parent))?;
    Some(SamplingResult {
        decision: SamplingDecision::Drop,
        attributes: Vec::new(),
        trace_state: parent.span().span_context().trace_state().clone(),
    })
}

impl fmt::Debug for DropUntraced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HintedSampler;
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceState};
    use opentelemetry_sdk::trace::Sampler;
    use tracewire_propagation::{SamplingHint, untraced};

    fn decision(sampler: &dyn ShouldSample, context: &Context) -> SamplingDecision {
        let kind = &SpanKind::Internal;
        sampler.should_sample(Some(context), TraceId::from(1), "span", kind, &[], &[]).decision
    }

    #[test]
    fn no_sampler_keeps_what_is_below_an_excluded_request() {
        let caller = SpanContext::new(
            TraceId::from(1),
            SpanId::from(1),
            TraceFlags::SAMPLED,
            true,
            TraceState::NONE,
        );
        let samplers: [Box<dyn ShouldSample>; 4] = [
            Box::new(DropUntraced(Box::new(Sampler::AlwaysOn))),
            Box::new(DropUntraced(Box::new(Sampler::TraceIdRatioBased(1.0)))),
            Box::new(DropUntraced(Box::new(Sampler::ParentBased(Box::new(Sampler::AlwaysOn))))),
            Box::new(HintedSampler::new(Sampler::AlwaysOn)),
        ];
        for parent in [Context::new(), Context::new().with_remote_span_context(caller)] {
            let below = untraced(&parent).with_value(SamplingHint::On);
            for sampler in &samplers {
                assert_eq!(decision(&**sampler, &below), SamplingDecision::Drop);
                assert_eq!(decision(&**sampler, &parent), SamplingDecision::RecordAndSample);
            }
        }
    }
}

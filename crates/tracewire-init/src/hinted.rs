//! A sampler that honors what a caller asked for beyond the sampled flag.

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use tracewire_propagation::SamplingHint;

use crate::untraced;

/// Obeys a [`SamplingHint`] of a remote parent, and otherwise asks the sampler inside.
///
/// Formats such as B3 can say more than "sampled" or "not sampled": *you decide*, *sample whatever
/// it costs*, or a decision without ids. A propagator puts that into the context as a
/// [`SamplingHint`]. Child contexts inherit the value, so it counts only while the context's span
/// is remote or absent. For [`SamplingHint::Deferred`] the sampler inside decides as for a root
/// span, and the caller's `tracestate` is kept.
///
/// Spans below a request that is not traced ([`tracewire_propagation::untraced`]) are dropped.
///
/// [`init`](crate::init) installs it around every parent-based sampler. It is public for people
/// who build their own provider:
///
/// ```
/// use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
/// use tracewire_init::HintedSampler;
///
/// let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(0.1)));
/// let provider = SdkTracerProvider::builder().with_sampler(HintedSampler::new(sampler)).build();
/// ```
#[derive(Clone, Debug)]
pub struct HintedSampler<S> {
    inner: S,
}

impl<S> HintedSampler<S> {
    /// Wraps `inner`, normally a parent-based sampler.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: ShouldSample + Clone + 'static> ShouldSample for HintedSampler<S> {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        if let Some(dropped) = untraced::dropped(parent_context) {
            return dropped;
        }
        let ask =
            |parent| self.inner.should_sample(parent, trace_id, name, span_kind, attributes, links);
        let Some((parent, hint)) = parent_context.and_then(|parent| Some((parent, hint(parent)?)))
        else {
            return ask(parent_context);
        };
        let trace_state = parent.span().span_context().trace_state().clone();
        match hint {
            SamplingHint::Deferred => SamplingResult { trace_state, ..ask(None) },
            SamplingHint::On | SamplingHint::Debug => {
                decided(SamplingDecision::RecordAndSample, trace_state)
            }
            SamplingHint::Off => decided(SamplingDecision::Drop, trace_state),
            _ => ask(parent_context),
        }
    }
}

/// The hint, if the context comes straight from a carrier.
fn hint(parent: &Context) -> Option<SamplingHint> {
    let hint = *parent.get::<SamplingHint>()?;
    let span = parent.span();
    let parent = span.span_context();
    (parent.is_remote() || !parent.is_valid()).then_some(hint)
}

fn decided(
    decision: SamplingDecision,
    trace_state: opentelemetry::trace::TraceState,
) -> SamplingResult {
    SamplingResult { decision, attributes: Vec::new(), trace_state }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceState};
    use opentelemetry_sdk::trace::Sampler;

    fn parent(flags: TraceFlags, remote: bool) -> SpanContext {
        let state = TraceState::from_key_value([("vendor", "1")]).unwrap();
        SpanContext::new(TraceId::from(1), SpanId::from(1), flags, remote, state)
    }

    fn result(root: Sampler, context: &Context) -> SamplingResult {
        HintedSampler::new(Sampler::ParentBased(Box::new(root))).should_sample(
            Some(context),
            TraceId::from(1),
            "span",
            &SpanKind::Server,
            &[],
            &[],
        )
    }

    fn sampled(root: Sampler, context: &Context) -> bool {
        result(root, context).decision == SamplingDecision::RecordAndSample
    }

    #[test]
    fn hints_of_a_remote_parent_decide() {
        let (on, off) = (Sampler::AlwaysOn, Sampler::AlwaysOff);
        for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
            let remote = Context::new().with_remote_span_context(parent(flags, true));
            for (hint, root, expected) in [
                (SamplingHint::Deferred, &on, true),
                (SamplingHint::Deferred, &off, false),
                (SamplingHint::On, &off, true),
                (SamplingHint::Debug, &off, true),
                (SamplingHint::Off, &on, false),
            ] {
                let context = remote.with_value(hint);
                let result = result(root.clone(), &context);
                assert_eq!(
                    result.decision == SamplingDecision::RecordAndSample,
                    expected,
                    "{hint:?} {flags:?}"
                );
                assert_eq!(result.trace_state.get("vendor"), Some("1"), "{hint:?}");
            }
        }
    }

    #[test]
    fn hints_without_ids_decide_the_new_trace() {
        let hinted = |hint| Context::new().with_value(hint);
        assert!(!sampled(Sampler::AlwaysOn, &hinted(SamplingHint::Off)));
        assert!(sampled(Sampler::AlwaysOff, &hinted(SamplingHint::On)));
        assert!(sampled(Sampler::AlwaysOff, &hinted(SamplingHint::Debug)));
    }

    #[test]
    fn a_local_parent_outweighs_an_inherited_hint() {
        for (flags, expected) in [(TraceFlags::SAMPLED, true), (TraceFlags::NOT_SAMPLED, false)] {
            for hint in [SamplingHint::Off, SamplingHint::On, SamplingHint::Deferred] {
                let context =
                    Context::new().with_remote_span_context(parent(flags, false)).with_value(hint);
                assert_eq!(sampled(Sampler::AlwaysOff, &context), expected, "{hint:?}");
            }
        }
    }

    #[test]
    fn without_a_hint_the_inner_sampler_decides() {
        let remote = |flags| Context::new().with_remote_span_context(parent(flags, true));
        assert!(sampled(Sampler::AlwaysOff, &remote(TraceFlags::SAMPLED)));
        assert!(!sampled(Sampler::AlwaysOn, &remote(TraceFlags::NOT_SAMPLED)));
        assert!(sampled(Sampler::AlwaysOn, &Context::new()));
    }
}

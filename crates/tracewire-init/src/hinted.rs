//! Samplers that look at the parent before the sampler inside does: whether it is one, and what a
//! caller asked for beyond the sampled flag.

use std::borrow::Cow;
use std::fmt;

use opentelemetry::baggage::{BaggageExt, KeyValueMetadata};
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
/// A span without valid ids is no parent: one that was started before there was a provider, or after
/// an earlier one was shut down. The sampler inside then decides as for a root span. The SDK's
/// `Sampler::ParentBased` alone takes such a span for a parent that was not sampled, and drops
/// everything below it.
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
        let ask = |parent: &Context| {
            self.inner.should_sample(Some(parent), trace_id, name, span_kind, attributes, links)
        };
        let Some(parent) = parent_context else {
            return self.inner.should_sample(None, trace_id, name, span_kind, attributes, links);
        };
        let trace_state = || parent.span().span_context().trace_state().clone();
        match hint(parent) {
            Some(SamplingHint::Deferred) => {
                SamplingResult { trace_state: trace_state(), ..ask(&without_span(parent)) }
            }
            Some(SamplingHint::On | SamplingHint::Debug) => {
                decided(SamplingDecision::RecordAndSample, trace_state())
            }
            Some(SamplingHint::Off) => decided(SamplingDecision::Drop, trace_state()),
            _ => ask(&real_parent(parent)),
        }
    }
}

/// Asks the sampler inside, but takes a span without valid ids for no parent.
///
/// It stands around samplers that code gives and that decide about hints themselves.
#[derive(Clone)]
pub(crate) struct RealParent(pub(crate) Box<dyn ShouldSample>);

impl ShouldSample for RealParent {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let parent = parent_context.map(real_parent);
        self.0.should_sample(parent.as_deref(), trace_id, name, span_kind, attributes, links)
    }
}

impl fmt::Debug for RealParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The context as samplers may see it: without a span that is none.
fn real_parent(parent: &Context) -> Cow<'_, Context> {
    if parent.has_active_span() && !parent.span().span_context().is_valid() {
        Cow::Owned(without_span(parent))
    } else {
        Cow::Borrowed(parent)
    }
}

/// The context of a root span. A span cannot be taken out of a context, so this is a new one with
/// what samplers look at besides.
fn without_span(context: &Context) -> Context {
    let baggage = context.baggage().iter().map(|(key, (value, metadata))| {
        KeyValueMetadata::new(key.clone(), value.clone(), metadata.clone())
    });
    Context::new().with_baggage(baggage)
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
    fn a_span_without_ids_is_no_parent() {
        let none = Context::new()
            .with_remote_span_context(SpanContext::NONE)
            .with_baggage([KeyValue::new("tenant", "a")]);
        for (root, expected) in [(Sampler::AlwaysOn, true), (Sampler::AlwaysOff, false)] {
            assert_eq!(sampled(root.clone(), &none), expected);
            let given = RealParent(Box::new(Sampler::ParentBased(Box::new(root))));
            let result =
                given.should_sample(Some(&none), TraceId::from(1), "", &SpanKind::Server, &[], &[]);
            assert_eq!(result.decision == SamplingDecision::RecordAndSample, expected);
        }
        assert_eq!(real_parent(&none).baggage().get("tenant").map(|v| v.as_str()), Some("a"));
        for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
            let real = Context::new().with_remote_span_context(parent(flags, false));
            assert!(matches!(real_parent(&real), Cow::Borrowed(_)));
        }
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

//! Samplers that know no thresholds: OpenTelemetry's stable ones, and those of applications.

use crate::{
    ParentBranches, Sampler,
    contained::contained,
    otel_trace_state::{OtelTraceState, with_threshold},
    parent::{Trace, real_parent, without_span},
};
use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanContext, SpanKind, TraceContextExt as _, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{
    Sampler as SdkSampler, SamplingDecision, SamplingResult, ShouldSample,
};
use std::{any::Any, fmt};
use tracewire_propagation::SamplingHint;

/// A sampler without thresholds, and how its decisions go together with a caller's `th`.
pub(crate) enum Plain {
    /// Decides without a look at the trace, and leaves `th` alone.
    Constant(SamplingDecision),
    /// Follows the parent, and asks another sampler about roots.
    ParentBased(Root),
    /// Asks the sampler for this kind of parent.
    Branches(Box<ParentBranches>),
    /// Nobody knows what it goes by, so a caller's `th` says nothing about its decisions.
    Other(Box<dyn ShouldSample>),
}

/// What decides about a trace that nothing is decided about yet.
pub(crate) enum Root {
    /// Nobody needs to be asked: it decides the same about every trace.
    Constant(SamplingDecision),
    Ours(Sampler),
    Other(Box<dyn ShouldSample>),
}

/// A span that is about to start.
#[derive(Clone, Copy)]
pub(crate) struct NewSpan<'a> {
    pub(crate) context: Option<&'a Context>,
    pub(crate) trace_id: TraceId,
    pub(crate) name: &'a str,
    pub(crate) kind: &'a SpanKind,
    pub(crate) attributes: &'a [KeyValue],
    pub(crate) links: &'a [Link],
}

impl NewSpan<'_> {
    /// What `sampler` decides. A panic in it drops the span.
    fn ask(&self, sampler: &dyn ShouldSample, context: Option<&Context>) -> SamplingResult {
        let Self { trace_id, name, kind, attributes, links, .. } = *self;
        let ask = || sampler.should_sample(context, trace_id, name, kind, attributes, links);
        contained(ask).unwrap_or_else(|| {
            let state = context.map(|context| context.span().span_context().trace_state().clone());
            decided(SamplingDecision::Drop, state.unwrap_or_default())
        })
    }
}

/// The decision of a sampler that decides the same about every span, if it is known to be one.
fn constant(sampler: &dyn Any) -> Option<SamplingDecision> {
    match sampler.downcast_ref::<SdkSampler>() {
        Some(SdkSampler::AlwaysOn) => Some(SamplingDecision::RecordAndSample),
        Some(SdkSampler::AlwaysOff) => Some(SamplingDecision::Drop),
        _ => None,
    }
}

fn name_of(constant: &SamplingDecision) -> &'static str {
    if *constant == SamplingDecision::Drop { "AlwaysOff" } else { "AlwaysOn" }
}

impl Root {
    pub(crate) fn of(sampler: impl ShouldSample + 'static) -> Self {
        if let Some(decision) = constant(&sampler) {
            return Self::Constant(decision);
        }
        match (&sampler as &dyn Any).downcast_ref::<Sampler>() {
            Some(ours) => Self::Ours(ours.clone()),
            None => Self::Other(Box::new(sampler)),
        }
    }

    /// Decides about a span that nothing is decided about, whether or not a caller has a trace for it.
    fn decide(&self, span: &NewSpan<'_>, parent: Option<&SpanContext>) -> SamplingResult {
        match self {
            Self::Constant(decision) => {
                // A caller's `th` says nothing about what is decided here.
                let state = parent.map(|parent| with_threshold(parent.trace_state(), None));
                decided(decision.clone(), state.unwrap_or(TraceState::NONE))
            }
            Self::Ours(sampler) => ask_root(sampler, span, parent),
            Self::Other(sampler) => ask_root(&**sampler, span, parent),
        }
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(decision) => f.write_str(name_of(decision)),
            Self::Ours(sampler) => sampler.fmt(f),
            Self::Other(sampler) => sampler.fmt(f),
        }
    }
}

impl Plain {
    /// Takes the SDK's own samplers apart, because what they do is known.
    pub(crate) fn of(sampler: impl ShouldSample + 'static) -> Self {
        if let Some(decision) = constant(&sampler) {
            return Self::Constant(decision);
        }
        match (&sampler as &dyn Any).downcast_ref::<SdkSampler>() {
            Some(SdkSampler::ParentBased(root)) => Self::ParentBased(Root::Other(root.clone())),
            _ => Self::Other(Box::new(sampler)),
        }
    }

    /// The samplers of ours that it asks, each with its name.
    pub(crate) fn samplers(&self) -> impl Iterator<Item = (&'static str, &Sampler)> {
        let (root, branches) = match self {
            Self::ParentBased(Root::Ours(root)) => (Some(("", root)), None),
            Self::Branches(branches) => (None, Some(branches.all())),
            _ => (None, None),
        };
        root.into_iter().chain(branches.into_iter().flatten())
    }

    /// Whether it neither reads nor changes the trace state of a valid parent.
    pub(crate) fn keeps_trace_state(&self) -> bool {
        match self {
            Self::Constant(_) => true,
            // A `th` only says more about a decision that is the parent's anyway.
            Self::ParentBased(_) => true,
            Self::Branches(branches) => branches.keep_trace_state(),
            Self::Other(_) => false,
        }
    }

    pub(crate) fn decide(
        &self,
        span: &NewSpan<'_>,
        parent: Option<&SpanContext>,
        hint: Option<SamplingHint>,
    ) -> SamplingResult {
        match self {
            Self::Constant(decision) => decided(decision.clone(), state_of(parent)),
            Self::ParentBased(root) => follow(root, span, parent, hint),
            Self::Branches(branches) => branch(branches, span, parent, hint),
            Self::Other(sampler) => {
                let context = span.context.map(real_parent);
                let result = span.ask(&**sampler, context.as_deref());
                without_inherited_threshold(result, parent)
            }
        }
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(decision) => f.write_str(name_of(decision)),
            Self::ParentBased(root) => f.debug_tuple("ParentBased").field(root).finish(),
            Self::Branches(branches) => branches.fmt(f),
            Self::Other(sampler) => sampler.fmt(f),
        }
    }
}

/// Follows the parent and what its format asked for, or asks `root` where nothing is decided yet.
fn follow(
    root: &Root,
    span: &NewSpan<'_>,
    parent: Option<&SpanContext>,
    hint: Option<SamplingHint>,
) -> SamplingResult {
    let is_sampled = match (hint, parent) {
        (Some(SamplingHint::Off), _) => false,
        (Some(SamplingHint::On | SamplingHint::Debug), _) => true,
        (Some(SamplingHint::Deferred), _) | (_, None) => return root.decide(span, parent),
        // A `th` only says more about a decision that is the parent's anyway.
        (_, Some(parent)) => parent.is_sampled(),
    };
    let decision =
        if is_sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
    let state = state_of(parent);
    // What a format asks for beyond the flag was decided by no threshold.
    decided(decision, if hint.is_some() { with_threshold(&state, None) } else { state })
}

/// Asks the sampler for this kind of parent. What the format asked for counts as what the parent decided.
fn branch(
    branches: &ParentBranches,
    span: &NewSpan<'_>,
    parent: Option<&SpanContext>,
    hint: Option<SamplingHint>,
) -> SamplingResult {
    let decision = Trace::read(parent, hint, span.trace_id).decision;
    match branches.choose(decision, parent) {
        None => ask_root(branches.root_sampler(), span, parent),
        Some(sampler) => {
            let result = sampler.decide(span, parent, hint);
            if hint.is_none() {
                return result;
            }
            without_inherited_threshold(result, parent)
        }
    }
}

/// Asks about a span that nothing is decided about, whether or not a caller has a trace for it.
fn ask_root(
    root: &dyn ShouldSample,
    span: &NewSpan<'_>,
    parent: Option<&SpanContext>,
) -> SamplingResult {
    if parent.is_some() {
        let context = span.context.map(without_span);
        return merged(span.ask(root, context.as_ref()), parent);
    }
    let context = span.context.map(real_parent);
    span.ask(root, context.as_deref())
}

/// Takes out a threshold that the sampler only passed on.
fn without_inherited_threshold(
    result: SamplingResult,
    parent: Option<&SpanContext>,
) -> SamplingResult {
    let threshold = |state| OtelTraceState::of(state).threshold();
    let inherited = parent.and_then(|parent| threshold(parent.trace_state()));
    if inherited.is_none() || threshold(&result.trace_state) != inherited {
        return result;
    }
    let trace_state = with_threshold(&result.trace_state, None);
    SamplingResult { trace_state, ..result }
}

/// The decision of a sampler that saw no parent, with the members that the parent has.
fn merged(result: SamplingResult, parent: Option<&SpanContext>) -> SamplingResult {
    let Some(parent) = parent else { return result };
    let threshold = OtelTraceState::of(&result.trace_state).threshold();
    let trace_state = with_threshold(parent.trace_state(), threshold);
    SamplingResult { trace_state, ..result }
}

fn decided(decision: SamplingDecision, trace_state: TraceState) -> SamplingResult {
    SamplingResult { decision, attributes: Vec::new(), trace_state }
}

fn state_of(parent: Option<&SpanContext>) -> TraceState {
    parent.map_or(TraceState::NONE, |parent| parent.trace_state().clone())
}

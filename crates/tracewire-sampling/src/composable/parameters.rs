//! What a composable sampler may look at.

use crate::{Threshold, rate::MonotonicClock};
use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanContext, SpanKind},
};

/// The span that is about to start, as [`Composable`](crate::Composable) samplers see it.
///
/// Attributes are those that the span is started with. Later ones, its status and its duration do
/// not exist yet, and the SDK shows samplers neither the resource nor the instrumentation scope.
///
/// ```
/// use opentelemetry::trace::SpanKind;
/// use tracewire_sampling::SamplingParameters;
///
/// fn is_checkout(span: &SamplingParameters<'_>) -> bool {
///     let route = span.attributes().iter().find(|pair| pair.key.as_str() == "http.route");
///     *span.kind() == SpanKind::Server
///         && route.is_some_and(|route| route.value.as_str() == "/checkout")
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SamplingParameters<'a> {
    pub(crate) context: Option<&'a Context>,
    pub(crate) parent: Option<&'a SpanContext>,
    pub(crate) decision: ParentDecision,
    pub(crate) name: &'a str,
    pub(crate) kind: &'a SpanKind,
    pub(crate) attributes: &'a [KeyValue],
    pub(crate) links: &'a [Link],
    pub(crate) clock: &'a dyn MonotonicClock,
}

/// What was decided about the trace before this span.
///
/// ```
/// use tracewire_sampling::{ParentDecision, SamplingParameters};
///
/// fn was_dropped(span: &SamplingParameters<'_>) -> bool {
///     span.parent_decision() == ParentDecision::NotSampled
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentDecision {
    /// Nothing: the span begins a trace, or the caller leaves the decision to this service.
    None,
    /// To keep it, with this threshold.
    Threshold(Threshold),
    /// To keep it, with a probability that is not known.
    Sampled,
    /// To drop it.
    NotSampled,
}

impl<'a> SamplingParameters<'a> {
    /// Returns the context that the span starts in, for what travels beside its parent.
    pub fn context(&self) -> Option<&'a Context> {
        self.context
    }

    /// Whether the span has a parent, and whether that is in another process.
    pub fn parent(&self) -> ParentKind {
        match self.parent {
            None => ParentKind::None,
            Some(parent) if parent.is_remote() => ParentKind::Remote,
            Some(_) => ParentKind::Local,
        }
    }

    /// Returns what was decided about the trace before this span.
    ///
    /// What B3, Datadog or X-Ray ask for beyond a sampled flag is part of it: a request that leaves
    /// the decision to this service is [`ParentDecision::None`].
    pub fn parent_decision(&self) -> ParentDecision {
        self.decision
    }

    /// Returns the name that the span is started with.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Returns the kind of the span.
    pub fn kind(&self) -> &'a SpanKind {
        self.kind
    }

    /// Returns the attributes that the span is started with.
    pub fn attributes(&self) -> &'a [KeyValue] {
        self.attributes
    }

    /// Returns the links that the span is started with.
    pub fn links(&self) -> &'a [Link] {
        self.links
    }

    /// Whether this decision is about a whole trace, and not about a part of one.
    pub fn is_root(&self) -> bool {
        self.parent.is_none() || self.decision == ParentDecision::None
    }

    pub(crate) fn clock(&self) -> &'a dyn MonotonicClock {
        self.clock
    }
}

/// Where the parent of a span is.
///
/// ```
/// use tracewire_sampling::{ParentKind, SamplingParameters};
///
/// fn enters_this_process(span: &SamplingParameters<'_>) -> bool {
///     span.parent() != ParentKind::Local
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentKind {
    /// There is none: the span begins a trace.
    None,
    /// In another process.
    Remote,
    /// In this process.
    Local,
}

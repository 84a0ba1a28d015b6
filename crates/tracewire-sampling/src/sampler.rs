//! The sampler around all others.

#[cfg(all(test, shuttle))]
mod model;

use crate::{
    ParentBranches, Randomness, Threshold,
    composable::{Composable, Intent, RateStatus, RateTarget, SamplingParameters},
    contained::contained,
    otel_trace_state::written,
    parent::{Trace, hint},
    plain::{NewSpan, Plain, Root},
    rate::{MonotonicClock, SystemClock},
    shared::Shared,
};
use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use std::{
    any::Any,
    collections::{HashMap, VecDeque},
    fmt,
    sync::Arc,
};
use tracewire_propagation::{SamplingHint, is_untraced};

/// The sampler for an SDK: decides by a tree of [`Composable`] samplers, or by another sampler.
///
/// For each span, in this order:
///
/// 1. Below a request that is not traced ([`tracewire_propagation::untraced`]) it drops the span.
/// 2. It reads the parent. A span without valid ids is none. What B3, Datadog or X-Ray ask for
///    beyond a sampled flag ([`SamplingHint`](tracewire_propagation::SamplingHint)) counts as what a
///    remote parent decided. A `th` that contradicts the sampled flag counts as absent.
/// 3. It asks the tree for a threshold, and keeps the span if the random number of the trace is not
///    below.
/// 4. It writes the threshold of a kept span into the trace state, and takes a `th` out that does
///    not describe this decision. Other members, and the caller's `rv`, stay.
///
/// Clones share one tree, which [`replace`](Self::replace) changes while the SDK uses it.
///
/// ```
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use tracewire_sampling::{ParentThreshold, RuleBased, Sampler};
///
/// let rules = RuleBased::parse("GET /healthz*: off; POST /orders: on; 0.01", "shop")?;
/// let sampler = Sampler::new(ParentThreshold::new(rules));
/// let provider = SdkTracerProvider::builder().with_sampler(sampler.clone()).build();
/// // Later, without a new provider:
/// sampler.replace(Sampler::new(ParentThreshold::new(RuleBased::parse("0.05", "shop")?)));
/// # Ok::<(), tracewire_sampling::RuleError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Sampler {
    current: Arc<Shared<Current>>,
    clock: Arc<dyn MonotonicClock>,
}

/// What [`Sampler::replace`] replaces.
#[derive(Debug)]
struct Current {
    by: Arc<By>,
    record_dropped: bool,
}

#[derive(Debug)]
enum By {
    Tree(Box<dyn Composable>),
    Plain(Plain),
}

impl Sampler {
    /// Decides by a tree of composable samplers.
    ///
    /// Where one of them panics, the span is dropped, and the first time in a process a warning says so.
    pub fn new(tree: impl Composable + 'static) -> Self {
        Self::by(By::Tree(Box::new(tree)))
    }

    /// Follows the parent, and asks `root` where there is none, as OpenTelemetry's `ParentBased`.
    ///
    /// A caller's `th` stays on what follows the parent. The SDK's own parent-based sampler discards
    /// the trace state and the attributes that its root returns, and takes a span without ids for a
    /// parent; this one does neither.
    pub fn parent_based(root: impl ShouldSample + 'static) -> Self {
        Self::by(By::Plain(Plain::ParentBased(Root::of(root))))
    }

    /// Asks another sampler for each kind of parent, as OpenTelemetry's `ParentBased` with all of its
    /// options.
    pub fn by_parent(branches: ParentBranches) -> Self {
        Self::by(By::Plain(Plain::Branches(Box::new(branches))))
    }

    /// Decides by a sampler of the SDK or of the application.
    ///
    /// The SDK's `ParentBased` becomes [`parent_based`](Self::parent_based). Of a sampler that is
    /// not known, nobody can say which probability its decisions have, so a caller's `th` is taken
    /// out; a threshold that the sampler sets itself stays. Where it panics, the span is dropped. A
    /// [`Sampler`] is returned as it is.
    pub fn wrap(sampler: impl ShouldSample + 'static) -> Self {
        match (&sampler as &dyn Any).downcast_ref::<Self>() {
            Some(ours) => ours.clone(),
            None => Self::by(By::Plain(Plain::of(sampler))),
        }
    }

    /// Decides as `sampler` does, but records what it drops without sampling it, as OpenTelemetry's
    /// `AlwaysRecord`.
    ///
    /// Span processors see those spans, for example to count them, and exporters do not. What is
    /// below a request that is not traced stays dropped.
    pub fn always_record(sampler: impl ShouldSample + 'static) -> Self {
        let Self { current, clock } = Self::wrap(sampler);
        let by = current.get().by.clone();
        Self { current: Arc::new(Shared::new(Current { by, record_dropped: true })), clock }
    }

    /// Measures the rates of [`RateTarget`]s with another clock than the system's.
    pub fn with_clock(self, clock: impl MonotonicClock + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Decides by what `sampler` decides by from the next span on, in every clone of this sampler.
    ///
    /// A [`RateTarget`] that is the same in both, below a rule with the same conditions, goes on with
    /// its estimate. Traces that have begun keep their decision as far as spans follow their parent.
    pub fn replace(&self, sampler: Self) {
        let (old, new) = (self.current.get(), sampler.current.get());
        // Without what a sampler that panics hides, estimates begin anew.
        let _ = contained(|| take_over(&old.by, &new.by));
        self.current.set(new);
    }

    /// Returns what each [`RateTarget`] has seen and does, with the text of its rule.
    pub fn rates(&self) -> Vec<(String, Vec<RateStatus>)> {
        let mut rates = Vec::new();
        let mut visit = |path, target: &RateTarget| rates.push((path, target.status()));
        let _ = contained(|| self.visit_rate_targets("", &mut visit));
        rates
    }

    /// Whether the tree may keep a span under a parent that is not sampled, so that rules
    /// need its name and attributes.
    ///
    /// Always false for [`parent_based`](Self::parent_based) and [`wrap`](Self::wrap): what those
    /// need is up to the application.
    pub fn needs_unsampled_described(&self) -> bool {
        match &*self.current.get().by {
            By::Tree(tree) => !drops_unsampled(&**tree),
            By::Plain(Plain::Branches(branches)) => !branches.drop_unsampled(),
            By::Plain(_) => false,
        }
    }

    /// Whether it is known to drop every span under a parent that is not sampled, whatever the
    /// span is: then layers need not start one.
    ///
    /// Never for samplers that are not known, and not for [`always_record`](Self::always_record).
    #[must_use]
    pub fn drops_unsampled(&self) -> bool {
        let current = self.current.get();
        let drops = match &*current.by {
            By::Tree(tree) => drops_unsampled(&**tree),
            By::Plain(Plain::ParentBased(_) | Plain::Constant(SamplingDecision::Drop)) => true,
            By::Plain(Plain::Branches(branches)) => branches.drop_unsampled(),
            By::Plain(_) => false,
        };
        drops && !current.record_dropped
    }

    /// Whether it is known to decide about the child of a valid parent without a look at the parent's
    /// trace state, which it returns as it is.
    ///
    /// Never for trees, whose thresholds stand there, and for samplers that are not known.
    #[must_use]
    pub fn keeps_trace_state(&self) -> bool {
        match &*self.current.get().by {
            By::Tree(_) => false,
            By::Plain(plain) => plain.keeps_trace_state(),
        }
    }

    fn by(by: By) -> Self {
        let current = Current { by: Arc::new(by), record_dropped: false };
        Self { current: Arc::new(Shared::new(current)), clock: Arc::new(SystemClock) }
    }
}

/// Lets the targets of `new` that are in `old` too go on with their estimates.
fn take_over(old: &By, new: &By) {
    let mut known = HashMap::<_, VecDeque<_>>::new();
    old.visit_rate_targets("", &mut |path, target| {
        known.entry(path).or_default().push_back(target.estimates());
    });
    // Of several that look the same, each goes on with its own.
    new.visit_rate_targets("", &mut |path, target| {
        if let Some(estimates) = known.get_mut(&path).and_then(VecDeque::pop_front) {
            target.go_on_with(estimates);
        }
    });
}

impl By {
    fn visit_rate_targets(&self, path: &str, visit: &mut dyn FnMut(String, &RateTarget)) {
        match self {
            Self::Tree(tree) => {
                tree.visit_rate_targets(path, &mut |path, target| visit(path, target));
            }
            Self::Plain(plain) => plain
                .samplers()
                .for_each(|(name, one)| one.visit_rate_targets(&format!("{path}{name}"), visit)),
        }
    }
}

fn drops_unsampled(tree: &dyn Composable) -> bool {
    contained(|| tree.drops_unsampled()).unwrap_or(false)
}

impl ShouldSample for Sampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let span =
            NewSpan { context: parent_context, trace_id, name, kind: span_kind, attributes, links };
        let Some(context) = parent_context else { return self.decide(&span, None, None) };
        let active = context.span();
        let active = active.span_context();
        if is_untraced(context) {
            return SamplingResult {
                decision: SamplingDecision::Drop,
                attributes: Vec::new(),
                trace_state: active.trace_state().clone(),
            };
        }
        let parent = active.is_valid().then_some(active);
        self.decide(&span, parent, hint(context, active))
    }
}

impl Sampler {
    pub(crate) fn visit_rate_targets(
        &self,
        path: &str,
        visit: &mut dyn FnMut(String, &RateTarget),
    ) {
        self.current.get().by.visit_rate_targets(path, visit);
    }

    pub(crate) fn decide(
        &self,
        span: &NewSpan<'_>,
        parent: Option<&SpanContext>,
        hint: Option<SamplingHint>,
    ) -> SamplingResult {
        self.current.with(|current| {
            let mut result = match &*current.by {
                By::Tree(tree) => self.compare(&**tree, span, parent, hint),
                By::Plain(plain) => plain.decide(span, parent, hint),
            };
            if current.record_dropped && result.decision == SamplingDecision::Drop {
                result.decision = SamplingDecision::RecordOnly;
            }
            result
        })
    }

    /// Compares the tree's threshold with the random number of the trace.
    fn compare(
        &self,
        tree: &dyn Composable,
        span: &NewSpan<'_>,
        parent: Option<&SpanContext>,
        hint: Option<SamplingHint>,
    ) -> SamplingResult {
        let trace = Trace::read(parent, hint, span.trace_id);
        let parameters = SamplingParameters {
            context: span.context,
            parent,
            decision: trace.decision,
            name: span.name,
            kind: span.kind,
            attributes: span.attributes,
            links: span.links,
            clock: &*self.clock,
        };
        let intent = contained(|| tree.intent(&parameters)).unwrap_or_else(Intent::drop);
        let kept = intent.threshold().filter(|threshold| {
            // A number of its own, because nobody knows how this threshold relates to the trace.
            let own = || *threshold == Threshold::ALWAYS || threshold.keeps(Randomness::fresh());
            if intent.is_reliable() { threshold.keeps(trace.randomness) } else { own() }
        });
        let state = parent.map_or(&TraceState::NONE, SpanContext::trace_state);
        let trace_state = written(state, &trace.member, kept.filter(|_| intent.is_reliable()));
        if kept.is_none() {
            return SamplingResult {
                decision: SamplingDecision::Drop,
                attributes: Vec::new(),
                trace_state,
            };
        }
        SamplingResult {
            decision: SamplingDecision::RecordAndSample,
            attributes: intent.attributes().cloned().collect(),
            trace_state,
        }
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let current = self.current.get();
        let by: &dyn fmt::Debug = match &*current.by {
            By::Tree(tree) => tree,
            By::Plain(plain) => plain,
        };
        let name = if current.record_dropped { "Sampler::always_record" } else { "Sampler" };
        f.debug_tuple(name).field(by).finish()
    }
}

//! OpenTelemetry's `ParentBased` with a sampler for each kind of parent.

use crate::{Sampler, composable::ParentDecision};
use opentelemetry::trace::SpanContext;
use opentelemetry_sdk::trace::{Sampler as SdkSampler, ShouldSample};

/// A sampler for each kind of parent, for [`Sampler::by_parent`].
///
/// Unless set, roots and what is below a sampled parent are kept, and what is below a parent that is not
/// sampled is dropped.
///
/// ```
/// use tracewire_sampling::{ParentBranches, Probability, Sampler};
///
/// // Callers that do not sample are looked at all the same, in one of a hundred traces.
/// let one_percent = Sampler::new(Probability::new(0.01)?);
/// let sampler = Sampler::by_parent(ParentBranches::new().remote_not_sampled(one_percent));
/// # Ok::<(), tracewire_sampling::ProbabilityError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ParentBranches {
    root: Sampler,
    remote_sampled: Sampler,
    remote_not_sampled: Sampler,
    local_sampled: Sampler,
    local_not_sampled: Sampler,
}

impl Default for ParentBranches {
    fn default() -> Self {
        let [on, off] = [SdkSampler::AlwaysOn, SdkSampler::AlwaysOff].map(Sampler::wrap);
        Self {
            root: on.clone(),
            remote_sampled: on.clone(),
            remote_not_sampled: off.clone(),
            local_sampled: on,
            local_not_sampled: off,
        }
    }
}

impl ParentBranches {
    /// Creates branches of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the sampler of spans without a parent.
    pub fn root(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.root = Sampler::wrap(sampler);
        self
    }

    /// Sets the sampler of spans below a sampled parent in another process.
    pub fn remote_sampled(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.remote_sampled = Sampler::wrap(sampler);
        self
    }

    /// Sets the sampler of spans below a parent in another process that is not sampled.
    pub fn remote_not_sampled(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.remote_not_sampled = Sampler::wrap(sampler);
        self
    }

    /// Sets the sampler of spans below a sampled parent in this process.
    pub fn local_sampled(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.local_sampled = Sampler::wrap(sampler);
        self
    }

    /// Sets the sampler of spans below a parent in this process that is not sampled.
    pub fn local_not_sampled(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.local_not_sampled = Sampler::wrap(sampler);
        self
    }

    /// The sampler that decides; `None` is the root's.
    pub(crate) fn choose(
        &self,
        decision: ParentDecision,
        parent: Option<&SpanContext>,
    ) -> Option<&Sampler> {
        // A format that decides without ids is another process's.
        let is_remote = parent.is_none_or(SpanContext::is_remote);
        match decision {
            ParentDecision::None => None,
            ParentDecision::NotSampled if is_remote => Some(&self.remote_not_sampled),
            ParentDecision::NotSampled => Some(&self.local_not_sampled),
            _ if is_remote => Some(&self.remote_sampled),
            _ => Some(&self.local_sampled),
        }
    }

    /// All of them, each with the name that it has in a path.
    pub(crate) fn all(&self) -> [(&'static str, &Sampler); 5] {
        [
            ("root: ", &self.root),
            ("remote_sampled: ", &self.remote_sampled),
            ("remote_not_sampled: ", &self.remote_not_sampled),
            ("local_sampled: ", &self.local_sampled),
            ("local_not_sampled: ", &self.local_not_sampled),
        ]
    }

    pub(crate) fn root_sampler(&self) -> &Sampler {
        &self.root
    }

    /// Whether everything below a parent that is not sampled is dropped.
    pub(crate) fn drop_unsampled(&self) -> bool {
        self.remote_not_sampled.drops_unsampled() && self.local_not_sampled.drops_unsampled()
    }

    /// Whether no sampler of a span with a parent reads or changes the parent's trace state.
    pub(crate) fn keep_trace_state(&self) -> bool {
        let below = [
            &self.remote_sampled,
            &self.remote_not_sampled,
            &self.local_sampled,
            &self.local_not_sampled,
        ];
        below.into_iter().all(Sampler::keeps_trace_state)
    }
}

//! Follows the parent, its threshold included.

use super::{Composable, Intent, ParentDecision, RateTarget, SamplingParameters};
use crate::Threshold;

/// Decides as the parent did, and asks the sampler inside where there is no parent.
///
/// The parent's `th` is kept. A sampled parent without one, or with one that contradicts the
/// sampled flag, makes spans that are kept and cannot be counted.
///
/// ```
/// use tracewire_sampling::{ParentThreshold, Probability, Sampler};
///
/// let sampler = Sampler::new(ParentThreshold::new(Probability::new(0.1)?));
/// # Ok::<(), tracewire_sampling::ProbabilityError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ParentThreshold<C> {
    root: C,
}

impl<C: Composable> ParentThreshold<C> {
    /// Asks `root` about spans without a parent.
    pub fn new(root: C) -> Self {
        Self { root }
    }
}

impl<C: Composable> Composable for ParentThreshold<C> {
    fn intent<'a>(&'a self, parameters: &SamplingParameters<'a>) -> Intent<'a> {
        match parameters.parent_decision() {
            ParentDecision::None => self.root.intent(parameters),
            ParentDecision::Threshold(threshold) => Intent::keep(threshold),
            ParentDecision::Sampled => Intent::keep_uncounted(Threshold::ALWAYS),
            ParentDecision::NotSampled => Intent::drop(),
        }
    }

    fn drops_unsampled(&self) -> bool {
        true
    }

    fn visit_rate_targets<'a>(&'a self, path: &str, visit: &mut dyn FnMut(String, &'a RateTarget)) {
        self.root.visit_rate_targets(path, visit);
    }
}

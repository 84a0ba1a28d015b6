//! Samplers that say with which threshold to decide, and leave the decision to [`Sampler`].
//!
//! [`Sampler`]: crate::Sampler

mod annotating;
mod constant;
mod parameters;
mod parent_threshold;
mod probability;
mod rate_target;

pub use self::{
    annotating::Annotating,
    constant::{AlwaysOff, AlwaysOn},
    parameters::{ParentDecision, ParentKind, SamplingParameters},
    parent_threshold::ParentThreshold,
    probability::{Probability, ProbabilityError},
    rate_target::{RateStatus, RateTarget},
};

use crate::Threshold;
use opentelemetry::KeyValue;
use std::fmt;

/// A sampler that can be part of another one: it names a threshold instead of deciding.
///
/// [`Sampler`](crate::Sampler) wraps a tree of them. It compares the threshold with the random
/// number of the trace and writes it into the trace state, so a composable sampler must not look at
/// trace ids: a choice that depends on them would make every count wrong.
///
/// ```
/// use tracewire_sampling::{AlwaysOn, Composable, Intent, SamplingParameters, Threshold};
///
/// /// Keeps every span that has a link, and one in ten of the others.
/// #[derive(Debug)]
/// struct Linked;
///
/// impl Composable for Linked {
///     fn intent<'a>(&'a self, parameters: &SamplingParameters<'a>) -> Intent<'a> {
///         let probability = if parameters.links().is_empty() { 0.1 } else { 1.0 };
///         Threshold::from_probability(probability).map_or(Intent::drop(), Intent::keep)
///     }
/// }
/// ```
pub trait Composable: fmt::Debug + Send + Sync {
    /// Returns the threshold to decide with.
    fn intent<'a>(&'a self, parameters: &SamplingParameters<'a>) -> Intent<'a>;

    /// Whether every span under a parent that is not sampled is dropped.
    ///
    /// tracewire's layers then pass no attributes to the sampler for such spans. The default is
    /// false.
    fn drops_unsampled(&self) -> bool {
        false
    }

    /// Calls `visit` with every [`RateTarget`] in this sampler, and a text that says where it is.
    ///
    /// A sampler with others inside must pass the call on, so that
    /// [`Sampler::replace`](crate::Sampler::replace) finds the targets that stay. `path` is the text
    /// of what is around this sampler.
    fn visit_rate_targets<'a>(&'a self, path: &str, visit: &mut dyn FnMut(String, &'a RateTarget)) {
        let _ = (path, visit);
    }
}

impl Composable for Box<dyn Composable> {
    fn intent<'a>(&'a self, parameters: &SamplingParameters<'a>) -> Intent<'a> {
        (**self).intent(parameters)
    }

    fn drops_unsampled(&self) -> bool {
        (**self).drops_unsampled()
    }

    fn visit_rate_targets<'a>(&'a self, path: &str, visit: &mut dyn FnMut(String, &'a RateTarget)) {
        (**self).visit_rate_targets(path, visit);
    }
}

/// What a [`Composable`] sampler wants for a span.
///
/// ```
/// use tracewire_sampling::{Intent, Threshold};
///
/// let tenth = Threshold::from_probability(0.1).unwrap();
/// assert_eq!(Intent::keep(tenth).threshold(), Some(tenth));
/// assert_eq!(Intent::drop().threshold(), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Intent<'a> {
    threshold: Option<Threshold>,
    unreliable: bool,
    attributes: &'a [KeyValue],
    more_attributes: Vec<&'a [KeyValue]>,
}

impl<'a> Intent<'a> {
    /// Drops the span.
    pub fn drop() -> Self {
        Self::default()
    }

    /// Keeps the span with the probability of this threshold, which the span then carries as `th`.
    pub fn keep(threshold: Threshold) -> Self {
        Self { threshold: Some(threshold), ..Self::default() }
    }

    /// Keeps the span with the probability of this threshold, without a `th`: whatever else decided
    /// about this span, it cannot be counted.
    pub fn keep_uncounted(threshold: Threshold) -> Self {
        Self { unreliable: true, ..Self::keep(threshold) }
    }

    /// Adds attributes to the span if it is kept.
    pub fn with_attributes(mut self, attributes: &'a [KeyValue]) -> Self {
        if self.attributes.is_empty() {
            self.attributes = attributes;
        } else if !attributes.is_empty() {
            self.more_attributes.push(attributes);
        }
        self
    }

    pub(crate) fn with_threshold(self, threshold: Threshold) -> Self {
        Self { threshold: Some(threshold), ..self }
    }

    /// Returns the threshold, `None` to drop the span.
    pub fn threshold(&self) -> Option<Threshold> {
        self.threshold
    }

    /// Whether the threshold is the probability with which the span is kept.
    pub fn is_reliable(&self) -> bool {
        self.threshold.is_some() && !self.unreliable
    }

    /// Returns the attributes to add to the span.
    pub fn attributes(&self) -> impl Iterator<Item = &'a KeyValue> {
        let more = self.more_attributes.iter().flat_map(|attributes| attributes.iter());
        self.attributes.iter().chain(more)
    }
}

//! All, and nothing.

use super::{Composable, Intent, SamplingParameters};
use crate::Threshold;

/// Keeps every span, and says so with `th:0`.
///
/// ```
/// use tracewire_sampling::{AlwaysOn, ParentThreshold, Sampler};
///
/// let sampler = Sampler::new(ParentThreshold::new(AlwaysOn)); // all traces that begin here
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysOn;

impl Composable for AlwaysOn {
    fn intent<'a>(&'a self, _: &SamplingParameters<'a>) -> Intent<'a> {
        Intent::keep(Threshold::ALWAYS)
    }
}

/// Drops every span.
///
/// ```
/// use tracewire_sampling::{AlwaysOff, ParentThreshold, Sampler};
///
/// let sampler = Sampler::new(ParentThreshold::new(AlwaysOff)); // only traces that callers sampled
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysOff;

impl Composable for AlwaysOff {
    fn intent<'a>(&'a self, _: &SamplingParameters<'a>) -> Intent<'a> {
        Intent::drop()
    }

    fn drops_unsampled(&self) -> bool {
        true
    }
}

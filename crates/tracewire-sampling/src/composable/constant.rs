//! All, and nothing.

use super::{Composable, Intent, SamplingParameters};
use crate::Threshold;

/// Keeps every span, and says so with `th:0`.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysOn;

impl Composable for AlwaysOn {
    fn intent<'a>(&'a self, _: &SamplingParameters<'a>) -> Intent<'a> {
        Intent::keep(Threshold::ALWAYS)
    }
}

/// Drops every span.
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

//! Attributes that say why a span was kept.

use super::{Composable, Intent, RateTarget, SamplingParameters};
use opentelemetry::KeyValue;

/// Adds attributes to the spans that the sampler inside keeps.
///
/// ```
/// use opentelemetry::KeyValue;
/// use tracewire_sampling::{Annotating, Probability};
///
/// let sampler = Annotating::new([KeyValue::new("sampler.rule", "default")], Probability::new(0.1)?);
/// # Ok::<(), tracewire_sampling::ProbabilityError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Annotating<C> {
    attributes: Vec<KeyValue>,
    inner: C,
}

impl<C: Composable> Annotating<C> {
    /// Adds these attributes to what `inner` keeps.
    pub fn new(attributes: impl IntoIterator<Item = KeyValue>, inner: C) -> Self {
        Self { attributes: attributes.into_iter().collect(), inner }
    }
}

impl<C: Composable> Composable for Annotating<C> {
    fn intent<'a>(&'a self, parameters: &SamplingParameters<'a>) -> Intent<'a> {
        self.inner.intent(parameters).with_attributes(&self.attributes)
    }

    fn drops_unsampled(&self) -> bool {
        self.inner.drops_unsampled()
    }

    fn visit_rate_targets<'a>(&'a self, path: &str, visit: &mut dyn FnMut(String, &'a RateTarget)) {
        self.inner.visit_rate_targets(path, visit);
    }
}

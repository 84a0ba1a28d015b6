//! The first rule that applies.

use super::{
    conditions::Conditions,
    found::{Found, SLOTS},
};
use crate::composable::{Composable, Intent, RateTarget, SamplingParameters};
use std::fmt;

/// Asks the sampler of the first rule whose conditions hold; drops the span if there is none.
///
/// ```
/// use tracewire_sampling::{AlwaysOff, AlwaysOn, Conditions, Probability, RuleBased};
///
/// let rules = RuleBased::new()
///     .rule(Conditions::new().method("GET").path("/healthz*"), AlwaysOff)
///     .rule(Conditions::new().method("POST").path("/orders"), AlwaysOn)
///     .fallback(Probability::new(0.01)?);
/// # Ok::<(), tracewire_sampling::ProbabilityError>(())
/// ```
///
/// [`RuleBased::parse`] reads the same from a text.
#[derive(Default)]
#[must_use]
pub struct RuleBased {
    rules: Vec<Rule>,
    /// The keys of the attributes that are looked up together, in the order of their slots.
    keys: Vec<Box<str>>,
}

struct Rule {
    conditions: Conditions,
    sampler: Box<dyn Composable>,
}

impl RuleBased {
    /// Creates a sampler without rules, which drops every span.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule after those that are there.
    pub fn rule(mut self, mut conditions: Conditions, sampler: impl Composable + 'static) -> Self {
        for key in conditions.keys_mut() {
            key.slot = self.slot(&key.name);
        }
        self.rules.push(Rule { conditions, sampler: Box::new(sampler) });
        self
    }

    /// Adds a rule for every span that no other rule applies to.
    pub fn fallback(self, sampler: impl Composable + 'static) -> Self {
        self.rule(Conditions::new(), sampler)
    }

    fn slot(&mut self, name: &str) -> usize {
        self.keys.iter().position(|known| **known == *name).unwrap_or_else(|| {
            if self.keys.len() < SLOTS {
                self.keys.push(name.into());
            }
            // Out of reach without room, so that the key is looked up by its name.
            self.keys.iter().position(|known| **known == *name).unwrap_or(usize::MAX)
        })
    }
}

impl Composable for RuleBased {
    fn intent<'a>(&'a self, parameters: &SamplingParameters<'a>) -> Intent<'a> {
        let found = Found::new(parameters.attributes(), &self.keys);
        let rule = self.rules.iter().find(|rule| rule.conditions.hold(parameters, &found));
        rule.map_or(Intent::drop(), |rule| rule.sampler.intent(parameters))
    }

    fn drops_unsampled(&self) -> bool {
        self.rules
            .iter()
            .filter(|rule| rule.conditions.allow_parent())
            .all(|rule| rule.sampler.drops_unsampled())
    }

    fn visit_rate_targets<'a>(&'a self, path: &str, visit: &mut dyn FnMut(String, &'a RateTarget)) {
        for rule in &self.rules {
            rule.sampler.visit_rate_targets(&format!("{path}{}", Before(&rule.conditions)), visit);
        }
    }
}

impl fmt::Debug for RuleBased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for rule in &self.rules {
            list.entry(&format_args!("{}{:?}", Before(&rule.conditions), rule.sampler));
        }
        list.finish()
    }
}

/// Conditions as they stand before an action.
struct Before<'a>(&'a Conditions);

impl fmt::Display for Before<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "{}: ", self.0) }
    }
}

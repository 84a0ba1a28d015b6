//! The first rule that applies.

use super::{
    conditions::Conditions,
    found::{Found, SLOTS},
};
use crate::composable::{Composable, Intent, RateTarget, SamplingParameters};
use std::fmt;

/// Warnings that are kept of one text.
const MOST_WARNINGS: usize = 10;

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
    /// What all rules together may keep.
    total: Option<RateTarget>,
    warnings: Vec<String>,
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

    /// Aims at about `limit` traces in a second for all rules together.
    ///
    /// Where the rules would keep more, every rule keeps the same part of what it would. It is a
    /// target and no cap, as [`RateTarget`] says, and counts stay true.
    ///
    /// ```
    /// use tracewire_sampling::{AlwaysOn, Conditions, Probability, RuleBased};
    ///
    /// let rules = RuleBased::new()
    ///     .rule(Conditions::new().method("POST").path("/orders"), AlwaysOn)
    ///     .fallback(Probability::new(0.01)?)
    ///     .total_rate(100.0);
    /// # Ok::<(), tracewire_sampling::ProbabilityError>(())
    /// ```
    pub fn total_rate(mut self, limit: f64) -> Self {
        self.total = Some(RateTarget::of_all(limit));
        self
    }

    /// Returns what is odd about rules that were [parsed](Self::parse), a line each, the first ten: rules
    /// that look as if they applied, and do not.
    ///
    /// ```
    /// use tracewire_sampling::RuleBased;
    ///
    /// let rules = RuleBased::parse("http.response.status_code=500: on; 0.01", "shop")?;
    /// assert!(rules.warnings()[0].starts_with("rule 1, column 1: http.response.status_code is set after"));
    /// # Ok::<(), tracewire_sampling::RuleError>(())
    /// ```
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(super) fn warned(mut self, warnings: Vec<String>) -> Self {
        let room = MOST_WARNINGS.saturating_sub(self.warnings.len());
        self.warnings.extend(warnings.into_iter().take(room));
        self
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
        let intent = rule.map_or(Intent::drop(), |rule| rule.sampler.intent(parameters));
        match &self.total {
            Some(total) => total.lowered(intent, parameters),
            None => intent,
        }
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
        if let Some(total) = &self.total {
            visit(format!("{path}{}", Total(total)), total);
        }
    }
}

impl fmt::Debug for RuleBased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for rule in &self.rules {
            list.entry(&format_args!("{}{:?}", Before(&rule.conditions), rule.sampler));
        }
        if let Some(total) = &self.total {
            list.entry(&format_args!("{}", Total(total)));
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

/// The target of all rules as it stands among them.
struct Total<'a>(&'a RateTarget);

impl fmt::Display for Total<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "total {}/s", self.0.limit())
    }
}

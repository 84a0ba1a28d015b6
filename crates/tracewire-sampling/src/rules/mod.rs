//! Samplers chosen by what a span is.

mod conditions;
mod error;
mod found;
mod language;
mod mistakes;
mod pattern;
mod rule_based;
mod scan;
mod splunk;
mod words;

pub use self::{conditions::Conditions, error::RuleError, pattern::Pattern, rule_based::RuleBased};

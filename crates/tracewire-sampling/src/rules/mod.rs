//! Samplers chosen by what a span is.

mod conditions;
mod language;
mod pattern;
mod rule_based;
mod scan;
mod splunk;
mod words;

pub use self::{
    conditions::Conditions, language::RuleError, pattern::Pattern, rule_based::RuleBased,
};

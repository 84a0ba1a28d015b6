//! What is wrong with rules.

use std::{error::Error, fmt};

/// What is wrong with rules that cannot be read, and where.
///
/// No part of the text is repeated: it may hold a secret that was put into the wrong variable.
///
/// ```
/// use tracewire_sampling::RuleBased;
///
/// let error = RuleBased::parse("GET /healthz: off; GET /orders: sometimes", "shop").unwrap_err();
/// assert_eq!(error.rule(), 2);
/// println!("{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    rule: usize,
    column: usize,
    message: String,
}

impl RuleError {
    /// The error at a byte of the text.
    pub(super) fn new(text: &str, rule: usize, at: usize, message: String) -> Self {
        Self { rule, column: text[..at].chars().count() + 1, message }
    }

    /// Returns the number of the rule, from 1.
    pub fn rule(&self) -> usize {
        self.rule
    }

    /// Returns the column in the whole text, in characters from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}, column {}: {}", self.rule, self.column, self.message)
    }
}

impl Error for RuleError {}

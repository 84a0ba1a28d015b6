//! Patterns of paths and URLs that are left out.

use crate::glob;
use std::sync::Arc;

/// The longest text that is compared, in bytes: what a pattern costs grows with the text.
const LONGEST: usize = 1024;

/// A list of patterns, in which `*` stands for any run of characters, slashes included, and `?` for
/// one byte.
///
/// A text of more than 1,024 bytes matches none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns(Arc<[Box<str>]>);

impl Patterns {
    /// The texts that any of these patterns matches; without patterns none.
    pub(crate) fn new<I, T>(patterns: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: Into<Box<str>>,
    {
        Self(patterns.into_iter().map(Into::into).collect())
    }

    /// Reads a comma-separated list from the environment variable `name`; unset means none.
    pub(crate) fn from_env(name: &str) -> Self {
        Self::from_list(&std::env::var(name).unwrap_or_default())
    }

    fn from_list(list: &str) -> Self {
        Self::new(list.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether one of them matches all of `text`.
    pub(crate) fn match_text(&self, text: &str) -> bool {
        self.match_any(text.len(), |pattern| glob::matches(pattern, text))
    }

    /// Returns whether `matches` says yes to one of them, for something of `length` bytes.
    pub(crate) fn match_any(&self, length: usize, mut matches: impl FnMut(&str) -> bool) -> bool {
        length <= LONGEST && self.0.iter().any(|pattern| matches(pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_text() {
        let paths = Patterns::new(["/healthz", "/internal/*"]);
        assert!(paths.match_text("/healthz") && paths.match_text("/internal/metrics"));
        assert!(!paths.match_text("/healthz/") && !paths.match_text("/internal"));
        assert!(!Patterns::default().match_text(""));
    }

    #[test]
    fn a_list_is_separated_by_commas() {
        let paths = Patterns::from_list(" /healthz,, /internal/* ,");
        assert!(paths.match_text("/healthz") && paths.match_text("/internal/a"));
        assert!(!paths.match_text("") && !paths.match_text("/") && !paths.match_text(" /healthz"));
        assert!(!Patterns::from_list("").match_text(""));
    }

    #[test]
    fn a_long_text_matches_nothing() {
        let path = "a".repeat(LONGEST);
        assert!(Patterns::new(["*"]).match_text(&path));
        assert!(!Patterns::new(["*"]).match_text(&(path + "a")));
    }
}

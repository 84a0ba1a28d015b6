//! A set of paths, by pattern.

use std::sync::Arc;
use tracewire_text::glob::{Pattern, split_list};

/// A set of paths, such as those of health checks.
///
/// In a pattern `*` stands for any run of characters, slashes included, and `?` for one character.
/// Paths are compared as they were sent, with regard to case and without the query. A path of more
/// than 1,024 bytes is in no set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paths(Arc<[Pattern]>);

impl Paths {
    /// The paths that any of these patterns matches; without patterns none.
    pub(crate) fn new<I, T>(patterns: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: AsRef<str>,
    {
        Self(patterns.into_iter().map(|pattern| Pattern::new(pattern.as_ref())).collect())
    }

    /// Reads a comma-separated list of patterns from the environment variable `name`; unset means
    /// none.
    pub(super) fn from_env(name: &str) -> Self {
        Self::from_list(&std::env::var(name).unwrap_or_default())
    }

    fn from_list(list: &str) -> Self {
        Self::new(split_list(list))
    }

    /// Whether `path` is one of them.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, path: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_path() {
        let paths = Paths::new(["/healthz", "/internal/*"]);
        assert!(paths.contains("/healthz") && paths.contains("/internal/metrics"));
        assert!(!paths.contains("/healthz/") && !paths.contains("/internal"));
    }

    #[test]
    fn a_list_is_separated_by_commas() {
        let paths = Paths::from_list(" /healthz,, /internal/* ,");
        assert!(paths.contains("/healthz") && paths.contains("/internal/a"));
        assert!(!paths.contains("") && !paths.contains("/") && !paths.contains(" /healthz"));
        assert!(!Paths::from_list("").contains(""));
    }

    #[test]
    fn a_long_path_is_in_no_set() {
        let path = "a".repeat(Pattern::LONGEST_TEXT);
        assert!(Paths::new(["*"]).contains(&path));
        assert!(!Paths::new(["*"]).contains(&(path + "a")));
    }
}

//! A set of paths, by pattern.

use crate::glob;
use std::sync::Arc;

/// The longest path that is compared, in bytes: what a pattern costs grows with the path.
const LONGEST: usize = 1024;

/// A set of paths, such as those of health checks.
///
/// In a pattern `*` stands for any run of characters, slashes included, and `?` for one byte.
/// Paths are compared as they were sent, with regard to case and without the query. A path of more
/// than 1,024 bytes is in no set.
///
/// ```
/// use tracewire_http::Paths;
///
/// let paths = Paths::new(["/healthz", "/internal/*"]);
/// assert!(paths.contains("/healthz") && paths.contains("/internal/metrics"));
/// assert!(!paths.contains("/healthz/") && !paths.contains("/internal"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Paths(Arc<[Box<str>]>);

impl Paths {
    /// The paths that any of these patterns matches; without patterns none.
    pub fn new<I, T>(patterns: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: Into<Box<str>>,
    {
        Self(patterns.into_iter().map(Into::into).collect())
    }

    /// Whether `path` is one of them.
    pub fn contains(&self, path: &str) -> bool {
        path.len() <= LONGEST && self.0.iter().any(|pattern| glob::matches(pattern, path))
    }
}

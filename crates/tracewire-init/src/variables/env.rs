//! The environment as it is: the text of a variable, and the names of all.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

/// Where variables come from.
#[derive(Clone)]
pub(crate) struct Env {
    source: Source,
    names: Names,
}

/// Gives a variable's value by its name.
type Source = Arc<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// Gives the names of all variables.
type Names = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// What a variable holds.
pub(crate) enum Text {
    Unset,
    NotUtf8,
    Is(String),
}

impl Env {
    /// The environment of this process.
    pub(crate) fn process() -> Self {
        let names =
            || std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
        Self { source: Arc::new(|name: &str| std::env::var_os(name)), names: Arc::new(names) }
    }

    /// An environment without variables.
    pub(super) fn empty() -> Self {
        Self { source: Arc::new(|_: &str| None), names: Arc::new(Vec::new) }
    }

    /// An environment of these variables alone.
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        Self::of_os(variables.iter().map(|&(name, value)| (name, value.into())))
    }

    /// The same with values that need not be text.
    pub(crate) fn of_os<'a>(variables: impl IntoIterator<Item = (&'a str, OsString)>) -> Self {
        let variables: std::collections::HashMap<String, OsString> =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let names: Vec<String> = variables.keys().cloned().collect();
        Self {
            source: Arc::new(move |name: &str| variables.get(name).cloned()),
            names: Arc::new(move || names.clone()),
        }
    }

    /// The variable as it is.
    #[cfg_attr(not(feature = "config-file"), expect(dead_code, reason = "a file refers to it"))]
    pub(crate) fn value(&self, name: &str) -> Option<OsString> {
        (self.source)(name)
    }

    /// The variable's text. Empty and blank are unset.
    pub(crate) fn text(&self, name: &str) -> Text {
        match (self.source)(name).map(OsString::into_string) {
            None => Text::Unset,
            Some(Ok(text)) if text.trim().is_empty() => Text::Unset,
            Some(Ok(text)) => Text::Is(text),
            Some(Err(_)) => Text::NotUtf8,
        }
    }

    /// The names of variables that are set and begin with one of these, in order.
    pub(crate) fn names(&self, prefixes: &[&str]) -> Vec<String> {
        let is_ours = |name: &String| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let mut names: Vec<_> = (self.names)().into_iter().filter(is_ours).collect();
        names.sort();
        names.retain(|name| (self.source)(name).is_some_and(|value| !value.is_empty()));
        names
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").finish_non_exhaustive()
    }
}

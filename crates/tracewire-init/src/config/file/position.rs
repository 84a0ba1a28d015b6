//! Where something stands in a configuration file.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A line and a column of a file, both from 1. Columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A node of the file: its position, and its path from the root.
///
/// All places are equal, so that two files are equal that say the same, wherever it stands.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) at: Position,
    /// `tracer_provider.processors[0].batch`
    pub(crate) path: Arc<str>,
}

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Place {}

/// A value and the place where the file says so, for messages of those who use it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A path on its way down from the root. It becomes text only for a message or a [`Place`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Path<'a> {
    Root,
    Key(&'a Self, &'a str),
    Index(&'a Self, usize),
}

/// The longest part of a path that is shown, in characters. Known keys are shorter.
const MOST_KEY: usize = 64;

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, key) => write_key(f, key),
            Self::Key(parent, key) => {
                write!(f, "{parent}.")?;
                write_key(f, key)
            }
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

fn write_key(f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
    f.write_str(&tracewire_text::shortened(key, MOST_KEY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_dots_before_keys_and_brackets_around_indices() {
        let provider = Path::Key(&Path::Root, "tracer_provider");
        let processors = Path::Key(&provider, "processors");
        let first = Path::Index(&processors, 0);
        assert_eq!(Path::Key(&first, "batch").to_string(), "tracer_provider.processors[0].batch");
        assert_eq!(Path::Root.to_string(), "");
    }

    #[test]
    fn long_and_unprintable_keys_are_cut_and_escaped() {
        let long = "k".repeat(1000);
        assert_eq!(Path::Key(&Path::Root, &long).to_string().chars().count(), MOST_KEY + 1);
        assert_eq!(Path::Key(&Path::Root, "a\nb").to_string(), "a\\nb");
    }
}

//! `included` and `excluded`: lists of names with `*` and `?`.

use crate::config::file::position::Spanned;
use crate::config::file::read::Cursor;

/// What is included and not excluded. An empty `included` is everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Patterns {
    pub(crate) included: Vec<Spanned<String>>,
    pub(crate) excluded: Vec<Spanned<String>>,
}

impl Patterns {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        let fields = cursor.fields(&["included", "excluded"])?;
        let [included, excluded] = ["included", "excluded"].map(|key| fields.texts(key, 1));
        Some(Self { included, excluded })
    }
}

/// Whether a name matches more than itself.
pub(super) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

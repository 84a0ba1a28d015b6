//! Names in rows.

use std::borrow::Cow;

/// The longest name in a row, in characters.
const MOST: usize = 256;

/// Keeps 256 characters of a name, with `…` in place of the rest.
pub(crate) fn shorten(name: &str) -> Cow<'_, str> {
    // No character is shorter than a byte.
    if name.len() <= MOST {
        return Cow::Borrowed(name);
    }
    match name.char_indices().nth(MOST) {
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
        None => Cow::Borrowed(name),
    }
}

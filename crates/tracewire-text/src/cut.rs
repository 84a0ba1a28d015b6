//! Text cut to a limit.
//!
//! A limit of ours is in bytes, and what was cut is marked: [`cut`]. A limit that OpenTelemetry's
//! variables set is in characters, and nothing is added: [`first_chars`].
//!
//! ```
//! use tracewire_text::cut::{cut, first_chars};
//!
//! assert_eq!(cut("a long value", 9), "a long…"); // at most nine bytes
//! assert_eq!(first_chars("grüße", 3), "grü");
//! ```

use std::borrow::Cow;

/// Ends a text that was cut, within the limit.
pub const CUT: &str = "…";

/// Cuts a text to at most `limit` bytes.
///
/// A longer text is cut at a character boundary and ends with `…`, within the limit. Below three
/// bytes, the size of the mark, nothing is left. A text that fits is returned as it is.
///
/// ```
/// assert_eq!(tracewire_text::cut("abcdef", 6), "abcdef");
/// assert_eq!(tracewire_text::cut("abcdef", 5), "ab…");
/// ```
pub fn cut<'a>(text: impl Into<Cow<'a, str>>, limit: usize) -> Cow<'a, str> {
    let text = text.into();
    if text.len() <= limit {
        return text;
    }
    let Some(room) = limit.checked_sub(CUT.len()) else { return Cow::Borrowed("") };
    Cow::Owned([&text[..boundary(&text, room)], CUT].concat())
}

/// Reads bytes as text and [cuts](cut) it; what is not UTF-8 becomes U+FFFD.
///
/// No more of the bytes is read than the limit can show.
///
/// ```
/// use tracewire_text::cut::cut_bytes;
///
/// assert_eq!(cut_bytes(b"caf\xe9", 16), "caf\u{fffd}");
/// assert_eq!(cut_bytes(b"abcdef", 5), "ab…");
/// ```
pub fn cut_bytes(bytes: &[u8], limit: usize) -> Cow<'_, str> {
    // A character may begin at the limit, and the text must be longer than it to be marked.
    let shown = &bytes[..bytes.len().min(limit.saturating_add(4))];
    // Most bytes are UTF-8, and this is quicker to find out.
    let text = str::from_utf8(shown).map_or_else(|_| String::from_utf8_lossy(shown), Cow::Borrowed);
    cut(text, limit)
}

/// Returns the last character boundary at or before the byte `at`.
///
/// ```
/// use tracewire_text::cut::boundary;
///
/// assert_eq!(boundary("aé", 2), 1);
/// assert_eq!(boundary("aé", 9), 3);
/// ```
pub fn boundary(text: &str, at: usize) -> usize {
    // `str::floor_char_boundary` needs Rust 1.91.
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Returns the first `limit` characters, or all of them.
///
/// ```
/// assert_eq!(tracewire_text::cut::first_chars("äöüß", 3), "äöü");
/// ```
pub fn first_chars(text: &str, limit: usize) -> &str {
    // A character takes at least a byte: most texts need no counting.
    if text.len() <= limit {
        return text;
    }
    text.char_indices().nth(limit).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_is_borrowed() {
        assert!(matches!(cut("abc", 3), Cow::Borrowed("abc")));
        assert!(matches!(cut("", 0), Cow::Borrowed("")));
    }

    #[test]
    fn what_does_not_fit_is_cut_at_a_character_and_marked() {
        assert_eq!(cut("abcdef", 5), "ab…");
        assert_eq!(cut("aéééé", 5), "a…");
        assert_eq!(cut("abcd", 3), "…");
        assert_eq!(cut("abc", 2), "");
    }

    #[test]
    fn bytes_that_end_within_a_character_are_marked() {
        assert_eq!(cut_bytes("aé".as_bytes(), 3), "aé");
        assert_eq!(cut_bytes("aéé".as_bytes(), 4), "a…");
        assert_eq!(cut_bytes(b"\xff\xff", 4), "…");
        assert_eq!(cut_bytes(b"\xff", 3), "\u{fffd}");
        assert_eq!(cut_bytes(b"", 0), "");
    }

    proptest! {
        #[test]
        fn bytes_are_cut_as_their_text_is(text in ".{0,40}", limit in 0usize..50) {
            prop_assert_eq!(cut_bytes(text.as_bytes(), limit), cut(text.as_str(), limit));
        }

        #[test]
        fn any_bytes_are_answered_within_the_limit(bytes: Vec<u8>, limit in 0usize..50) {
            let text = cut_bytes(&bytes, limit);
            prop_assert!(text.len() <= limit);
            prop_assert_eq!(text, cut(String::from_utf8_lossy(&bytes), limit));
        }

        #[test]
        fn a_boundary_is_the_nearest_one_before(text in ".{0,20}", at in 0usize..90) {
            let found = boundary(&text, at);
            prop_assert!(found <= at && text.is_char_boundary(found));
            prop_assert!(found == text.len() || found + 4 > at);
        }

        #[test]
        fn the_first_characters_are_counted(text in ".{0,20}", limit in 0usize..30) {
            let expected: String = text.chars().take(limit).collect();
            prop_assert_eq!(first_chars(&text, limit), expected);
        }

        #[test]
        fn no_text_exceeds_its_limit(text in ".{0,40}", limit in 0usize..50) {
            let short = cut(text.as_str(), limit);
            prop_assert!(short.len() <= limit);
            if text.len() <= limit {
                prop_assert_eq!(&*short, text.as_str());
            } else {
                prop_assert!(limit < CUT.len() || short.ends_with(CUT));
            }
        }
    }
}

//! Text cut to a limit, and marked.

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
    let mut end = room;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned([&text[..end], CUT].concat())
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

    proptest! {
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

//! Text from outside, cut to a limit before it becomes an attribute value.

use http::HeaderValue;
use opentelemetry::StringValue;
use std::borrow::Cow;

/// Ends a value that was cut.
pub(crate) const CUT: &str = "…";

/// `text` as an attribute value of at most `limit` bytes.
///
/// A longer text is cut at a character boundary and ends with `…`, within the limit.
pub(crate) fn limited(text: Cow<'_, str>, limit: usize) -> StringValue {
    if text.len() <= limit {
        return match text {
            Cow::Borrowed(text) => StringValue::from(text.to_owned()),
            Cow::Owned(text) => StringValue::from(text),
        };
    }
    let mut end = limit.saturating_sub(CUT.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut cut = String::with_capacity(end + CUT.len());
    cut.push_str(&text[..end]);
    if limit >= CUT.len() {
        cut.push_str(CUT);
    }
    StringValue::from(cut)
}

/// A header's value as text: octets that are not UTF-8 become U+FFFD.
pub(crate) fn header(value: &HeaderValue, limit: usize) -> StringValue {
    // Only the part that can be shown is decoded; three spare octets keep a character whole.
    let octets = value.as_bytes();
    let shown = &octets[..octets.len().min(limit.saturating_add(4))];
    limited(String::from_utf8_lossy(shown), limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_text_stays_as_it_is() {
        assert_eq!(limited("abc".into(), 3).as_str(), "abc");
        assert_eq!(limited("".into(), 0).as_str(), "");
    }

    #[test]
    fn long_text_is_cut_at_a_character_and_marked() {
        assert_eq!(limited("abcdef".into(), 5).as_str(), "ab…");
        assert_eq!(limited("aéééé".into(), 5).as_str(), "a…");
        assert_eq!(limited("abc".into(), 2).as_str(), "");
    }

    #[test]
    fn octets_beyond_utf8_are_replaced() {
        let value = HeaderValue::from_bytes(b"caf\xe9").unwrap();
        assert_eq!(header(&value, 100).as_str(), "caf\u{fffd}");
    }

    #[test]
    fn a_long_header_is_cut_and_marked() {
        let value = HeaderValue::from_bytes(&[b'a'; 5000]).unwrap();
        let text = header(&value, 64);
        assert_eq!(text.as_str().len(), 64);
        assert!(text.as_str().ends_with('…'));
    }

    proptest! {
        #[test]
        fn no_text_exceeds_its_limit(text in ".{0,40}", limit in 0usize..50) {
            let value = limited(Cow::Borrowed(&text), limit);
            prop_assert!(value.as_str().len() <= limit);
            prop_assert!(text.len() > limit || value.as_str() == text);
        }
    }
}

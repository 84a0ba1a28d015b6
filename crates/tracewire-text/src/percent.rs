//! Percent-encoding, strict where a format is.
//!
//! The `percent-encoding` crate encodes and decodes. This module adds what that crate leaves out: the
//! answer whether a text was encoded correctly, and results that take one allocation at most.
//!
//! ```
//! use tracewire_text::percent::{decode, decode_lossy};
//!
//! assert_eq!(decode("caf%C3%A9").unwrap(), "café");
//! assert_eq!(decode("100%"), None);
//! assert_eq!(decode_lossy("100%").text, "100%");
//! ```

use crate::hex;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode};
use std::borrow::Cow;

pub use percent_encoding::AsciiSet;

/// What a part of a URL cannot hold literally in every reading: everything but the unreserved
/// characters of RFC 3986, which are letters, digits, `-`, `.`, `_` and `~`.
pub const RESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A decoded text.
///
/// ```
/// use tracewire_text::percent::decode_lossy;
///
/// let decoded = decode_lossy("a%20b%zz");
/// assert_eq!(decoded.text, "a b%zz");
/// assert!(!decoded.is_exact);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The text without escapes.
    pub text: Cow<'a, str>,
    /// Whether it was encoded correctly: every `%` began an escape, and the result was UTF-8.
    pub is_exact: bool,
}

/// Decodes a text in which every `%` must begin an escape, and the result must be UTF-8.
///
/// Returns `None` otherwise. Allocates once, and only if there is an escape.
///
/// ```
/// use tracewire_text::percent;
///
/// assert_eq!(percent::decode("caf%C3%A9").as_deref(), Some("café"));
/// assert_eq!(percent::decode("100%"), None);
/// assert_eq!(percent::decode("caf%E9"), None);
/// ```
pub fn decode(text: &str) -> Option<Cow<'_, str>> {
    let decoded = decode_lossy(text);
    decoded.is_exact.then_some(decoded.text)
}

/// Decodes any text: a `%` that begins no escape stays, and what is not UTF-8 becomes U+FFFD.
///
/// ```
/// use tracewire_text::percent;
///
/// let decoded = percent::decode_lossy("100% caf%C3%A9");
/// assert_eq!(decoded.text, "100% café");
/// assert!(!decoded.is_exact);
/// ```
pub fn decode_lossy(text: &str) -> Decoded<'_> {
    if !text.contains('%') {
        return Decoded { text: Cow::Borrowed(text), is_exact: true };
    }
    // The crate's own conversion would grow its result several times.
    let mut bytes = Vec::with_capacity(text.len());
    bytes.extend(percent_decode_str(text));
    match String::from_utf8(bytes) {
        Ok(decoded) => Decoded { text: decoded.into(), is_exact: !has_stray_sign(text) },
        Err(error) => {
            let decoded = String::from_utf8_lossy(error.as_bytes()).into_owned();
            Decoded { text: decoded.into(), is_exact: false }
        }
    }
}

/// Encodes the characters in `escaped`, and everything that is not ASCII.
///
/// ```
/// use tracewire_text::percent;
///
/// assert_eq!(percent::encode("a b/c", percent::RESERVED), "a%20b%2Fc");
/// ```
pub fn encode<'a>(text: &'a str, escaped: &'static AsciiSet) -> Cow<'a, str> {
    utf8_percent_encode(text, escaped).into()
}

/// Encodes every byte that is not ASCII, as browsers do with a `Location` that has such bytes.
///
/// ```
/// use tracewire_text::percent;
///
/// assert_eq!(percent::encode_non_ascii(b"/caf\xe9?100%"), "/caf%E9?100%");
/// ```
pub fn encode_non_ascii(bytes: &[u8]) -> Cow<'_, str> {
    percent_encode(bytes, &AsciiSet::EMPTY).into()
}

/// Appends what [`encode`] returns.
///
/// ```
/// use tracewire_text::percent::{RESERVED, encode_into};
///
/// let mut header = String::from("tenant=");
/// encode_into("acme & co", RESERVED, &mut header);
/// assert_eq!(header, "tenant=acme%20%26%20co");
/// ```
pub fn encode_into(text: &str, escaped: &'static AsciiSet, out: &mut String) {
    out.extend(utf8_percent_encode(text, escaped));
}

/// Appends an encoded text, with every `%` escaped that begins no escape.
///
/// ```
/// let mut out = String::new();
/// tracewire_text::percent::escape_stray_signs("100% caf%C3%A9", &mut out);
/// assert_eq!(out, "100%25 caf%C3%A9");
/// ```
pub fn escape_stray_signs(text: &str, out: &mut String) {
    let mut parts = text.split('%');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        out.push_str(if begins_with_digits(part) { "%" } else { "%25" });
        out.push_str(part);
    }
}

fn has_stray_sign(text: &str) -> bool {
    !text.split('%').skip(1).all(begins_with_digits)
}

/// Whether two hexadecimal digits begin the text that follows a `%`.
fn begins_with_digits(text: &str) -> bool {
    matches!(text.as_bytes(), [high, low, ..] if hex::digit(*high).and(hex::digit(*low)).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_decoded_and_judged() {
        for (text, decoded, is_exact) in [
            ("", "", true),
            ("plain", "plain", true),
            ("a+b", "a+b", true),
            ("100%25", "100%", true),
            ("%2541", "%41", true),
            ("%41", "A", true),
            ("%c3%a9", "é", true),
            ("%C3%A9t%C3%A9", "été", true),
            ("é%41", "éA", true),
            ("100%", "100%", false),
            ("100%2", "100%2", false),
            ("100%zz", "100%zz", false),
            ("%%41", "%A", false),
            ("%4%41", "%4A", false),
            ("%FF", "\u{fffd}", false),
            ("%+1", "%+1", false),
            ("%4é", "%4é", false),
        ] {
            let expected = Decoded { text: decoded.into(), is_exact };
            assert_eq!(decode_lossy(text), expected, "{text:?}");
            assert_eq!(decode(text).as_deref(), is_exact.then_some(decoded), "{text:?}");
        }
    }

    #[test]
    fn what_has_no_escape_is_borrowed() {
        assert!(matches!(decode("plain"), Some(Cow::Borrowed("plain"))));
        assert!(matches!(encode("plain", RESERVED), Cow::Borrowed("plain")));
    }

    #[test]
    fn only_unreserved_characters_stay() {
        for byte in 0..=0x7f {
            let text = char::from(byte).to_string();
            let is_unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            let expected = if is_unreserved { text.clone() } else { format!("%{byte:02X}") };
            assert_eq!(encode(&text, RESERVED), expected);
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in any::<String>()) {
            let encoded = encode(&text, RESERVED);
            prop_assert!(encoded.is_ascii());
            prop_assert_eq!(decode(&encoded), Some(text.as_str().into()));
        }

        #[test]
        fn bytes_that_are_not_ascii_come_back(bytes: Vec<u8>) {
            let encoded = encode_non_ascii(&bytes);
            prop_assert!(encoded.is_ascii());
            if !bytes.contains(&b'%') {
                prop_assert_eq!(percent_decode_str(&encoded).collect::<Vec<_>>(), bytes);
            }
        }

        #[test]
        fn encoding_appends(text in any::<String>(), before in any::<String>()) {
            let mut out = before.clone();
            encode_into(&text, RESERVED, &mut out);
            prop_assert_eq!(out, before + &encode(&text, RESERVED));
        }

        #[test]
        fn any_text_is_answered(text in "([%0-9a-fA-F]|\\PC){0,40}") {
            let decoded = decode_lossy(&text);
            prop_assert!(decoded.text.len() <= 3 * text.len());
            prop_assert_eq!(decode(&text).is_some(), decoded.is_exact);
        }

        #[test]
        fn escaping_stray_signs_changes_no_meaning(text in "[%0-9a-f ]{0,20}") {
            let mut escaped = String::new();
            escape_stray_signs(&text, &mut escaped);
            prop_assert!(!has_stray_sign(&escaped));
            prop_assert_eq!(&decode_lossy(&escaped).text, &decode_lossy(&text).text);
            let mut again = String::new();
            escape_stray_signs(&escaped, &mut again);
            prop_assert_eq!(again, escaped);
        }
    }
}

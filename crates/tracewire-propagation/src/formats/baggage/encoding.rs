//! The characters of keys and values, and how values are percent-encoded.

use tracewire_text::{
    hex,
    percent::{self, AsciiSet},
};

/// The bytes that a value can contain without being escaped, including `%` (`baggage-octet` in the grammar).
pub(super) fn is_octet(byte: u8) -> bool {
    CLASS[usize::from(byte)] & OCTET != 0
}

/// Bytes that make up a key (RFC 9110's `tchar`).
pub(super) fn is_token(byte: u8) -> bool {
    CLASS[usize::from(byte)] & TOKEN != 0
}

/// A decoded value, and how it compares with the text that it was read from.
#[derive(Debug, PartialEq)]
pub(super) struct Decoded {
    pub(super) value: String,
    /// The text means exactly this value: no stray `%`, no broken UTF-8.
    pub(super) is_exact: bool,
    /// The text is what [`encode`] makes of the value.
    pub(super) is_canonical: bool,
}

impl Decoded {
    /// A value without escapes.
    pub(super) fn plain(text: &str) -> Self {
        Self { value: text.to_owned(), is_exact: true, is_canonical: true }
    }
}

/// Decodes a value that holds octets only. A `%` that begins no escape stays, and what is not UTF-8
/// becomes U+FFFD.
pub(super) fn decode(text: &str) -> Decoded {
    let decoded = percent::decode_lossy(text);
    let is_canonical = decoded.is_exact && text.split('%').skip(1).all(begins_needed_escape);
    Decoded { value: decoded.text.into_owned(), is_exact: decoded.is_exact, is_canonical }
}

/// Whether upper-case digits of a byte that has to be escaped begin the text that follows a `%`.
fn begins_needed_escape(text: &str) -> bool {
    let Some(digits) = text.as_bytes().first_chunk::<2>() else { return false };
    let [byte] = hex::decode(hex::Case::Any, digits).unwrap_or_default();
    let is_octet = is_octet(byte) && byte != b'%';
    !is_octet && !digits.iter().any(u8::is_ascii_lowercase)
}

/// Appends `value` with everything escaped that is no octet, and `%`.
pub(super) fn encode(value: &str, out: &mut String) {
    percent::encode_into(value, ESCAPED, out);
}

/// What a value cannot hold literally: every ASCII character that is no octet, and `%`.
const ESCAPED: &AsciiSet = &{
    let mut escaped = AsciiSet::EMPTY.add(b'%');
    let mut byte = 0;
    while byte < 0x80 {
        if CLASS[byte as usize] & OCTET == 0 {
            escaped = escaped.add(byte);
        }
        byte += 1;
    }
    escaped
};

const OCTET: u8 = 1;
const TOKEN: u8 = 2;

static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        if !matches!(byte, b'"' | b',' | b';' | b'\\') {
            table[byte as usize] |= OCTET;
        }
        let separator = matches!(
            byte,
            b'(' | b')'
                | b','
                | b'/'
                | b':'
                | b';'
                | b'<'
                | b'='
                | b'>'
                | b'?'
                | b'@'
                | b'['
                | b'\\'
                | b']'
                | b'{'
                | b'}'
                | b'"'
        );
        if !separator {
            table[byte as usize] |= TOKEN;
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn classes_are_those_of_the_specifications() {
        let octets: Vec<u8> = (0..=255).filter(|&byte| is_octet(byte)).collect();
        let ranges = [0x21..=0x21, 0x23..=0x2b, 0x2d..=0x3a, 0x3c..=0x5b, 0x5d..=0x7eu8];
        assert_eq!(octets, ranges.into_iter().flatten().collect::<Vec<_>>());
        let tokens: Vec<u8> = (0..=255).filter(|&byte| is_token(byte)).collect();
        let tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        assert_eq!(tokens, (0..=255).filter(tchar).collect::<Vec<u8>>());
    }

    #[test]
    fn values_decode_as_the_specification_says() {
        for (text, value, is_exact, is_canonical) in [
            ("", "", true, true),
            ("plain", "plain", true, true),
            ("a+b", "a+b", true, true),
            ("100%25", "100%", true, true),
            ("%2541", "%41", true, true),
            ("%41", "A", true, false),
            ("%c3%a9", "é", true, false),
            ("%C3%A9t%C3%A9", "été", true, true),
            ("100%", "100%", false, false),
            ("100%2", "100%2", false, false),
            ("100%zz", "100%zz", false, false),
            ("%FF", "\u{fffd}", false, false),
            ("%+1", "%+1", false, false),
        ] {
            let expected = Decoded { value: value.to_owned(), is_exact, is_canonical };
            assert_eq!(decode(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value: String) {
            let mut text = String::new();
            encode(&value, &mut text);
            prop_assert!(text.bytes().all(is_octet));
            prop_assert_eq!(decode(&text), Decoded { value, is_exact: true, is_canonical: true });
        }

        #[test]
        fn canonical_means_what_encode_writes(text in "[a%0-9A-F,c3é]{0,20}") {
            let decoded = decode(&text);
            let mut again = String::new();
            encode(&decoded.value, &mut again);
            if text.bytes().all(is_octet) {
                prop_assert_eq!(decoded.is_canonical, again == text);
            }
        }
    }
}

//! Percent-encoding as W3C Baggage wants it.

use super::hex;

/// Bytes that a baggage value holds as they are (`baggage-octet`); `%` is among them.
pub(crate) fn is_octet(byte: u8) -> bool {
    CLASS[usize::from(byte)] & OCTET != 0
}

/// Bytes that make up a key (RFC 9110's `tchar`).
pub(crate) fn is_token(byte: u8) -> bool {
    CLASS[usize::from(byte)] & TOKEN != 0
}

/// A decoded value, and how it compares with the text that it was read from.
#[derive(Debug, PartialEq)]
pub(crate) struct Decoded {
    pub(crate) value: String,
    /// The text means exactly this value: no stray `%`, no broken UTF-8.
    pub(crate) faithful: bool,
    /// The text is what [`encode`] makes of the value.
    pub(crate) canonical: bool,
}

/// Decodes a value; a `%` that starts no escape stays, broken UTF-8 becomes U+FFFD.
pub(crate) fn decode(text: &str) -> Decoded {
    let Some(first) = text.bytes().position(|byte| byte == b'%') else {
        return Decoded { value: text.to_owned(), faithful: true, canonical: true };
    };
    let (mut faithful, mut canonical) = (true, true);
    let mut bytes = Vec::with_capacity(text.len());
    bytes.extend_from_slice(&text.as_bytes()[..first]);
    let mut rest = &text.as_bytes()[first..];
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        match after.get(..2).and_then(|digits| hex::decode(hex::Case::Any, digits)) {
            Some([decoded]) => {
                canonical &= must_escape(decoded) && !after[..2].iter().any(u8::is_ascii_lowercase);
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                faithful = false;
                bytes.push(b'%');
            }
        }
    }
    let value = match String::from_utf8(bytes) {
        Ok(value) => value,
        Err(error) => {
            faithful = false;
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        }
    };
    Decoded { value, faithful, canonical: canonical && faithful }
}

/// Appends `value` with everything escaped that is no octet, and `%`.
pub(crate) fn encode(value: &str, out: &mut String) {
    escape(value, must_escape, out);
}

/// Appends an encoded text with each `%` escaped that begins no escape.
pub(crate) fn escape_stray(text: &str, out: &mut String) {
    let mut parts = text.split('%');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.as_bytes().get(..2);
        let begins_escape = digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        out.push_str(if begins_escape { "%" } else { "%25" });
        out.push_str(part);
    }
}

/// `value` with everything escaped that a URL does not hold literally in every reading.
pub(crate) fn encode_for_url(value: &str) -> String {
    let literal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut out = String::with_capacity(value.len());
    escape(value, |byte| !literal(byte), &mut out);
    out
}

fn escape(value: &str, must_escape: impl Fn(u8) -> bool, out: &mut String) {
    let mut rest = value;
    while let Some(at) = rest.bytes().position(&must_escape) {
        out.push_str(&rest[..at]);
        let Some(escaped) = rest[at..].chars().next() else {
            break;
        };
        let mut buffer = [0; 4];
        for byte in escaped.encode_utf8(&mut buffer).bytes() {
            out.push('%');
            out.push(char::from(UPPER[usize::from(byte >> 4)]));
            out.push(char::from(UPPER[usize::from(byte & 0x0f)]));
        }
        rest = &rest[at + escaped.len_utf8()..];
    }
    out.push_str(rest);
}

const UPPER: &[u8; 16] = b"0123456789ABCDEF";

fn must_escape(byte: u8) -> bool {
    CLASS[usize::from(byte)] & LITERAL == 0
}

const OCTET: u8 = 1;
const TOKEN: u8 = 2;
/// An octet that stands for itself: all but `%`.
const LITERAL: u8 = 4;

static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        if !matches!(byte, b'"' | b',' | b';' | b'\\') {
            table[byte as usize] |= if byte == b'%' { OCTET } else { OCTET | LITERAL };
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
        for (text, value, faithful, canonical) in [
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
            let expected = Decoded { value: value.to_owned(), faithful, canonical };
            assert_eq!(decode(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value: String) {
            let mut text = String::new();
            encode(&value, &mut text);
            prop_assert!(text.bytes().all(is_octet));
            prop_assert_eq!(decode(&text), Decoded { value, faithful: true, canonical: true });
        }

        #[test]
        fn canonical_means_what_encode_writes(text in "[a%0-9A-F,c3é]{0,20}") {
            let decoded = decode(&text);
            let mut again = String::new();
            encode(&decoded.value, &mut again);
            if text.bytes().all(is_octet) {
                prop_assert_eq!(decoded.canonical, again == text);
            }
        }
    }
}

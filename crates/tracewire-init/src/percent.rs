//! `key=value,key=value` with percent-encoding, as resource attributes and OTLP headers have it.

/// The decoded pairs in order, or `None` if any of it is malformed.
///
/// Blanks around keys and values and empty members are allowed; a key must not be empty.
pub(crate) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    text.split(',')
        .map(str::trim)
        .filter(|member| !member.is_empty())
        .map(|member| {
            let (key, value) = member.split_once('=')?;
            let key = decode(key.trim())?;
            (!key.is_empty()).then_some((key, decode(value.trim())?))
        })
        .collect()
}

/// `text` with each `%XX` replaced; `None` if one is incomplete or the result is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn owned(pairs: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn reads_pairs() {
        assert_eq!(pairs(""), owned(&[]));
        assert_eq!(pairs("a=b"), owned(&[("a", "b")]));
        assert_eq!(pairs(" a = b , c=d,"), owned(&[("a", "b"), ("c", "d")]));
        assert_eq!(pairs("a="), owned(&[("a", "")]));
        assert_eq!(pairs("a=b=c"), owned(&[("a", "b=c")]));
        assert_eq!(pairs("a=1%2C2%3d%20"), owned(&[("a", "1,2= ")]));
        assert_eq!(pairs("k%20ey=%C3%B6"), owned(&[("k ey", "ö")]));
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for bad in ["a", "=b", "a=%", "a=%4", "a=%zz", "a=%ff", "a=b,c", "%=a"] {
            assert_eq!(pairs(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(text in any::<String>()) {
            let _ = pairs(&text);
        }

        #[test]
        fn encoded_pairs_come_back(key in "[a-z.]{1,9}", value in any::<String>()) {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(pairs(&format!("{key}={encoded}")), Some(vec![(key, value)]));
        }
    }
}

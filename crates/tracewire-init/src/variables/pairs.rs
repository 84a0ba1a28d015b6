//! `key=value,key=value` with percent-encoding, as resource attributes and OTLP headers have it.

use std::borrow::Cow;
use tracewire_text::percent;

/// The decoded pairs in order, or `None` if any of it is malformed.
///
/// Blanks around keys and values and empty members are allowed; a key must not be empty.
pub(crate) fn read(text: &str) -> Option<Vec<(String, String)>> {
    text.split(',')
        .map(str::trim)
        .filter(|member| !member.is_empty())
        .map(|member| {
            let (key, value) = member.split_once('=')?;
            let decoded = |text: &str| percent::decode(text.trim()).map(Cow::into_owned);
            let key = decoded(key)?;
            (!key.is_empty()).then_some((key, decoded(value)?))
        })
        .collect()
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
        assert_eq!(read(""), owned(&[]));
        assert_eq!(read("a=b"), owned(&[("a", "b")]));
        assert_eq!(read(" a = b , c=d,"), owned(&[("a", "b"), ("c", "d")]));
        assert_eq!(read("a="), owned(&[("a", "")]));
        assert_eq!(read("a=b=c"), owned(&[("a", "b=c")]));
        assert_eq!(read("a=1%2C2%3d%20"), owned(&[("a", "1,2= ")]));
        assert_eq!(read("k%20ey=%C3%B6"), owned(&[("k ey", "ö")]));
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for bad in ["a", "=b", "a=%", "a=%4", "a=%zz", "a=%ff", "a=b,c", "%=a"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(text in any::<String>()) {
            let _ = read(&text);
        }

        #[test]
        fn encoded_pairs_come_back(key in "[a-z.]{1,9}", value in any::<String>()) {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(read(&format!("{key}={encoded}")), Some(vec![(key, value)]));
        }
    }
}

//! Which headers are captured: none, unless they are named.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use std::sync::Arc;

use crate::text::header;

/// Stands in place of a value that was marked sensitive.
const REDACTED: &str = "REDACTED";

/// The headers to capture as attributes, by exact name or by pattern.
///
/// In a pattern `*` stands for any run of characters and `?` for one. Names are compared without
/// regard to case. Captured values are arrays, one entry a header line; a value marked
/// [sensitive](HeaderValue::is_sensitive) is shown as `REDACTED`.
///
/// Nothing is captured by default: headers carry credentials.
///
/// ```
/// use tracewire_http::HeaderSelector;
///
/// let selector = HeaderSelector::new(["content-type", "x-shop-*"]);
/// # let _ = selector;
/// ```
#[derive(Clone, Debug, Default)]
pub struct HeaderSelector(Option<Arc<[Box<str>]>>);

impl HeaderSelector {
    /// Captures the headers that these names and patterns match.
    pub fn new<I, T>(patterns: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: AsRef<str>,
    {
        let patterns: Arc<[Box<str>]> = patterns
            .into_iter()
            .map(|pattern| pattern.as_ref().trim().to_ascii_lowercase().into_boxed_str())
            .filter(|pattern| !pattern.is_empty())
            .collect();
        Self(Some(patterns).filter(|patterns| !patterns.is_empty()))
    }

    /// Reads a comma-separated list from the environment variable `name`; unset captures nothing.
    pub(crate) fn from_env(name: &str) -> Self {
        Self::new(std::env::var(name).unwrap_or_default().split(','))
    }

    /// Adds an attribute named `prefix` and the header's name for each header that is selected.
    pub(crate) fn capture(
        &self,
        headers: &HeaderMap,
        prefix: &'static str,
        limit: usize,
        mut add: impl FnMut(KeyValue),
    ) {
        let Some(patterns) = &self.0 else { return };
        for name in headers.keys() {
            if patterns.iter().any(|pattern| matches(pattern, name.as_str())) {
                let values: Vec<StringValue> =
                    headers.get_all(name).iter().map(|value| shown(value, limit)).collect();
                add(KeyValue::new(key(prefix, name), Value::Array(Array::String(values))));
            }
        }
    }
}

fn shown(value: &HeaderValue, limit: usize) -> StringValue {
    if value.is_sensitive() { REDACTED.into() } else { header(value, limit) }
}

fn key(prefix: &str, name: &HeaderName) -> Key {
    Key::from([prefix, name.as_str()].concat())
}

/// Matches a pattern with `*` and `?`, in time bounded by the product of both lengths.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where to go on when the last `*` must take one more character.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, n));
                p += 1;
            }
            Some(&c) if c == b'?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn captured(patterns: &[&str], headers: &HeaderMap) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        HeaderSelector::new(patterns).capture(headers, "h.", 64, |attribute| {
            let twice = found.insert(attribute.key.to_string(), attribute.value.to_string());
            assert_eq!(twice, None);
        });
        found
    }

    #[test]
    fn patterns_match_as_shells_do() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "b", false),
            ("*", "", true),
            ("x-*", "x-", true),
            ("x-*", "x-request-id", true),
            ("x-?", "x-a", true),
            ("x-?", "x-ab", false),
            ("*-id", "x-request-id", true),
            ("*a*b", "xxaxxb", true),
            ("*a*b", "xxaxxbc", false),
            ("**", "anything", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern:?} {name:?}");
        }
    }

    #[test]
    fn nothing_is_captured_unless_named() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer x".parse().unwrap());
        assert!(captured(&[], &headers).is_empty());
        assert!(captured(&[""], &headers).is_empty());
    }

    #[test]
    fn lines_of_one_name_are_one_array() {
        let mut headers = HeaderMap::new();
        headers.append("x-a", "1".parse().unwrap());
        headers.append("x-a", "2".parse().unwrap());
        headers.append("y", "3".parse().unwrap());
        let expected = BTreeMap::from([("h.x-a".to_owned(), "[\"1\",\"2\"]".to_owned())]);
        assert_eq!(captured(&["X-A", "x-*"], &headers), expected);
    }

    #[test]
    fn sensitive_values_are_not_shown() {
        let mut headers = HeaderMap::new();
        let mut value: HeaderValue = "secret".parse().unwrap();
        value.set_sensitive(true);
        headers.insert("x-key", value);
        assert_eq!(captured(&["x-key"], &headers)["h.x-key"], "[\"REDACTED\"]");
    }
}

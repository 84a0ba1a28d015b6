//! Which headers are captured: none, unless they are named.

use super::{header, limited};
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use std::sync::Arc;
use tracewire_text::{CUT, REDACTED, glob::Pattern};

/// How many headers of one message are captured. A span holds 128 attributes unless the SDK is told
/// otherwise, and drops what comes later: what the conventions ask for must not be among that.
pub(crate) const MOST_HEADERS: usize = 32;
/// How many lines of one header are captured.
const MOST_LINES: usize = 32;
/// How many header names of one message are compared with patterns.
const MOST_COMPARED: usize = 512;
/// The longest name that is captured, in bytes.
const LONGEST_NAME: usize = 256;
/// All that is captured of one message takes no more than so many values of full length.
const FULL_VALUES: usize = 4;

/// The headers to capture as attributes, by exact name or by pattern.
///
/// In a pattern `*` stands for any run of characters and `?` for one. Names are compared without
/// regard to case. Captured values are arrays, one entry a header line; together they are cut to
/// the limit of one value. A value marked [sensitive](HeaderValue::is_sensitive) is shown as
/// `REDACTED`.
///
/// Nothing is captured by default: headers carry credentials.
///
/// # Limits
///
/// Of one message at most 32 headers are captured, with names of at most 256 bytes, and 32 lines
/// of each. Names and values together take at most four times the limit of one value. Of a message
/// with more than 512 header names, only the first 512 are compared.
///
/// # Risk
///
/// With a pattern, senders choose which attributes there are. Prefer names.
///
/// ```
/// use tracewire_http::HeaderSelector;
///
/// let selector = HeaderSelector::new(["content-type", "x-shop-*"]);
/// # let _ = selector;
/// ```
#[derive(Clone, Debug, Default)]
pub struct HeaderSelector {
    patterns: Option<Arc<[Pattern]>>,
    /// Headers that become attributes of another name.
    named: Option<Arc<[(HeaderName, Key)]>>,
}

impl HeaderSelector {
    /// Captures the headers that these names and patterns match.
    pub fn new<I, T>(patterns: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: AsRef<str>,
    {
        let patterns: Arc<[Pattern]> = patterns
            .into_iter()
            .map(|pattern| pattern.as_ref().trim().to_ascii_lowercase())
            .filter(|pattern| !pattern.is_empty())
            .map(|pattern| Pattern::new(&pattern))
            .collect();
        Self { patterns: Some(patterns).filter(|patterns| !patterns.is_empty()), named: None }
    }

    /// Captures these headers as well, each as an attribute of the given name, whose value is text. What is no
    /// name of a header is left out.
    pub(crate) fn with_names(mut self, pairs: &[(String, String)]) -> Self {
        let named: Arc<[(HeaderName, Key)]> = pairs
            .iter()
            .filter_map(|(header, attribute)| {
                let name = HeaderName::from_bytes(header.as_bytes()).ok()?;
                Some((name, Key::from(attribute.clone())))
            })
            .collect();
        self.named = Some(named).filter(|named| !named.is_empty());
        self
    }

    /// Whether it selects nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_none() && self.named.is_none()
    }

    /// Reads a comma-separated list from the environment variable `name`; unset captures nothing.
    pub(crate) fn from_env(name: &str) -> Self {
        Self::new(std::env::var(name).unwrap_or_default().split(','))
    }

    /// Adds an attribute named `prefix` and the header's name for each header that is selected, at
    /// most `most` of them.
    pub(crate) fn capture(
        &self,
        headers: &HeaderMap,
        prefix: &'static str,
        limit: usize,
        most: usize,
        mut add: impl FnMut(KeyValue),
    ) {
        let mut most = most.min(MOST_HEADERS);
        for (name, key) in self.named.iter().flat_map(|named| named.iter()) {
            if most > 0 && headers.contains_key(name) {
                most -= 1;
                let lines = lines(headers.get_all(name), limit);
                let text: Vec<_> = lines.iter().map(StringValue::as_str).collect();
                add(KeyValue::new(key.clone(), text.join(",")));
            }
        }
        let Some(patterns) = &self.patterns else { return };
        let selected = |name: &&HeaderName| {
            name.as_str().len() <= LONGEST_NAME
                && patterns.iter().any(|pattern| pattern.matches(name.as_str()))
        };
        let mut left = limit.saturating_mul(FULL_VALUES);
        let names = headers.keys().take(MOST_COMPARED).filter(selected);
        for name in names.take(most) {
            let Some(after_name) = left.checked_sub(name.as_str().len()) else { break };
            let lines = lines(headers.get_all(name), limit.min(after_name));
            left = after_name.saturating_sub(lines.iter().map(|line| line.as_str().len()).sum());
            add(KeyValue::new(key(prefix, name), Value::Array(Array::String(lines))));
        }
    }
}

/// The lines of one header, which share the limit: one attribute is no longer for having more of
/// them. Where some are left out, the last one shown is marked as cut.
fn lines<'a>(values: impl IntoIterator<Item = &'a HeaderValue>, limit: usize) -> Vec<StringValue> {
    let mut lines: Vec<StringValue> = Vec::new();
    let mut left = limit;
    for value in values {
        if left == 0 || lines.len() == MOST_LINES {
            if let Some(last) = lines.last_mut() {
                let text = last.as_str();
                *last = limited(format!("{text}{CUT}").into(), text.len() + left);
            }
            break;
        }
        let line = shown(value, left);
        // An empty line counts as well, or there would be no end of them.
        left = left.saturating_sub(line.as_str().len().max(1));
        lines.push(line);
    }
    lines
}

fn shown(value: &HeaderValue, limit: usize) -> StringValue {
    let text = if value.is_sensitive() { REDACTED.into() } else { header(value, limit) };
    limited(text, limit)
}

fn key(prefix: &str, name: &HeaderName) -> Key {
    Key::from([prefix, name.as_str()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn captured(patterns: &[&str], headers: &HeaderMap) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        HeaderSelector::new(patterns).capture(headers, "h.", 64, 100, |attribute| {
            let twice = found.insert(attribute.key.to_string(), attribute.value.to_string());
            assert_eq!(twice, None);
        });
        found
    }

    #[test]
    fn nothing_is_captured_unless_named() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer x".parse().unwrap());
        assert!(captured(&[], &headers).is_empty());
        assert!(captured(&[""], &headers).is_empty());
    }

    #[test]
    fn a_header_with_a_name_of_its_own_is_text() {
        let mut headers = HeaderMap::new();
        headers.append("x-a", "1".parse().unwrap());
        headers.append("x-a", "2".parse().unwrap());
        let mut hidden: HeaderValue = "hunter2".parse().unwrap();
        hidden.set_sensitive(true);
        headers.insert("x-b", hidden);
        headers.insert("x-c", "3".parse().unwrap());
        let pairs = [("X-A", "shop.a"), ("x-b", "shop.b"), ("x-none", "n"), ("no header", "m")];
        let pairs = pairs.map(|(header, attribute)| (header.to_owned(), attribute.to_owned()));
        let mut found = Vec::new();
        let selector = HeaderSelector::new(["x-c"]).with_names(&pairs);
        selector.capture(&headers, "h.", 64, 100, |attribute| found.push(attribute));
        let expected = [
            KeyValue::new("shop.a", "1,2"),
            KeyValue::new("shop.b", REDACTED),
            KeyValue::new("h.x-c", Value::Array(Array::String(vec!["3".into()]))),
        ];
        assert_eq!(found, expected);
        found.clear();
        selector.capture(&headers, "h.", 64, 1, |attribute| found.push(attribute));
        assert_eq!(found, expected[..1]);
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
    fn lines_share_the_limit() {
        let shown = |values: &[&str], limit| -> Vec<String> {
            let values: Vec<HeaderValue> =
                values.iter().map(|value| value.parse().unwrap()).collect();
            lines(&values, limit).iter().map(|line| line.as_str().to_owned()).collect()
        };
        assert_eq!(shown(&["abcd", "efgh"], 8), ["abcd", "efgh"]);
        assert_eq!(shown(&["abcd", "efgh"], 7), ["abcd", "…"]);
        assert_eq!(shown(&["abcd", "efgh", "ijkl"], 8), ["abcd", "e…"]);
        assert_eq!(shown(&["", "", "", ""], 3), ["", "", ""]);
        assert_eq!(shown(&["abcd"], 0), [""; 0]);
        let lines = ["0123456789"; 1000];
        assert!(shown(&lines, 64).concat().len() <= 64);
    }

    #[test]
    fn many_lines_are_cut_to_few() {
        let values = vec![HeaderValue::from_static("a"); 100];
        let shown = lines(&values, 4096);
        assert_eq!(shown.len(), MOST_LINES);
        assert_eq!(shown[MOST_LINES - 1].as_str(), "a…");
    }

    #[test]
    fn few_of_many_headers_are_captured() {
        let mut headers = HeaderMap::new();
        for n in 0..455 {
            headers.insert(format!("x-{n}").parse::<HeaderName>().unwrap(), "".parse().unwrap());
        }
        assert_eq!(captured(&["x-*"], &headers).len(), MOST_HEADERS);
    }

    #[test]
    fn long_names_are_not_captured() {
        let mut headers = HeaderMap::new();
        for length in [LONGEST_NAME, LONGEST_NAME + 1] {
            headers.insert("x".repeat(length).parse::<HeaderName>().unwrap(), "".parse().unwrap());
        }
        let mut names = Vec::new();
        let add = |attribute: KeyValue| names.push(attribute.key.as_str().len());
        HeaderSelector::new(["x*"]).capture(&headers, "", 4096, 100, add);
        assert_eq!(names, [LONGEST_NAME]);
    }

    #[test]
    fn all_headers_together_are_limited() {
        let mut headers = HeaderMap::new();
        for n in 0..30 {
            let name = format!("x-{n}").parse::<HeaderName>().unwrap();
            headers.insert(name, "v".repeat(100).parse().unwrap());
        }
        let captured = captured(&["x-*"], &headers);
        let bytes: usize = captured.values().map(|value| value.matches('v').count()).sum();
        assert!((200..=FULL_VALUES * 64).contains(&bytes), "{captured:?}");
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

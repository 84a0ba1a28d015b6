//! The text of a comment.

use opentelemetry::trace::SpanContext;
use std::{fmt::Write, sync::Arc};

/// How many pairs a pool writes at most.
const TAGS: usize = 16;

/// Longest key or value before it is encoded, in bytes.
const TAG: usize = 256;

/// These pairs with one more, which replaces one of the same key; encoded, and sorted by key.
pub fn with_tag(tags: &[(String, String)], key: &str, value: &str) -> Arc<[(String, String)]> {
    let (key, value) = (encoded(key), encoded(value));
    let mut tags: Vec<_> = tags.iter().filter(|(own, _)| *own != key).cloned().collect();
    if !key.is_empty() && tags.len() < TAGS {
        tags.push((key, value));
    }
    tags.sort();
    tags.into()
}

/// Whether a statement holds no comment yet. A text that looks like one, in quotes, counts as one.
pub fn may_be_commented(sql: &str) -> bool {
    !sql.contains("/*") && !sql.contains("--") && !sql.contains('#')
}

/// The statement with its comment behind it, and before the semicolon that ends it.
pub fn commented(sql: &str, tags: &[(String, String)], span: Option<&SpanContext>) -> String {
    let statement = sql.trim_end();
    let statement = statement.strip_suffix(';').unwrap_or(statement);
    let behind = &sql[statement.len()..];
    let traceparent = span.map(|span| {
        let (trace, id) = (span.trace_id(), span.span_id());
        (String::from("traceparent"), format!("00-{trace}-{id}-{:02x}", span.trace_flags().to_u8()))
    });
    let mut pairs: Vec<_> = tags.iter().chain(&traceparent).collect();
    if pairs.is_empty() {
        return sql.to_owned();
    }
    pairs.sort();
    let mut text = String::with_capacity(sql.len() + 96);
    text.push_str(statement);
    let mut separator = " /*";
    for (key, value) in pairs {
        for part in [separator, key, "='", value, "'"] {
            text.push_str(part);
        }
        separator = ",";
    }
    text.push_str("*/");
    text.push_str(behind);
    text
}

/// Percent-encoded: only letters, digits, `-`, `_`, `.` and `~` stay. No quote needs a backslash then, and
/// no value ends the comment or holds a placeholder.
fn encoded(text: &str) -> String {
    let mut end = text.len().min(TAG);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut encoded = String::new();
    for byte in text[..end].bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _infallible = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};
    use proptest::prelude::*;

    fn tags(pairs: &[(&str, &str)]) -> Arc<[(String, String)]> {
        let none: Arc<[_]> = Arc::new([]);
        pairs.iter().fold(none, |tags, (key, value)| with_tag(&tags, key, value))
    }

    #[test]
    fn a_comment_follows_the_statement() {
        let shop = tags(&[("route", "/items/{id}"), ("application", "o'shop")]);
        let comment = "/*application='o%27shop',route='%2Fitems%2F%7Bid%7D'*/";
        for (sql, expected) in [
            ("SELECT 1", format!("SELECT 1 {comment}")),
            ("SELECT 1; ", format!("SELECT 1 {comment}; ")),
            ("SELECT 1;", format!("SELECT 1 {comment};")),
            ("", format!(" {comment}")),
        ] {
            assert_eq!(commented(sql, &shop, None), expected);
        }
        let span = SpanContext::new(
            TraceId::from(0xabc),
            SpanId::from(0xdef),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        );
        assert_eq!(
            commented("SELECT 1", &tags(&[("x", "1")]), Some(&span)),
            "SELECT 1 /*traceparent='00-00000000000000000000000000000abc-0000000000000def-01',x='1'*/"
        );
        assert_eq!(commented("SELECT 1; ", &[], None), "SELECT 1; ");
    }

    #[test]
    fn the_last_value_of_a_key_counts_and_pairs_are_limited() {
        assert_eq!(*tags(&[("a", "1"), ("a", "2"), ("", "x")]), [("a".into(), "2".into())]);
        let many: Vec<_> = (0..40).map(|n| n.to_string()).collect();
        let many: Vec<_> = many.iter().map(|key| (key.as_str(), "x")).collect();
        assert_eq!(tags(&many).len(), TAGS);
        assert_eq!(tags(&[("é", &"é".repeat(TAG))])[0].1.len(), TAG * 3);
    }

    #[test]
    fn statements_with_comments_are_left_alone() {
        for sql in ["SELECT /* x */ 1", "SELECT 1 -- x", "SELECT 1 # x", "SELECT '--'"] {
            assert!(!may_be_commented(sql), "{sql}");
        }
        assert!(may_be_commented("SELECT a - b / c * d"));
    }

    proptest! {
        #[test]
        fn no_input_ends_the_comment_early(
            key in "\\PC{1,20}",
            value in "(\\PC|[*/'\\\\\n\0-]){0,40}",
        ) {
            let text = commented("SELECT 1", &tags(&[(&key, &value)]), None);
            let comment = text.strip_prefix("SELECT 1 /*").unwrap().strip_suffix("*/").unwrap();
            prop_assert!(!comment.contains("*/") && !comment.contains("/*"), "{text}");
            prop_assert!(comment.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
            let (_, quoted) = comment.split_once("='").unwrap();
            let quoted = quoted.strip_suffix('\'').unwrap();
            prop_assert!(!quoted.contains(['\'', '\\', '?', ':', '$', '@', '"', '`']), "{text}");
        }

        #[test]
        fn a_comment_decodes_to_its_pair(key in "[a-z]{1,8}", value in "\\PC{0,40}") {
            let text = commented("", &tags(&[(&key, &value)]), None);
            let pair = text.trim().trim_start_matches("/*").trim_end_matches("'*/");
            let (own, encoded) = pair.split_once("='").unwrap();
            let mut decoded = Vec::new();
            let mut bytes = encoded.bytes();
            while let Some(byte) = bytes.next() {
                if byte == b'%' {
                    let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                    let hex = std::str::from_utf8(&hex).unwrap();
                    decoded.push(u8::from_str_radix(hex, 16).unwrap());
                } else {
                    decoded.push(byte);
                }
            }
            prop_assert_eq!(own, key);
            prop_assert_eq!(String::from_utf8(decoded).unwrap(), value);
        }
    }
}

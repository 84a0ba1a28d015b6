//! Patterns with `*` and `?`.

use opentelemetry::{Array, Value};
use std::fmt;
use tracewire_text::glob;

/// The longest value that is compared, in bytes: what a pattern costs grows with it.
const LONGEST: usize = glob::Pattern::LONGEST_TEXT;

/// A pattern for names and attribute values.
///
/// `*` stands for any run of characters, slashes included, and `?` for one character. Case matters. A
/// value of more than 1,024 bytes matches no pattern. Numbers and booleans are compared as they are
/// written, and of a list of strings one has to match.
///
/// ```
/// use tracewire_sampling::Pattern;
///
/// assert!(Pattern::new("/orders/*").matches("/orders/7/items"));
/// assert!(!Pattern::new("/orders/?").matches("/orders/12"));
/// assert!(Pattern::exact("SELECT *").matches("SELECT *"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    text: Box<str>,
    shape: Shape,
}

/// What has to be compared. Most patterns need no search.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    /// The whole text.
    Exact,
    /// All but the `*` at the end.
    Prefix,
    /// With `*` and `?` in any place.
    Glob(glob::Pattern),
}

impl Pattern {
    /// Creates a pattern in which `*` and `?` stand for others.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        let text = text.into();
        let is_wild = |text: &str| text.contains(['*', '?']);
        let shape = match text.strip_suffix('*') {
            Some(prefix) if !is_wild(prefix) => Shape::Prefix,
            None if !is_wild(&text) => Shape::Exact,
            _ => Shape::Glob(glob::Pattern::new(&text)),
        };
        Self { text, shape }
    }

    /// Creates a pattern that matches only this text, `*` and `?` included.
    pub fn exact(text: impl Into<Box<str>>) -> Self {
        Self { text: text.into(), shape: Shape::Exact }
    }

    /// Whether the pattern matches all of `text`.
    pub fn matches(&self, text: &str) -> bool {
        text.len() <= LONGEST
            && match &self.shape {
                Shape::Exact => *self.text == *text,
                Shape::Prefix => {
                    text.as_bytes().starts_with(&self.text.as_bytes()[..self.text.len() - 1])
                }
                Shape::Glob(pattern) => pattern.matches(text),
            }
    }

    /// Whether the pattern matches a value.
    pub(super) fn matches_value(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.matches(text.as_str()),
            Value::Bool(value) => self.matches(if *value { "true" } else { "false" }),
            Value::I64(number) => self.matches_number(*number),
            Value::F64(number) => self.matches(&number.to_string()),
            Value::Array(Array::String(texts)) => {
                texts.iter().any(|text| self.matches(text.as_str()))
            }
            _ => false,
        }
    }

    /// Compares a whole number as it is written, without a string of its own.
    fn matches_number(&self, number: i64) -> bool {
        let mut digits = [0u8; 20];
        let mut rest = number.unsigned_abs();
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            at -= 1; // 19 digits and a sign
            digits[at] = b'-';
        }
        str::from_utf8(&digits[at..]).is_ok_and(|text| self.matches(text))
    }

    /// How much work a comparison is, beside that of others.
    pub(super) fn cost(&self) -> u8 {
        match &self.shape {
            Shape::Exact => 0,
            Shape::Prefix => 1,
            Shape::Glob(_) => 2,
        }
    }
}

impl<T: Into<Box<str>>> From<T> for Pattern {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |c: char| !c.is_whitespace() && !matches!(c, ';' | ':' | '"' | '\'' | '=');
        if !self.text.is_empty() && self.text.chars().all(is_plain) {
            f.write_str(&self.text)
        } else {
            let quote = if self.text.contains('"') { '\'' } else { '"' };
            write!(f, "{quote}{}{quote}", self.text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::StringValue;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, expected) in [
            ("/healthz", "/healthz", true),
            ("/healthz", "/healthz/", false),
            ("/healthz*", "/healthz", true),
            ("/healthz*", "/healthz/live", true),
            ("/healthz*", "/health", false),
            ("*", "", true),
            ("/orders/?", "/orders/7", true),
            ("*/ping", "/a/ping", true),
            ("/a/*/b", "/a/x/y/b", true),
            ("/a/*/b", "/a/b", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern:?} {text:?}");
        }
        assert!(Pattern::exact("a*").matches("a*") && !Pattern::exact("a*").matches("ab"));
    }

    #[test]
    fn a_long_text_matches_nothing() {
        let text = "a".repeat(LONGEST);
        for pattern in ["*", "a*", "*a*"] {
            assert!(Pattern::new(pattern).matches(&text));
            assert!(!Pattern::new(pattern).matches(&format!("{text}a")));
        }
    }

    #[test]
    fn values_are_compared_as_they_are_written() {
        let strings = vec![StringValue::from("a"), StringValue::from("b")];
        for (value, pattern, expected) in [
            (Value::from("text"), "te*", true),
            (Value::from(true), "true", true),
            (Value::from(false), "true", false),
            (Value::from(0), "0", true),
            (Value::from(8080), "80*", true),
            (Value::from(i64::MIN), "-9223372036854775808", true),
            (Value::from(i64::MAX), "9223372036854775807", true),
            (Value::from(0.5), "0.5", true),
            (Value::Array(Array::String(strings)), "b", true),
            (Value::Array(Array::I64(vec![1])), "1", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches_value(&value), expected, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn every_shape_matches_as_the_general_one(pattern in "[ab*?]{0,6}", text in "[ab]{0,8}") {
            let general = glob::Pattern::new(&pattern);
            prop_assert_eq!(Pattern::new(pattern.as_str()).matches(&text), general.matches(&text));
        }

        #[test]
        fn whole_numbers_match_themselves(number: i64) {
            prop_assert!(Pattern::new(number.to_string()).matches_value(&Value::from(number)));
        }
    }
}

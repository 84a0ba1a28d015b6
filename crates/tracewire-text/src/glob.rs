//! Patterns with `*` and `?`.
//!
//! The `wildmatch` crate matches them: without allocation, and in time bounded by the product of both
//! lengths. This module bounds these lengths.
//!
//! ```
//! use tracewire_text::glob::{Pattern, split_list};
//!
//! let patterns: Vec<_> = split_list("/healthz, /internal/*").map(Pattern::new).collect();
//! assert!(patterns.iter().any(|pattern| pattern.matches("/internal/metrics")));
//! ```

use std::fmt;
use wildmatch::WildMatch;

/// A pattern in which `*` stands for any run of characters, slashes included, and `?` for one
/// character.
///
/// Case matters, and there is no way to escape either sign.
///
/// ```
/// use tracewire_text::glob::Pattern;
///
/// let pattern = Pattern::new("/internal/*");
/// assert!(pattern.matches("/internal/metrics/of/things"));
/// assert!(!pattern.matches("/internal"));
/// ```
#[derive(Clone, PartialEq)]
pub struct Pattern(WildMatch);

impl Pattern {
    /// The longest text that is compared, in bytes: what a pattern costs grows with the text.
    pub const LONGEST_TEXT: usize = 1024;

    /// Reads a pattern. Any text is one.
    pub fn new(pattern: &str) -> Self {
        Self(WildMatch::new(pattern))
    }

    /// Returns whether the pattern matches all of `text`.
    ///
    /// No pattern matches a text of more than [`LONGEST_TEXT`](Self::LONGEST_TEXT) bytes.
    pub fn matches(&self, text: &str) -> bool {
        text.len() <= Self::LONGEST_TEXT && self.0.matches(text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.pattern())
    }
}

/// Reads a comma-separated list, as environment variables have it.
///
/// Blanks around a pattern and empty patterns are left out.
///
/// ```
/// let patterns = tracewire_text::glob::split_list(" /healthz,, /internal/* ,");
/// assert!(patterns.eq(["/healthz", "/internal/*"]));
/// ```
pub fn split_list(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|pattern| !pattern.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).matches(text)
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
            ("x-?", "x-é", true),
            ("*-id", "x-request-id", true),
            ("*a*b", "xxaxxb", true),
            ("*a*b", "xxaxxbc", false),
            ("**", "anything", true),
            ("", "", true),
            ("", "a", false),
            ("?", "", false),
            ("[a]", "a", false),
            ("A", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern:?} {name:?}");
        }
    }

    #[test]
    fn a_long_text_is_matched_by_nothing() {
        let text = "a".repeat(Pattern::LONGEST_TEXT);
        assert!(matches("*", &text));
        assert!(!matches("*", &(text + "a")));
    }

    #[test]
    fn debug_shows_the_pattern() {
        assert_eq!(format!("{:?}", Pattern::new("/a/*")), "\"/a/*\"");
    }

    /// What the signs mean, one after another.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|taken| naive(rest, &text[taken..])),
            [sign, rest @ ..] => match text {
                [c, behind @ ..] => (*sign == '?' || sign == c) && naive(rest, behind),
                [] => false,
            },
        }
    }

    proptest! {
        #[test]
        fn every_name_matches_itself_and_a_star(name in "[a-z/*?-]{0,20}") {
            prop_assert!(matches("*", &name));
            prop_assert!(matches(&name, &name));
        }

        #[test]
        fn a_pattern_means_what_its_signs_say(pattern in "[ab*?]{0,8}", text in "[abé]{0,10}") {
            let (signs, chars): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(matches(&pattern, &text), naive(&signs, &chars), "{} {}", pattern, text);
        }

        #[test]
        fn any_pattern_and_any_text_are_answered(pattern in "\\PC{0,20}", text in "\\PC{0,40}") {
            matches(&pattern, &text);
        }
    }
}

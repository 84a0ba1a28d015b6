//! Patterns of hosts, `shop.example` and `*.shop.example`.

use super::{internal::is_name, is_below, without_brackets};

/// A host, or all names below a domain.
///
/// `shop.example` is that name alone, `*.shop.example` every name below it. Names are compared without
/// regard to case or to a dot at the end. An address is written as in a URL, with or without brackets.
///
/// ```
/// use tracewire_text::host::Pattern;
///
/// let pattern = Pattern::new("*.shop.example");
/// assert!(pattern.matches("eu.shop.example"));
/// assert!(!pattern.matches("shop.example"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Exactly(Box<str>),
    Below(Box<str>),
}

impl Pattern {
    /// Reads a pattern. Any text is one; what no host can be matches none.
    pub fn new(text: &str) -> Self {
        Self(match text.strip_prefix("*.") {
            Some(domain) => Kind::Below(bare(domain).into()),
            None => Kind::Exactly(bare(text).into()),
        })
    }

    /// Returns whether the pattern matches `host`.
    pub fn matches(&self, host: &str) -> bool {
        let host = bare(host);
        match &self.0 {
            Kind::Exactly(name) => name.eq_ignore_ascii_case(host),
            Kind::Below(domain) => is_below(host, domain) && is_name(host),
        }
    }
}

/// `host` without brackets and without the dot that ends an absolute name.
fn bare(host: &str) -> &str {
    without_brackets(host.strip_suffix('.').unwrap_or(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pattern_is_a_host_or_what_is_below_a_domain() {
        for (pattern, host, expected) in [
            ("Api.Example", "api.example", true),
            ("Api.Example", "API.EXAMPLE.", true),
            ("api.example", "x.api.example", false),
            ("*.shop.example.", "a.shop.example", true),
            ("*.shop.example", "b.a.SHOP.example", true),
            ("*.shop.example", "shop.example", false),
            ("*.shop.example", "evilshop.example", false),
            ("*.shop.example", "a..shop.example", false),
            ("*.shop.example", "evil.example/.shop.example", false),
            ("*.shop.example", "2001:db8::1%25a.shop.example", false),
            ("[2001:db8::1]", "2001:db8::1", true),
            ("2001:db8::1", "[2001:db8::1]", true),
            ("*", "shop.example", false),
            ("*.", "shop.example", false),
            ("", "", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(host), expected, "{pattern} {host}");
        }
    }

    proptest! {
        #[test]
        fn any_host_and_any_pattern_are_answered(host in "\\PC{0,40}", pattern in "\\PC{0,20}") {
            prop_assert!(Pattern::new(&host).matches(&host) || host.starts_with("*."));
            Pattern::new(&pattern).matches(&host);
        }

        #[test]
        fn what_is_below_ends_with_the_domain(host in "[a-c.*]{0,8}", domain in "[a-c.]{1,3}") {
            if Pattern::new(&format!("*.{domain}")).matches(&host) {
                let ending = [".", domain.strip_suffix('.').unwrap_or(&domain)].concat();
                prop_assert!(bare(&host).ends_with(&ending));
            }
        }
    }
}

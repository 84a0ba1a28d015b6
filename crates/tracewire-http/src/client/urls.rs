//! A set of URLs, by pattern.

use std::sync::Arc;
use tracewire_text::{
    glob::{Pattern, split_list},
    host::Authority,
};

/// The longest URL that is compared, in bytes.
const LONGEST: usize = Pattern::LONGEST_TEXT;

/// A set of URLs, such as those of a metadata service.
///
/// In a pattern `*` stands for any run of characters, slashes included, and `?` for one character. It is
/// compared with as much of the URL as it names:
///
/// | pattern | compared with |
/// |---|---|
/// | `/healthz` | the path |
/// | `metadata.internal`, `*.internal:8080` | the host, with and without its port |
/// | `metadata.internal/token/*` | host, port if the URL names one, and path |
/// | `http://metadata.internal/*` | the whole URL |
///
/// User information, query and fragment are left out. Case matters. A URL of more than 1,024 bytes
/// without them is in no set.
///
/// ```
/// use tracewire_http::Urls;
///
/// let urls = Urls::new(["/healthz", "metadata.internal"]);
/// assert!(urls.contains("http://inventory:8080/healthz?full=1"));
/// assert!(urls.contains("http://metadata.internal/token"));
/// assert!(!urls.contains("http://inventory:8080/users/1"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Urls(Arc<[(Part, Pattern)]>);

/// As much of a URL as a pattern is compared with.
#[derive(Clone, Copy, Debug)]
enum Part {
    Path,
    Host,
    HostAndPath,
    Whole,
}

impl Part {
    fn of(pattern: &str) -> Self {
        if pattern.starts_with('/') {
            Self::Path
        } else if pattern.contains("://") {
            Self::Whole
        } else if pattern.contains('/') {
            Self::HostAndPath
        } else {
            Self::Host
        }
    }
}

impl Urls {
    /// The URLs that any of these patterns matches; without patterns none.
    pub fn new<I, T>(patterns: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: AsRef<str>,
    {
        let pattern = |text: &str| (Part::of(text), Pattern::new(text));
        Self(patterns.into_iter().map(|text| pattern(text.as_ref())).collect())
    }

    /// Reads a comma-separated list of patterns from the environment variable `name`; unset means
    /// none.
    pub fn from_env(name: &str) -> Self {
        let list = std::env::var(name).unwrap_or_default();
        Self::new(split_list(&list))
    }

    /// Whether this absolute URL is one of them.
    pub fn contains(&self, url: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let Some((scheme, rest)) = url.split_once("://") else { return false };
        let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let path = if path.is_empty() { "/" } else { path };
        if scheme.len() + "://".len() + authority.len() + path.len() > LONGEST {
            return false;
        }
        let host = Authority::parse(authority).map_or("", |authority| authority.host);
        self.0.iter().any(|(part, pattern)| match part {
            Part::Path => pattern.matches(path),
            Part::Host => pattern.matches(host) || pattern.matches(authority),
            Part::HostAndPath => pattern.matches(&[authority, path].concat()),
            Part::Whole => pattern.matches(&[scheme, "://", authority, path].concat()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pattern_is_compared_with_what_it_names() {
        for (pattern, url, expected) in [
            ("/healthz", "http://h/healthz", true),
            ("/healthz", "https://u:p@h:81/healthz?a=1#f", true),
            ("/healthz", "http://h/healthz/", false),
            ("/", "http://h", true),
            ("/*", "http://h/a/b", true),
            ("h", "http://h:81/a", true),
            ("h:81", "http://h:81/a", true),
            ("h:82", "http://h:81/a", false),
            ("*.internal", "http://metadata.internal", true),
            ("*.internal", "http://h/x.internal", false),
            ("::1", "http://[::1]:80/", true),
            ("h/a*", "http://h/abc", true),
            ("h/a*", "http://h:81/abc", false),
            ("h:*/a*", "http://h:81/abc", true),
            ("http://h/*", "http://h/a", true),
            ("http://h/*", "https://h/a", false),
            ("*://h/*", "https://u@h/a?q", true),
            ("evil", "http://evil@h/", false),
            ("*token*", "http://h/?token=1", false),
            ("*", "no url", false),
        ] {
            assert_eq!(Urls::new([pattern]).contains(url), expected, "{pattern} {url}");
        }
        assert!(!Urls::default().contains("http://h/"));
    }

    #[test]
    fn a_long_url_is_in_no_set() {
        let url = format!("http://h/{}", "a".repeat(LONGEST));
        assert!(!Urls::new(["*"]).contains(&url));
    }

    proptest! {
        #[test]
        fn any_url_is_answered(pattern in "[a-z/:*?.]{0,12}", url in "\\PC{0,64}") {
            Urls::new([pattern]).contains(&url);
        }
    }
}

//! Low-cardinality forms of URL paths, found by rules.

use std::sync::Arc;

/// Templates for the paths of a client's URLs, such as `/users/{id}`.
///
/// A segment in braces stands for any one segment, and `{*name}` at the end for one or more. The
/// first template that matches the whole path is taken. A template may begin with a host, as in
/// `api.example/users/{id}`; then it is for that host alone. Queries do not matter.
///
/// ```
/// use tracewire_http::UrlTemplates;
///
/// let templates = UrlTemplates::new(["/users/{id}", "/users/{id}/orders", "cdn.example/{*file}"]);
/// assert_eq!(templates.find("api.example", "/users/7/orders"), Some("/users/{id}/orders"));
/// assert_eq!(templates.find("cdn.example", "/a/b.png"), Some("/{*file}"));
/// assert_eq!(templates.find("api.example", "/a/b.png"), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct UrlTemplates(Arc<[Template]>);

#[derive(Debug)]
struct Template {
    host: Option<Box<str>>,
    path: Box<str>,
}

impl UrlTemplates {
    /// Tries these templates in their order.
    pub fn new<I, T>(templates: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: AsRef<str>,
    {
        let templates = templates.into_iter().map(|template| Template::new(template.as_ref()));
        Self(templates.collect())
    }

    /// The template for `path` of `host`.
    pub fn find(&self, host: &str, path: &str) -> Option<&str> {
        let found = self.0.iter().find(|template| template.is_for(host, path))?;
        Some(&found.path)
    }

    /// The template for an absolute URL on `host`.
    pub(crate) fn find_for_url(&self, host: &str, url: &str) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
        self.find(host, rest.find('/').map_or("/", |slash| &rest[slash..]))
    }
}

impl Template {
    fn new(text: &str) -> Self {
        let (host, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        let host = Some(host).filter(|host| !host.is_empty()).map(Into::into);
        Self { host, path: if path.is_empty() { "/" } else { path }.into() }
    }

    fn is_for(&self, host: &str, path: &str) -> bool {
        self.host.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(host))
            && matches(&self.path, path)
    }
}

fn matches(template: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for part in template.split('/') {
        let Some(segment) = segments.next() else { return false };
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        let fits = match name {
            Some(name) if name.starts_with('*') => return !segment.is_empty(),
            Some(_) => !segment.is_empty(),
            None => part == segment,
        };
        if !fits {
            return false;
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_template_matches_the_whole_path() {
        let cases = [
            ("/users/{id}", "/users/7", true),
            ("/users/{id}", "/users/", false),
            ("/users/{id}", "/users", false),
            ("/users/{id}", "/users/7/", false),
            ("/users/{id}", "/users/7/orders", false),
            ("/users/{id}", "/Users/7", false),
            ("/{*rest}", "/a", true),
            ("/{*rest}", "/a/b/", true),
            ("/{*rest}", "/", false),
            ("/", "/", true),
            ("", "/", true),
            ("/a{b}", "/a{b}", true),
            ("/a{b}", "/ab", false),
        ];
        for (template, path, expected) in cases {
            let found = UrlTemplates::new([template]).find("h", path).is_some();
            assert_eq!(found, expected, "{template} {path}");
        }
    }

    #[test]
    fn the_first_that_matches_is_taken() {
        let templates = UrlTemplates::new(["b.example/x/{b}", "/x/fixed", "/x/{a}"]);
        assert_eq!(templates.find("a.example", "/x/1"), Some("/x/{a}"));
        assert_eq!(templates.find("B.example", "/x/fixed"), Some("/x/{b}"));
        assert_eq!(templates.find("a.example", "/x/fixed"), Some("/x/fixed"));
    }

    #[test]
    fn the_path_of_a_url_is_what_counts() {
        let templates = UrlTemplates::new(["/", "/users/{id}"]);
        for (url, expected) in [
            ("http://h:80/users/7?q=/x#y", Some("/users/{id}")),
            ("http://h", Some("/")),
            ("http://h?q=/users/7", Some("/")),
            ("http://h/other", None),
            ("/users/7", Some("/users/{id}")),
        ] {
            assert_eq!(templates.find_for_url("h", url), expected, "{url}");
        }
    }

    proptest! {
        #[test]
        fn any_path_and_any_template_are_answered(
            template in "[a-z/{}*]{0,20}",
            path in "\\PC{0,30}",
        ) {
            let templates = UrlTemplates::new([&template]);
            let _ = templates.find("h", &path);
            let _ = templates.find_for_url("h", &path);
        }

        #[test]
        fn a_path_without_braces_matches_itself(path in "(/[a-z.-]{1,5}){1,4}") {
            prop_assert!(UrlTemplates::new([&path]).find("h", &path).is_some());
        }
    }
}

//! The template of the route that matched, in routers inside routers.
//!
//! axum puts the templates of nested routers together, as long as the outer one strips what it has
//! matched. Two cases are left: an inner router that gets the whole path, as from `route_service`,
//! has the outer template in front of its own; and one behind a fallback, as from
//! [`wrap_router`](super::wrap_router), misses the prefix that it is nested at.

use http::{Request, Uri};
use std::borrow::Cow;

/// The whole template, if a router has matched one.
#[cfg(feature = "axum")]
pub(super) fn of<'a, B>(request: &'a Request<B>, original: &Uri) -> Option<Cow<'a, str>> {
    use axum::extract::{MatchedPath, NestedPath};

    let extensions = request.extensions();
    let matched = extensions.get::<MatchedPath>()?.as_str();
    let nested = || extensions.get().map_or("", NestedPath::as_str);
    Some(whole(matched, original.path(), || request.uri().path(), nested))
}

#[cfg(not(feature = "axum"))]
pub(super) fn of<'a, B>(_request: &'a Request<B>, _original: &Uri) -> Option<Cow<'a, str>> {
    None
}

/// The URI as it arrived: a nested router sees only its part of the path.
#[cfg(feature = "axum")]
pub(super) fn original_uri<B>(request: &Request<B>) -> &Uri {
    match request.extensions().get() {
        Some(axum::extract::OriginalUri(uri)) => uri,
        None => request.uri(),
    }
}

#[cfg(not(feature = "axum"))]
pub(super) fn original_uri<B>(request: &Request<B>) -> &Uri {
    request.uri()
}

/// The template for the path `original`, of which a nested router sees `current`.
#[cfg(feature = "axum")]
fn whole<'a>(
    matched: &'a str,
    original: &str,
    current: impl FnOnce() -> &'a str,
    nested: impl FnOnce() -> &'a str,
) -> Cow<'a, str> {
    if fits(matched, original) {
        return Cow::Borrowed(matched);
    }
    // The innermost template is at the end, and fits what the innermost router sees.
    let current = current();
    let starts = matched.match_indices('/').map(|(start, _)| start);
    let Some(own) = starts.map(|start| &matched[start..]).find(|own| fits(own, current)) else {
        return Cow::Borrowed(matched);
    };
    match nested().trim_end_matches('/') {
        "" => Cow::Borrowed(own),
        nested => Cow::Owned([nested, own].concat()),
    }
}

/// Whether `template` can have matched `path`: segments in braces stand for any text, and a last
/// one with an asterisk for the rest.
#[cfg(feature = "axum")]
fn fits(template: &str, path: &str) -> bool {
    if fits_plainly(template.as_bytes(), path.as_bytes()) {
        return true;
    }
    let (mut template, mut path) = (Some(template), Some(path));
    while let Some(rest) = template {
        let (segment, behind) = first_segment(rest);
        if segment.starts_with("{*") {
            return behind.is_none() && path.is_some();
        }
        match path.map(first_segment) {
            Some((own, more)) if segment == own || segment.contains('{') => path = more,
            // A router nested at a prefix matches the prefix with and without a slash.
            None if segment.is_empty() => {}
            _ => return false,
        }
        template = behind;
    }
    path.is_none_or(|rest| rest.bytes().all(|byte| byte == b'/'))
}

/// Whether `template` is `path`, or is it up to a last segment in braces: the usual case.
#[cfg(feature = "axum")]
fn fits_plainly(template: &[u8], path: &[u8]) -> bool {
    let Some(brace) = template.iter().position(|byte| *byte == b'{') else {
        return template == path;
    };
    let is_one_segment = |text: &[u8]| text.iter().all(|byte| *byte != b'/');
    let (before, parameter) = template.split_at(brace);
    before.last() == Some(&b'/')
        && parameter.get(1) != Some(&b'*')
        && is_one_segment(parameter)
        && path.strip_prefix(before).is_some_and(|own| !own.is_empty() && is_one_segment(own))
}

/// What stands before the first slash, and what behind it. Segments are short, so this is quicker
/// than `split`.
#[cfg(feature = "axum")]
fn first_segment(text: &str) -> (&str, Option<&str>) {
    match text.bytes().position(|byte| byte == b'/') {
        Some(slash) => (&text[..slash], Some(&text[slash + 1..])),
        None => (text, None),
    }
}

#[cfg(all(test, feature = "axum"))]
mod tests {
    use super::*;

    #[test]
    fn a_template_fits_the_paths_that_it_matches() {
        for (template, path) in [
            ("/", "/"),
            ("/users/{id}", "/users/1"),
            ("/files/{*path}", "/files/a/b"),
            ("/v1", "/v1/"),
            ("/v1/", "/v1"),
            ("/{name}.json", "/ada.json"),
        ] {
            assert!(fits(template, path), "{template} {path}");
        }
        for (template, path) in [
            ("/", "/users"),
            ("/users/{id}", "/users"),
            ("/users/{id}", "/users/1/2"),
            ("/users", "/items"),
            ("/files/{*path}", "/files"),
            ("/files/{*path}/files/{*path}", "/files/a/b/c"),
        ] {
            assert!(!fits(template, path), "{template} {path}");
        }
    }

    #[test]
    fn a_template_is_that_of_the_whole_path() {
        let cases = [
            ("/users/{id}", "/users/1", "/users/1", "", "/users/{id}"),
            (
                "/api/{tenant}/items",
                "/api/ada/items",
                "/items",
                "/api/{tenant}",
                "/api/{tenant}/items",
            ),
            // The whole path went to a router behind a route.
            ("/files/files", "/files", "/files", "", "/files"),
            ("/api/{*rest}/api/users/{id}", "/api/users/1", "/api/users/1", "", "/api/users/{id}"),
            ("/v1/x/{*rest}/x/{id}", "/v1/x/1", "/x/1", "/v1", "/v1/x/{id}"),
            // What a nested router does not know of.
            ("/items/{id}", "/{tenant}/items/1", "/items/1", "/{tenant}", "/{tenant}/items/{id}"),
            // Nothing fits: what axum says stays.
            ("/a", "/b", "/b", "", "/a"),
        ];
        for (matched, original, current, nested, expected) in cases {
            assert_eq!(whole(matched, original, || current, || nested), expected);
        }
    }
}

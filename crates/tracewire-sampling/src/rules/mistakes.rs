//! Conditions that can be read and hold for no span, or for fewer than they seem to.

use super::scan::Scan;
use std::ops::Range;

/// Attributes that a span gets after it has started, when it is decided about already.
const LATER: [&str; 9] = [
    "db.response.status_code",
    "error.type",
    "exception.type",
    "http.response.body.size",
    "http.response.status_code",
    "http.status_code",
    "otel.status_code",
    "rpc.grpc.status_code",
    "rpc.response.status_code",
];

/// Names that no convention has any more, or never had, and what is meant by them.
const OTHERS: [(&str, &str); 13] = [
    ("host", "server.address"),
    ("http.host", "server.address"),
    ("http.method", "GET (or http.request.method)"),
    ("http.target", "/path (or url.path)"),
    ("http.url", "url.full"),
    ("kinds", "kind"),
    ("method", "GET"),
    ("parents", "parent"),
    ("path", "/path"),
    ("route", "/path (or http.route)"),
    ("service.name", "service"),
    ("span.kind", "kind"),
    ("url", "/path (or url.full)"),
];

/// Warnings about the conditions of one rule, each with its place.
pub(super) fn of(scan: &Scan<'_>, rule: usize, range: &Range<usize>) -> Vec<String> {
    let mut warnings = Vec::new();
    for word in scan.words(range) {
        let Some((key, _)) = scan.text[word.clone()].split_once('=') else { continue };
        let what = if LATER.contains(&key) {
            format!(
                "{key} is set after a span has started, when it is sampled already, so this rule \
                 applies to no request"
            )
        } else if let Some((_, meant)) = OTHERS.iter().find(|(other, _)| *other == key) {
            format!("{key} is taken for an attribute of this name; did you mean {meant}?")
        } else {
            continue;
        };
        warnings.push(scan.error(rule, word.start, what).to_string());
    }
    warnings
}

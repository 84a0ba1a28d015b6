//! `instrumentation/development`.

use http::HeaderName;
use tracewire_propagation::{HttpSettings, HttpSide};

use super::yaml::Yaml;

pub(super) fn instrumentation(http: &HttpSettings, yaml: &mut Yaml) {
    let sides = [("server", &http.server), ("client", &http.client)];
    let says_nothing = |side: &HttpSide| *side == HttpSide::default();
    if sides.iter().all(|(_, side)| says_nothing(side)) {
        return;
    }
    yaml.line(0, "instrumentation/development:");
    yaml.line(1, "general:");
    yaml.line(2, "http:");
    for (name, side) in sides.into_iter().filter(|(_, side)| !says_nothing(side)) {
        yaml.line(3, &format!("{name}:"));
        headers("request_captured_headers", &side.request_headers, yaml);
        headers("response_captured_headers", &side.response_headers, yaml);
        yaml.list(4, "known_methods", side.known_methods.as_deref().unwrap_or_default());
    }
}

/// A file takes names of headers, and `*` in them.
fn headers(key: &str, names: &[String], yaml: &mut Yaml) {
    let is_name = |name: &&String| HeaderName::from_bytes(name.as_bytes()).is_ok();
    let (names, others): (Vec<_>, Vec<_>) = names.iter().cloned().partition(|name| is_name(&name));
    for other in others {
        let other = tracewire_text::printable(&other);
        yaml.line(4, &format!("# {key} cannot have {other}"));
    }
    yaml.list(4, key, &names);
}

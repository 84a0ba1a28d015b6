//! `instrumentation/development`.

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
        yaml.list(4, "request_captured_headers", &side.request_headers);
        yaml.list(4, "response_captured_headers", &side.response_headers);
        yaml.list(4, "known_methods", side.known_methods.as_deref().unwrap_or_default());
    }
}

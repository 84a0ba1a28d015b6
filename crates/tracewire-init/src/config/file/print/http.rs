//! `instrumentation/development`.

use http::HeaderName;
use tracewire_propagation::{HttpSettings, HttpSide};

use super::yaml::Yaml;

pub(super) fn instrumentation(http: &HttpSettings, yaml: &mut Yaml) {
    let sides = [("server", &http.server), ("client", &http.client)];
    let sides = sides.map(|(name, side)| (name, possible(side, yaml)));
    let says_nothing = |side: &HttpSide| *side == HttpSide::default();
    if sides.iter().all(|(_, side)| says_nothing(side)) {
        return;
    }
    yaml.line(0, "instrumentation/development:");
    yaml.line(1, "general:");
    yaml.line(2, "http:");
    for (name, side) in sides.iter().filter(|(_, side)| !says_nothing(side)) {
        yaml.line(3, &format!("{name}:"));
        yaml.list(4, "request_captured_headers", &side.request_headers);
        yaml.list(4, "response_captured_headers", &side.response_headers);
        yaml.list(4, "known_methods", side.known_methods.as_deref().unwrap_or_default());
    }
}

/// The same with names that a header can have. Others are said in a comment, as a file refuses them.
fn possible(side: &HttpSide, yaml: &mut Yaml) -> HttpSide {
    let mut side = side.clone();
    for names in [&mut side.request_headers, &mut side.response_headers] {
        names.retain(|name| {
            let is_possible = HeaderName::from_bytes(name.as_bytes()).is_ok();
            if !is_possible {
                let name = tracewire_text::printable(name);
                yaml.line(0, &format!("# no header can be called {name}"));
            }
            is_possible
        });
    }
    side
}

//! What layers get of a file.

use tracewire_propagation::{HttpSettings, HttpSide};

use crate::config::file::position::Spanned;
use crate::config::file::schema::{self, Configuration};

/// What the file says of HTTP. Where it says nothing, that counts too: layers then read no variable.
pub(in crate::config::file) fn http(configuration: &Configuration) -> HttpSettings {
    let mut settings = HttpSettings::default();
    if let Some(instrumentation) = &configuration.instrumentation {
        settings.server = side(&instrumentation.server);
        settings.client = side(&instrumentation.client);
        settings.sensitive_query_parameters =
            instrumentation.sensitive_query_parameters.as_deref().map(texts);
    }
    if let Some(tracewire) = &configuration.tracewire {
        settings.excluded_paths = texts(&tracewire.excluded_paths);
        settings.excluded_urls = texts(&tracewire.excluded_urls);
        settings.service_peers = texts(&tracewire.service_peers);
    }
    settings
}

fn side(given: &schema::HttpSide) -> HttpSide {
    let mut side = HttpSide::default();
    side.known_methods = given.known_methods.as_deref().map(texts);
    side.request_headers = texts(&given.request_captured_headers);
    side.response_headers = texts(&given.response_captured_headers);
    side
}

fn texts<T: ToString>(values: &[Spanned<T>]) -> Vec<String> {
    values.iter().map(|value| value.value.to_string()).collect()
}

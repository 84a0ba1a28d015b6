//! What a configuration file or a vendor's variables say to layers, as the plan shows it.

use std::ops::RangeInclusive;

use tracewire_propagation::{HttpSettings, HttpSide};
use tracewire_text::host::{Authority, split};

use super::text;
use crate::plan::{Origin, Plan};
use crate::settings::{Given, Setting};

/// What layers get; `None` without: then they read variables.
pub(super) fn decide(given: Setting<HttpSettings>, plan: &mut Plan) -> Option<HttpSettings> {
    let Given { value: settings, origin } = given?;
    let unset = shown(&HttpSettings::default());
    for ((setting, value), (_, default)) in shown(&settings).into_iter().zip(unset) {
        if value != default {
            // Of a variable nobody knows whether its words are what they should be.
            let is_list = !setting.starts_with("error statuses");
            let value = match origin {
                Origin::Variable(_) if is_list => {
                    format!("({}, not shown)", value.split(',').count())
                }
                _ => value,
            };
            plan.decide(setting, value, origin.clone());
        }
    }
    Some(settings)
}

/// Whether this is `host=name` or `host:port=name`, which clients can read.
pub(crate) fn is_service_peer(pair: &str) -> bool {
    let Some((peer, name)) = pair.split_once('=') else { return false };
    let peer = peer.trim();
    let (Some(read), Some((_, port))) = (Authority::parse_host(peer), split(peer)) else {
        return false;
    };
    !name.trim().is_empty() && read.port.is_some() == port.is_some()
}

/// Whether any path matches this pattern: paths begin with a slash.
pub(crate) fn is_path_pattern(pattern: &str) -> bool {
    pattern.starts_with(['/', '*', '?'])
}

/// Each setting with the name of its variable.
pub(crate) fn shown(settings: &HttpSettings) -> Vec<(&'static str, String)> {
    let list = |words: &[String]| text::list(words.iter().map(String::as_str));
    let default = || "default".to_owned();
    let methods = |side: &HttpSide| side.known_methods.as_deref().map_or_else(default, list);
    let names = |pairs: &[(String, String)]| {
        let pairs: Vec<_> = pairs.iter().map(|(name, tag)| format!("{name}:{tag}")).collect();
        list(&pairs)
    };
    let errors = |side: &HttpSide| match &side.error_statuses {
        None => default(),
        Some(ranges) => {
            let shown = |range: &RangeInclusive<u16>| match (range.start(), range.end()) {
                (first, last) if first == last => first.to_string(),
                (first, last) => format!("{first}-{last}"),
            };
            list(&ranges.iter().map(shown).collect::<Vec<_>>())
        }
    };
    let keys = settings.sensitive_query_parameters.as_deref();
    let HttpSettings { server, client, excluded_paths, excluded_urls, service_peers, .. } =
        settings;
    vec![
        ("TRACEWIRE_EXCLUDED_PATHS", list(excluded_paths)),
        ("TRACEWIRE_EXCLUDED_URLS", list(excluded_urls)),
        ("OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_MAPPING", list(service_peers)),
        ("OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS", list(&server.request_headers)),
        (
            "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS",
            list(&server.response_headers),
        ),
        ("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS", list(&client.request_headers)),
        (
            "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS",
            list(&client.response_headers),
        ),
        ("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", methods(server)),
        ("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS of clients", methods(client)),
        ("error statuses of servers", errors(server)),
        ("error statuses of clients", errors(client)),
        ("headers as attributes", names(&server.header_attributes)),
        ("sensitive_query_parameters", keys.map_or_else(default, list)),
    ]
}

#[cfg(test)]
mod tests {
    use super::is_service_peer;

    #[test]
    fn a_service_peer_is_a_host_and_a_name() {
        for (pair, expected) in [
            ("stock.internal=stock", true),
            (" 10.0.0.7:5432 = orders-db", true),
            ("[::1]:80=one", true),
            ("::1=one", true),
            ("stock", false),
            ("stock=", false),
            ("=stock", false),
            ("stock:x=stock", false),
            ("stock/path=stock", false),
            ("ada@stock=stock", false),
        ] {
            assert_eq!(is_service_peer(pair), expected, "{pair:?}");
        }
    }
}

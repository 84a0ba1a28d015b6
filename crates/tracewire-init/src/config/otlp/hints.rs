//! Endpoints that can be used and are most likely not what was meant.

use tracewire_export::Protocol;
use tracewire_export::wiring::shown;
use url::Url;

use super::Signal;
use super::protocol::has_paths;
use crate::builder::Otlp;
use crate::plan::{Origin, Plan};

const PATHS: [&str; 3] = ["v1/traces", "v1/metrics", "v1/logs"];

/// Warns, once, of an endpoint that is likely a mistake; it is used all the same.
///
/// `url` is what was set as `variable`, before a signal's path is added to a base.
pub(super) fn hint(
    given: &Otlp,
    signal: Signal,
    protocol: Protocol,
    url: &Url,
    variable: &str,
    is_base: bool,
    plan: &mut Plan,
) {
    if url.scheme() == "https" {
        warn_of_insecure(given, plan);
    }
    let path = url.path().trim_end_matches('/');
    let doubled = PATHS.iter().find_map(|known| Some((known, path.strip_suffix(known)?)));
    if !has_paths(protocol) {
        if url.port() == Some(4318) {
            plan.warn(format!(
                "{variable}: 4318 is most likely the port for OTLP over HTTP; gRPC's is 4317"
            ));
        }
        if !path.is_empty() {
            plan.warn(format!("{variable}: its path has no effect, because gRPC has its own"));
        }
        return;
    }
    if url.port() == Some(4317) {
        plan.warn(format!(
            "{variable}: 4317 is most likely the port for gRPC; OTLP over HTTP has 4318. For gRPC, \
             set OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
        ));
    }
    if let Some((known, base)) = doubled.filter(|_| is_base) {
        let mut whole = url.clone();
        whole.set_path(base);
        whole.set_query(None);
        whole.set_fragment(None);
        let base = shown::url(&whole);
        let base = base.trim_end_matches('/');
        plan.warn(format!(
            "{variable} ends in {known}, and each signal's path is added to it: set it to {base}, or set \
             a signal's own variable, such as OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, which is used as it is"
        ));
    } else if !is_base && path.is_empty() && !is_of_file(given) {
        plan.warn(format!(
            "{variable} has no path, and is used as it is: a collector takes this signal at /{}; \
             OTEL_EXPORTER_OTLP_ENDPOINT adds it",
            signal.path()
        ));
    }
}

/// Of a file's endpoint its reader says so.
fn is_of_file(given: &Otlp) -> bool {
    given.endpoint.as_ref().is_some_and(|given| matches!(given.origin, Origin::File(_)))
}

/// A scheme wins over `OTEL_EXPORTER_OTLP_INSECURE`.
fn warn_of_insecure(given: &Otlp, plan: &mut Plan) {
    if let Some(given) = &given.insecure
        && given.value
        && let Origin::Variable(name) = &given.origin
    {
        plan.warn(format!("{name}=true has no effect: the endpoint is https"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(url: &str, protocol: Protocol, is_base: bool) -> Vec<String> {
        let mut plan = Plan::default();
        for signal in [Signal::Traces, Signal::Metrics] {
            let url = Url::parse(url).unwrap();
            hint(&Otlp::new(), signal, protocol, &url, "X", is_base, &mut plan);
        }
        plan.warnings().map(str::to_owned).collect()
    }

    #[test]
    fn a_base_that_ends_in_a_signal_s_path_is_warned_of_once() {
        for path in ["v1/traces", "v1/metrics", "v1/logs", "v1/traces/"] {
            let warnings =
                hints(&format!("http://c:4318/{path}?key=S"), Protocol::HttpProtobuf, true);
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains("set it to http://c:4318, or"), "{warnings:?}");
            assert!(!warnings[0].contains("key"), "{warnings:?}");
        }
        let warnings = hints("http://c/otlp/v1/traces", Protocol::HttpProtobuf, true);
        assert!(warnings[0].contains("set it to http://c/otlp, or"), "{warnings:?}");
        for url in ["http://c:4318", "http://c:4318/", "http://c/otlp", "http://c/v1/tracesx"] {
            assert_eq!(hints(url, Protocol::HttpProtobuf, true), Vec::<String>::new(), "{url}");
        }
    }

    #[test]
    fn a_signal_s_own_endpoint_without_a_path_is_warned_of() {
        let warnings = hints("http://c:4318", Protocol::HttpProtobuf, false);
        assert!(warnings[0].contains("at /v1/traces"), "{warnings:?}");
        assert!(hints("http://c:4318/v1/traces", Protocol::HttpProtobuf, false).is_empty());
    }

    #[test]
    fn an_insecure_connection_over_https_is_warned_of() {
        const INSECURE: &str = "OTEL_EXPORTER_OTLP_INSECURE";
        for (url, expected) in [("https://c", 1), ("http://c", 0)] {
            let insecure = crate::settings::from_variable(INSECURE, true);
            let (given, mut plan) = (Otlp { insecure, ..Otlp::new() }, Plan::default());
            let url = Url::parse(url).unwrap();
            hint(&given, Signal::Traces, Protocol::HttpProtobuf, &url, "X", true, &mut plan);
            assert_eq!(plan.warnings().count(), expected, "{url}");
        }
    }

    #[test]
    fn the_other_protocol_s_port_is_warned_of() {
        let warnings = hints("http://c:4317", Protocol::HttpProtobuf, true);
        assert!(warnings.len() == 1 && warnings[0].contains("4318"), "{warnings:?}");
        assert_eq!(hints("http://c:4318", Protocol::Grpc, true).len(), 1);
        assert_eq!(hints("http://c:4317/v1/traces", Protocol::Grpc, false).len(), 1);
        assert_eq!(hints("http://c:4317", Protocol::Grpc, false), Vec::<String>::new());
    }
}

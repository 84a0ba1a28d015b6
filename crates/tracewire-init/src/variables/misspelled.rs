//! Variables whose names are almost those of variables that are read: `OTEL_TRACE_EXPORTER`.

use super::reader::Reader;

/// How many letters may be wrong, missing, doubled or swapped.
const MOST_WRONG: usize = 2;
/// Of a name that is misspelled, the part that may be spelled right.
const PREFIXES: [&str; 3] = ["OTEL", "OTLP", "TRACEWIRE"];
/// What other crates of this project read.
const READ_BY_LAYERS: &[&str] = &[
    "OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_MAPPING",
    "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS",
    "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS",
    "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS",
    "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS",
    "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS",
    "TRACEWIRE_EXCLUDED_PATHS",
    "TRACEWIRE_EXCLUDED_URLS",
];

/// Warns of each variable that is set and whose name is most likely meant to be another one.
///
/// Names that were asked for before are right.
pub(super) fn warn(reader: &mut Reader<'_>) {
    reader.knows(READ_BY_LAYERS);
    for name in reader.names(&PREFIXES) {
        if reader.asked().contains(&name) {
            continue;
        }
        let near = reader.asked().iter().map(|known| (strsim::osa_distance(&name, known), known));
        let near = near.filter(|(wrong, _)| *wrong <= MOST_WRONG).min();
        if let Some(warning) =
            near.map(|(_, meant)| format!("{name} is not read: did you mean {meant}?"))
        {
            reader.warn(warning);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use super::super::env::Env;
    use super::super::known;
    use crate::plan::Plan;
    use crate::settings::Layer;

    /// The warnings about a name, when everything was read.
    fn warnings(name: &str) -> Vec<String> {
        let (env, mut plan) = (Env::of(&[(name, "hunter2QQ")]), Plan::default());
        // What may be wrong with the value is told as well.
        let _ = super::super::read(&mut Reader::new(&env, &mut plan), &Layer::default());
        plan.warnings().filter(|text| text.contains("did you mean")).map(str::to_owned).collect()
    }

    #[test]
    fn a_name_that_is_almost_right_is_warned_of_without_its_value() {
        for (name, meant) in [
            ("OTEL_TRACE_EXPORTER", "OTEL_TRACES_EXPORTER"),
            ("OTEL_METRICS_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_INTERVAL"),
            ("OTEL_EXPORTER_OLTP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
            ("OTEL_EXPORTER_OTLP_TRACE_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"),
            ("OTEL_PROPAGATOR", "OTEL_PROPAGATORS"),
            ("OTLP_SERVICE_NAME", "OTEL_SERVICE_NAME"),
            ("TRACEWIRE_LOGS", "TRACEWIRE_LOG"),
            ("TRACEWIRE_EXCLUDED_PATH", "TRACEWIRE_EXCLUDED_PATHS"),
            ("TRACEWIRE_EXCLUDED_URL", "TRACEWIRE_EXCLUDED_URLS"),
        ] {
            assert_eq!(warnings(name), [format!("{name} is not read: did you mean {meant}?")]);
        }
    }

    #[test]
    fn names_that_are_right_or_somebody_else_s_are_not() {
        for name in known() {
            assert_eq!(warnings(&name), Vec::<String>::new());
        }
        for name in [
            "OTEL_PYTHON_LOG_CORRELATION",
            "OTEL_NODE_RESOURCE_DETECTORS",
            "OTEL_EXPORTER_JAEGER_ENDPOINT",
            "OTEL_SERVICE_VERSION",
            "OTEL_GO_X_RESOURCE",
            "OTEL_RUST_LOG",
            "OTEL_DOTNET_AUTO_HOME",
            "OTEL_JAVAAGENT_ENABLED",
            "OTEL_PHP_AUTOLOAD_ENABLED",
            "OTEL_NODE_ENABLED_INSTRUMENTATIONS",
            "OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT",
            "OTEL_EVENT_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            // What Kubernetes and its operators set.
            "OTEL_RESOURCE_ATTRIBUTES_POD_NAME",
            "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME",
            "OTEL_POD_IP",
            "OTEL_NODE_IP",
            "OTEL_SERVICE_HOST",
            "OTEL_SERVICE_PORT",
            "PATH",
        ] {
            assert_eq!(warnings(name), Vec::<String>::new(), "{name}");
        }
    }
}

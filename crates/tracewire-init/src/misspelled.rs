//! Variables whose names are almost those of variables that are read: `OTEL_TRACE_EXPORTER`.

use crate::env::Env;

/// How many letters may be wrong, missing, doubled or swapped.
const MOST_WRONG: usize = 2;
/// Of a name that is misspelled, the part that may be spelled right.
const PREFIXES: [&str; 3] = ["OTEL", "OTLP", "TRACEWIRE"];
/// What stands between `OTEL_EXPORTER_OTLP_` and the settings that each signal has too.
const SIGNALS: [&str; 4] = ["", "TRACES_", "METRICS_", "LOGS_"];
const OTLP: [&str; 9] = [
    "ENDPOINT",
    "PROTOCOL",
    "INSECURE",
    "HEADERS",
    "TIMEOUT",
    "COMPRESSION",
    "CERTIFICATE",
    "CLIENT_CERTIFICATE",
    "CLIENT_KEY",
];

/// All others, those that are refused or warned of included.
const KNOWN: &[&str] = &[
    "OTEL_SDK_DISABLED",
    "OTEL_LOG_LEVEL",
    "OTEL_CONFIG_FILE",
    "OTEL_EXPERIMENTAL_CONFIG_FILE",
    "OTEL_ENTITIES",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_PROPAGATORS",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_LOGS_EXPORTER",
    "OTEL_METRICS_EXEMPLAR_FILTER",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_METRIC_EXPORT_TIMEOUT",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BLRP_SCHEDULE_DELAY",
    "OTEL_BLRP_EXPORT_TIMEOUT",
    "OTEL_BLRP_MAX_QUEUE_SIZE",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
    "OTEL_EXPORTER_OTLP_SPAN_INSECURE",
    "OTEL_EXPORTER_OTLP_METRIC_INSECURE",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
    "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
    "OTEL_EXPORTER_PROMETHEUS_HOST",
    "OTEL_EXPORTER_PROMETHEUS_PORT",
    "OTEL_SEMCONV_STABILITY_OPT_IN",
    "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS",
    "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS",
    "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS",
    "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS",
    "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS",
    "TRACEWIRE_CONSOLE",
    "TRACEWIRE_LOG",
    "TRACEWIRE_EXCLUDED_PATHS",
    "TRACEWIRE_EXCLUDED_URLS",
];

/// Every name that is no mistake.
pub(crate) fn known() -> Vec<String> {
    let otlp = SIGNALS.iter().flat_map(|signal| {
        OTLP.iter().map(move |setting| format!("OTEL_EXPORTER_OTLP_{signal}{setting}"))
    });
    KNOWN.iter().map(|&name| name.to_owned()).chain(otlp).collect()
}

/// Warns of each variable that is set and whose name is most likely meant to be another one.
pub(crate) fn warn(env: &Env) {
    let known = known();
    for name in env.names(&PREFIXES) {
        if known.contains(&name) {
            continue;
        }
        let near = known
            .iter()
            .map(|known| (strsim::osa_distance(&name, known), known))
            .filter(|(wrong, _)| *wrong <= MOST_WRONG)
            .min();
        if let Some((_, meant)) = near {
            env.warn(format!("{name} is not read: did you mean {meant}?"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(name: &str) -> Vec<String> {
        let env = Env::of(&[(name, "hunter2QQ")]);
        warn(&env);
        env.take_warnings()
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

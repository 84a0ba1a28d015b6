//! Variables that are set and have no effect, or would have another one than was meant. Each is
//! refused or warned of once: a setting that is silently ignored is looked for in the wrong place.

use crate::env::Env;
use crate::error::InitError;
use crate::exporters::Exporter;
use tracewire_export::wiring::Shown;

/// The variables that choose a file, newest first.
const FILES: [&str; 2] = ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"];

/// With a configuration file all other variables are to be ignored, so going on without it would do
/// something else than what was asked for.
pub(crate) fn refuse_configuration_file(env: &Env) -> Result<(), InitError> {
    let Some((name, path)) = FILES.iter().find_map(|name| Some((name, env.text(name)?))) else {
        return Ok(());
    };
    Err(InitError::configuration(
        name,
        &Shown::path(path.trim()),
        "configuration files are not supported: unset it and use the OTEL_* variables",
    ))
}

/// A variable without support here.
struct Unsupported {
    name: &'static str,
    /// Values that ask for nothing more than what happens anyway.
    harmless: &'static [&'static str],
    instead: &'static str,
}

const fn unsupported(
    name: &'static str,
    harmless: &'static [&'static str],
    instead: &'static str,
) -> Unsupported {
    Unsupported { name, harmless, instead }
}

const JAEGER: &str = "Jaeger takes OTLP: set OTEL_EXPORTER_OTLP_ENDPOINT";
const INSECURE: &str = "it is obsolete: use OTEL_EXPORTER_OTLP_INSECURE, or an http:// endpoint";
#[cfg(not(feature = "logs"))]
const LOGS: &str = "log records need the cargo feature `logs`";
#[cfg(not(feature = "zipkin"))]
const ZIPKIN: &str = "the exporter needs the cargo feature `zipkin`";
#[cfg(not(feature = "prometheus"))]
const PROMETHEUS: &str = "the exporter needs the cargo feature `prometheus`";

/// Variables of the specification, today's and those that it has retired.
const UNSUPPORTED: &[Unsupported] = &[
    unsupported("OTEL_ENTITIES", &[], "use OTEL_RESOURCE_ATTRIBUTES"),
    unsupported(
        "OTEL_SEMCONV_STABILITY_OPT_IN",
        &["http", "rpc", "database", "code", "messaging"],
        "the stable conventions are the only ones emitted",
    ),
    unsupported("OTEL_EXPORTER_JAEGER_ENDPOINT", &[], JAEGER),
    unsupported("OTEL_EXPORTER_JAEGER_AGENT_HOST", &[], JAEGER),
    unsupported("OTEL_EXPORTER_JAEGER_AGENT_PORT", &[], JAEGER),
    unsupported("OTEL_EXPORTER_JAEGER_PROTOCOL", &[], JAEGER),
    unsupported("OTEL_EXPORTER_OTLP_SPAN_INSECURE", &[], INSECURE),
    unsupported("OTEL_EXPORTER_OTLP_METRIC_INSECURE", &[], INSECURE),
    #[cfg(not(feature = "logs"))]
    unsupported("OTEL_LOGS_EXPORTER", &["none"], LOGS),
    #[cfg(not(feature = "logs"))]
    unsupported("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &[], LOGS),
    #[cfg(not(feature = "zipkin"))]
    unsupported("OTEL_EXPORTER_ZIPKIN_ENDPOINT", &[], ZIPKIN),
    #[cfg(not(feature = "prometheus"))]
    unsupported("OTEL_EXPORTER_PROMETHEUS_HOST", &[], PROMETHEUS),
    #[cfg(not(feature = "prometheus"))]
    unsupported("OTEL_EXPORTER_PROMETHEUS_PORT", &[], PROMETHEUS),
    #[cfg(not(feature = "tracing"))]
    unsupported(
        "TRACEWIRE_LOG",
        &["none"],
        "a subscriber for log lines needs the cargo feature `tracing`",
    ),
];

/// Variables of vendors that say where to send, and the feature that reads them.
const VENDORS: &[(&str, &str)] = &[
    #[cfg(not(feature = "uptrace"))]
    ("UPTRACE_DSN", "uptrace"),
    #[cfg(not(feature = "elastic-apm"))]
    ("ELASTIC_APM_SERVER_URL", "elastic-apm"),
    #[cfg(not(feature = "datadog-agent"))]
    ("DD_TRACE_AGENT_URL", "datadog-agent"),
    #[cfg(not(feature = "datadog-agent"))]
    ("DD_AGENT_HOST", "datadog-agent"),
];

/// Variables that say where to send in the vendors' place.
const ENDPOINTS: [&str; 4] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
];

/// Whether spans go where no address is needed, or nowhere: an agent beside a program sets its
/// address for all programs, also for those that do not use it.
fn is_elsewhere(env: &Env) -> bool {
    let exporters = env.text("OTEL_TRACES_EXPORTER").unwrap_or_default();
    let is_disabled = env.text("OTEL_SDK_DISABLED").unwrap_or_default();
    is_disabled.trim().eq_ignore_ascii_case("true")
        || !exporters.trim().is_empty() && !exporters.contains("otlp")
}

/// Warns of variables that ask for what does not exist here or in this build.
pub(crate) fn warn_of_unsupported(env: &Env, code_has_endpoint: bool) {
    for Unsupported { name, harmless, instead } in UNSUPPORTED {
        let Some(value) = env.text(name) else { continue };
        let is_harmless =
            |word: &str| harmless.iter().any(|known| known.eq_ignore_ascii_case(word.trim()));
        if !value.split(',').all(is_harmless) {
            env.warn(format!("{name}={} is ignored: {instead}", Shown::value(value.trim())));
        }
    }
    let is_set = |name: &&str| env.text(name).is_some();
    let is_said = code_has_endpoint || ENDPOINTS.iter().any(is_set) || is_elsewhere(env);
    for (name, feature) in VENDORS {
        if !is_said && env.text(name).is_some() {
            env.warn(format!(
                "{name} is ignored: it needs the cargo feature `{feature}`; without it, set \
                 OTEL_EXPORTER_OTLP_ENDPOINT"
            ));
        }
    }
}

/// Warns of patterns that no path matches, because every path begins with a slash.
pub(crate) fn warn_of_patterns_without_slash(env: &Env) {
    const NAME: &str = "TRACEWIRE_EXCLUDED_PATHS";
    let Some(list) = env.text(NAME) else { return };
    for (number, pattern) in (1..).zip(list.split(',').map(str::trim)) {
        if !pattern.is_empty() && !pattern.starts_with(['/', '*', '?']) {
            env.warn(format!(
                "{NAME}: pattern {number}, {}, excludes nothing: paths begin with a slash, as in /healthz",
                Shown::value(pattern)
            ));
        }
    }
}

/// Warns of settings of exporters that were not chosen, while others were.
///
/// Settings beside `none` are no mistake: a deployment turns telemetry off and keeps its variables.
pub(crate) fn warn_of_unchosen(env: &Env, traces: &[Exporter], metrics: &[Exporter]) {
    let otlp_is_not =
        |exporters: &[Exporter]| !exporters.is_empty() && !exporters.contains(&Exporter::Otlp);
    let mut unused: Vec<(&str, &str)> = Vec::new();
    if otlp_is_not(traces) {
        unused.push(("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER has no otlp"));
    }
    if otlp_is_not(metrics) {
        unused.push(("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_METRICS_EXPORTER has no otlp"));
    }
    #[cfg(feature = "zipkin")]
    if !traces.is_empty() && !traces.contains(&Exporter::Zipkin) {
        const WHY: &str = "OTEL_TRACES_EXPORTER has no zipkin";
        unused.extend([
            ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", WHY),
            ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", WHY),
        ]);
    }
    #[cfg(feature = "prometheus")]
    if !metrics.is_empty() {
        const WHY: &str = "OTEL_METRICS_EXPORTER has no prometheus";
        if !metrics.contains(&Exporter::Prometheus) {
            unused.extend([
                ("OTEL_EXPORTER_PROMETHEUS_HOST", WHY),
                ("OTEL_EXPORTER_PROMETHEUS_PORT", WHY),
            ]);
        } else if metrics.len() == 1 {
            const PULLED: &str = "Prometheus asks for metrics when it likes";
            unused.extend([
                ("OTEL_METRIC_EXPORT_INTERVAL", PULLED),
                ("OTEL_METRIC_EXPORT_TIMEOUT", PULLED),
            ]);
        }
    }
    for (name, why) in unused {
        if env.text(name).is_some() {
            env.warn(format!("{name} has no effect: {why}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_file_is_refused_by_its_old_name_too() {
        for name in FILES {
            let error =
                refuse_configuration_file(&Env::of(&[(name, "/etc/otel.yaml")])).unwrap_err();
            let message = error.to_string();
            assert!(message.starts_with(&format!("{name}=\"/etc/otel.yaml\"")), "{message}");
        }
        assert!(refuse_configuration_file(&Env::of(&[(FILES[0], " ")])).is_ok());
    }

    #[test]
    fn a_pattern_of_paths_that_cannot_match_is_warned_of() {
        for (list, expected) in [
            ("/healthz, *health*,?a,", vec![]),
            ("healthz", vec!["pattern 1, \"healthz\","]),
            ("/a,users/*,http://h/", vec!["pattern 2, ", "pattern 3, "]),
        ] {
            let env = Env::of(&[("TRACEWIRE_EXCLUDED_PATHS", list)]);
            warn_of_patterns_without_slash(&env);
            let warned = env.take_warnings();
            assert_eq!(warned.len(), expected.len(), "{list}: {warned:?}");
            for (warning, pattern) in warned.iter().zip(expected) {
                assert!(warning.contains(pattern), "{warning}");
            }
        }
    }

    #[test]
    fn each_variable_without_support_is_warned_of_once() {
        for Unsupported { name, instead, .. } in UNSUPPORTED {
            let env = Env::of(&[(name, "x")]);
            warn_of_unsupported(&env, false);
            warn_of_unsupported(&env, false);
            assert_eq!(env.take_warnings(), [format!("{name}=\"x\" is ignored: {instead}")]);
        }
        for (name, value) in [
            ("OTEL_ENTITIES", ""),
            ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"),
            ("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database"),
        ] {
            let env = Env::of(&[(name, value)]);
            warn_of_unsupported(&env, false);
            assert_eq!(env.take_warnings(), Vec::<String>::new(), "{name}={value}");
        }
    }

    #[test]
    fn a_vendor_s_address_without_its_feature_is_warned_of_unless_another_is_given() {
        for (name, _) in VENDORS {
            let env = Env::of(&[(name, "https://hunter2QQ@host")]);
            warn_of_unsupported(&env, true);
            assert_eq!(env.take_warnings(), Vec::<String>::new());
            warn_of_unsupported(&env, false);
            let warnings = env.take_warnings();
            assert!(warnings.len() == 1 && !warnings[0].contains("hunter2QQ"), "{warnings:?}");
            for (other, value) in [
                ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/v1/traces"),
                ("OTEL_TRACES_EXPORTER", "console"),
                ("OTEL_TRACES_EXPORTER", "none"),
                ("OTEL_SDK_DISABLED", "TRUE"),
            ] {
                let env = Env::of(&[(name, "host"), (other, value)]);
                warn_of_unsupported(&env, false);
                assert_eq!(env.take_warnings(), Vec::<String>::new(), "{name} {other}={value}");
            }
        }
    }

    #[test]
    fn settings_of_exporters_that_are_not_chosen_have_no_effect() {
        use Exporter::{Console, Otlp};
        const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        let warnings = |name, traces: &[Exporter], metrics: &[Exporter]| {
            let env = Env::of(&[(name, "http://c")]);
            warn_of_unchosen(&env, traces, metrics);
            env.take_warnings().len()
        };
        assert_eq!(warnings(TRACES, &[Console], &[]), 1);
        assert_eq!(warnings(TRACES, &[Console, Otlp], &[]), 0);
        assert_eq!(warnings(TRACES, &[], &[Console]), 0);
        assert_eq!(warnings("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &[], &[Console]), 1);
        #[cfg(feature = "zipkin")]
        for (exporters, expected) in [(&[Otlp][..], 1), (&[Exporter::Zipkin], 0), (&[], 0)] {
            assert_eq!(warnings("OTEL_EXPORTER_ZIPKIN_ENDPOINT", exporters, &[]), expected);
        }
        #[cfg(feature = "prometheus")]
        for (name, exporters, expected) in [
            ("OTEL_EXPORTER_PROMETHEUS_PORT", &[Otlp][..], 1),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", &[Exporter::Prometheus], 0),
            ("OTEL_METRIC_EXPORT_INTERVAL", &[Exporter::Prometheus], 1),
            ("OTEL_METRIC_EXPORT_INTERVAL", &[Exporter::Prometheus, Otlp], 0),
        ] {
            assert_eq!(warnings(name, &[], exporters), expected, "{name} {exporters:?}");
        }
    }
}

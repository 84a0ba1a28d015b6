//! Variables that are set and have no effect, or would have another one than was meant. Each is
//! refused or warned of once: a setting that is silently ignored is looked for in the wrong place.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tracewire_export::wiring::Shown;

use super::map;
use super::reader::Reader;
use crate::config::http::{is_path_pattern, is_service_peer};
use crate::error::InitError;
use crate::features;
use crate::settings::Setting;

/// The variable that chooses a configuration file, and its name before it was stable.
const FILE: &str = "OTEL_CONFIG_FILE";
const OLD_FILE: &str = "OTEL_EXPERIMENTAL_CONFIG_FILE";

/// The configuration file that takes the place of all other variables.
///
/// # Errors
///
/// It is set by its old name: going on without it would do something else than what was asked for.
pub(crate) fn configuration_file(reader: &mut Reader<'_>) -> Result<Setting<PathBuf>, InitError> {
    let old = reader.raw(OLD_FILE);
    let path = map(reader.raw(FILE), PathBuf::from);
    match old {
        Some(old) if path.is_none() => Err(InitError::configuration(
            OLD_FILE,
            &Shown::path(&old.value),
            "its name is now OTEL_CONFIG_FILE",
        )),
        _ => Ok(path),
    }
}

/// Variables that count beside a configuration file, which has no node for what they say.
const BESIDE_FILE: [&str; 4] =
    ["RUST_LOG", "TRACEWIRE_LIVE", "TRACEWIRE_LIVE_MEMORY", "TRACEWIRE_LIVE_TOKEN"];

/// Warns once of all variables that are set and would count without the configuration file. `used` are those
/// that it refers to.
pub(crate) fn warn_of_ignored(reader: &mut Reader<'_>, file: &str, used: &BTreeSet<String>) {
    let known = super::asked_without_file();
    let mut ignored = reader.names(&[""]);
    ignored.retain(|name| {
        known.contains(name)
            && name != FILE
            && !used.contains(name)
            && !BESIDE_FILE.contains(&name.as_str())
    });
    if !ignored.is_empty() {
        reader.warn(format!("ignored, because {file} takes their place: {}", ignored.join(", ")));
    }
}

/// A variable without support here.
struct Unsupported {
    name: &'static str,
    /// Values that ask for nothing more than what happens anyway.
    harmless: &'static [&'static str],
    instead: &'static str,
    /// Whether this build supports it after all.
    is_supported: bool,
}

const fn unsupported(
    name: &'static str,
    harmless: &'static [&'static str],
    instead: &'static str,
) -> Unsupported {
    Unsupported { name, harmless, instead, is_supported: false }
}

/// A variable that needs a cargo feature.
const fn featured(
    name: &'static str,
    harmless: &'static [&'static str],
    instead: &'static str,
    is_supported: bool,
) -> Unsupported {
    Unsupported { name, harmless, instead, is_supported }
}

const JAEGER: &str = "Jaeger accepts OTLP: set OTEL_EXPORTER_OTLP_ENDPOINT";
const INSECURE: &str = "it is obsolete: use OTEL_EXPORTER_OTLP_INSECURE, or an http:// endpoint";
const LIVE: &str = "the page needs the cargo feature `live`";
const LOGS: &str = "log records need the cargo feature `logs`";
const ZIPKIN: &str = "the exporter needs the cargo feature `zipkin`";
const PROMETHEUS: &str = "the exporter needs the cargo feature `prometheus`";

/// Variables of the specification, today's and those that it has retired.
const UNSUPPORTED: &[Unsupported] = &[
    unsupported("OTEL_ENTITIES", &[], "use OTEL_RESOURCE_ATTRIBUTES"),
    unsupported(
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",
        &["otel"],
        "use TRACEWIRE_RESOURCE_DETECTORS",
    ),
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
    featured("OTEL_LOGS_EXPORTER", &["none"], LOGS, features::LOGS),
    featured("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", &[], LOGS, features::LOGS),
    featured("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &[], LOGS, features::LOGS),
    featured("OTEL_EXPORTER_ZIPKIN_ENDPOINT", &[], ZIPKIN, features::ZIPKIN),
    featured("OTEL_EXPORTER_PROMETHEUS_HOST", &[], PROMETHEUS, features::PROMETHEUS),
    featured("OTEL_EXPORTER_PROMETHEUS_PORT", &[], PROMETHEUS, features::PROMETHEUS),
    featured("TRACEWIRE_LIVE", &["false", "0"], LIVE, features::LIVE),
    featured(
        "TRACEWIRE_LOG",
        &["none"],
        "a subscriber for log lines needs the cargo feature `tracing`",
        features::TRACING,
    ),
];

/// Variables of vendors that say where to send, the feature that reads them, and whether this build has
/// it.
const VENDORS: &[(&str, &str, bool)] = &[
    ("UPTRACE_DSN", "uptrace", features::UPTRACE),
    ("ELASTIC_APM_SERVER_URL", "elastic-apm", features::ELASTIC_APM),
    ("DD_TRACE_AGENT_URL", "datadog-agent", features::DATADOG_AGENT),
    ("DD_AGENT_HOST", "datadog-agent", features::DATADOG_AGENT),
];

/// Whether spans go where no address is needed, or nowhere: an agent beside a program sets its
/// address for all programs, also for those that do not use it.
fn is_elsewhere(reader: &mut Reader<'_>) -> bool {
    let exporters = reader.text("OTEL_TRACES_EXPORTER").unwrap_or_default();
    let is_disabled = reader.text("OTEL_SDK_DISABLED").unwrap_or_default();
    is_disabled.trim().eq_ignore_ascii_case("true")
        || !exporters.trim().is_empty() && !exporters.contains("otlp")
}

/// Warns of variables that ask for what does not exist here or in this build. `is_said` is whether code
/// or a standard variable says where to send.
pub(super) fn warn_of_unsupported(reader: &mut Reader<'_>, is_said: bool) {
    for Unsupported { name, harmless, instead, is_supported } in UNSUPPORTED {
        if *is_supported {
            continue;
        }
        let Some(value) = reader.text(name) else { continue };
        let is_harmless =
            |word: &str| harmless.iter().any(|known| known.eq_ignore_ascii_case(word.trim()));
        if !value.split(',').all(is_harmless) {
            reader.warn(format!("{name}={} is ignored: {instead}", Shown::value(value.trim())));
        }
    }
    let is_said = is_said || is_elsewhere(reader);
    for (name, feature, is_supported) in VENDORS {
        if !is_supported && !is_said && reader.text(name).is_some() {
            reader.warn(format!(
                "{name} is ignored: it needs the cargo feature `{feature}`; without it, set \
                 OTEL_EXPORTER_OTLP_ENDPOINT"
            ));
        }
    }
}

/// Warns of patterns that no path matches, because every path begins with a slash.
pub(super) fn warn_of_patterns_without_slash(reader: &mut Reader<'_>) {
    const NAME: &str = "TRACEWIRE_EXCLUDED_PATHS";
    let Some(list) = reader.text(NAME) else { return };
    for (number, pattern) in (1..).zip(list.split(',').map(str::trim)) {
        if !pattern.is_empty() && !is_path_pattern(pattern) {
            reader.warn(format!(
                "{NAME}: pattern {number}, {}, matches no path: paths begin with a slash, as in /healthz",
                Shown::value(pattern)
            ));
        }
    }
}

/// What clients read; the name is that of OpenTelemetry's Java agent.
pub(super) const SERVICE_PEERS: &str = "OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_MAPPING";

/// Warns of pairs that name no service of a host.
pub(super) fn warn_of_service_peers(reader: &mut Reader<'_>) {
    let Some(list) = reader.text(SERVICE_PEERS) else { return };
    for (number, pair) in (1..).zip(list.split(',').map(str::trim)) {
        if !pair.is_empty() && !is_service_peer(pair) {
            reader.warn(format!(
                "{SERVICE_PEERS}: pair {number}, {}, names no service: it must be host=name or host:port=name",
                Shown::value(pair)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::env::Env;
    use super::*;
    use crate::plan::Plan;

    /// The warnings of `work` with these variables.
    fn warned(variables: &[(&str, &str)], work: impl Fn(&mut Reader<'_>)) -> Vec<String> {
        let (env, mut plan) = (Env::of(variables), Plan::default());
        work(&mut Reader::new(&env, &mut plan));
        plan.warnings().map(str::to_owned).collect()
    }

    #[test]
    fn a_configuration_file_is_refused_by_its_old_name() {
        let chosen = |variables: &[(&str, &str)]| {
            let (env, mut plan) = (Env::of(variables), Plan::default());
            let chosen = configuration_file(&mut Reader::new(&env, &mut plan));
            chosen.map(|given| given.map(|given| given.value))
        };
        let path = "/etc/otel.yaml";
        assert_eq!(chosen(&[(FILE, path)]).unwrap(), Some(path.into()));
        assert_eq!(chosen(&[(FILE, path), (OLD_FILE, "old.yaml")]).unwrap(), Some(path.into()));
        assert_eq!(chosen(&[(FILE, " ")]).unwrap(), None);
        let message = chosen(&[(OLD_FILE, path)]).unwrap_err().to_string();
        let expected = "OTEL_EXPERIMENTAL_CONFIG_FILE=\"/etc/otel.yaml\": its name is now";
        assert!(message.starts_with(expected), "{message}");
    }

    #[test]
    fn a_pattern_of_paths_that_cannot_match_is_warned_of() {
        for (list, expected) in [
            ("/healthz, *health*,?a,", vec![]),
            ("healthz", vec!["pattern 1, \"healthz\","]),
            ("/a,users/*,http://h/", vec!["pattern 2, ", "pattern 3, "]),
        ] {
            let variables = [("TRACEWIRE_EXCLUDED_PATHS", list)];
            let warned = warned(&variables, warn_of_patterns_without_slash);
            assert_eq!(warned.len(), expected.len(), "{list}: {warned:?}");
            for (warning, pattern) in warned.iter().zip(expected) {
                assert!(warning.contains(pattern), "{warning}");
            }
        }
    }

    #[test]
    fn a_service_peer_that_is_none_is_warned_of() {
        for (list, expected) in [
            ("stock.internal=stock, 10.0.0.7:5432=db,", vec![]),
            ("stock", vec!["pair 1, "]),
            ("a=b,a/b=c,:80=d", vec!["pair 2, ", "pair 3, "]),
        ] {
            let warned = warned(&[(SERVICE_PEERS, list)], warn_of_service_peers);
            assert_eq!(warned.len(), expected.len(), "{list}: {warned:?}");
            for (warning, pair) in warned.iter().zip(expected) {
                assert!(warning.contains(pair), "{warning}");
            }
        }
    }

    #[test]
    fn each_variable_without_support_is_warned_of_once() {
        for Unsupported { name, instead, is_supported, .. } in UNSUPPORTED {
            let warned = warned(&[(name, "x")], |reader| {
                warn_of_unsupported(reader, false);
                warn_of_unsupported(reader, false);
            });
            let expected = format!("{name}=\"x\" is ignored: {instead}");
            assert_eq!(warned, if *is_supported { vec![] } else { vec![expected] });
        }
        for (name, value) in [
            ("OTEL_ENTITIES", ""),
            ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"),
            ("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database"),
        ] {
            let warned = warned(&[(name, value)], |reader| warn_of_unsupported(reader, false));
            assert_eq!(warned, Vec::<String>::new(), "{name}={value}");
        }
    }

    #[test]
    fn a_vendor_s_address_without_its_feature_is_warned_of_unless_another_is_given() {
        for (name, _, is_supported) in VENDORS {
            let of = |other: &[(&str, &str)], is_said| {
                let mut variables = vec![(*name, "https://hunter2QQ@host")];
                variables.extend(other);
                warned(&variables, |reader| warn_of_unsupported(reader, is_said))
            };
            assert_eq!(of(&[], true), Vec::<String>::new());
            let warnings = of(&[], false);
            assert_eq!(warnings.len(), usize::from(!is_supported), "{warnings:?}");
            assert!(warnings.iter().all(|warning| !warning.contains("hunter2QQ")), "{warnings:?}");
            for other in [
                ("OTEL_TRACES_EXPORTER", "console"),
                ("OTEL_TRACES_EXPORTER", "none"),
                ("OTEL_SDK_DISABLED", "TRUE"),
            ] {
                assert_eq!(of(&[other], false), Vec::<String>::new(), "{name} {other:?}");
            }
        }
    }
}

//! What must hold of every set of variables.

use std::{collections::BTreeSet, fs};
use tracewire_init::fuzzing::{Pair, decisions, printed, variables};
use tracewire_text::is_unsafe;

/// Stands in variables that hold secrets.
const MARK: &str = "M4RKED";

/// Variables with a place in a configuration file.
pub const PLAIN: [&str; 30] = [
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
    "OTEL_EXPORTER_PROMETHEUS_HOST",
    "OTEL_EXPORTER_PROMETHEUS_PORT",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_PROPAGATORS",
    "OTEL_LOG_LEVEL",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "TRACEWIRE_CONSOLE",
    "TRACEWIRE_EXCLUDED_PATHS",
    "TRACEWIRE_RESOURCE_DETECTORS",
    "TRACEWIRE_METRICS",
    "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS",
    "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS",
    "DD_SERVICE",
    "DD_TAGS",
    "ELASTIC_APM_GLOBAL_LABELS",
];

/// Variables of vendors that hold secrets.
pub const VENDORS_SECRET: [&str; 4] =
    ["UPTRACE_DSN", "ELASTIC_APM_SECRET_TOKEN", "ELASTIC_APM_API_KEY", "DD_API_KEY"];

/// Other variables of vendors.
pub const VENDORS: [&str; 28] = [
    "DD_AGENT_HOST",
    "DD_ENV",
    "DD_LOGS_INJECTION",
    "DD_SERVICE",
    "DD_TAGS",
    "DD_TRACE_AGENT_URL",
    "DD_TRACE_ENABLED",
    "DD_TRACE_HEADER_TAGS",
    "DD_TRACE_HTTP_CLIENT_ERROR_STATUSES",
    "DD_TRACE_HTTP_SERVER_ERROR_STATUSES",
    "DD_TRACE_PROPAGATION_BEHAVIOR_EXTRACT",
    "DD_TRACE_PROPAGATION_STYLE",
    "DD_TRACE_PROPAGATION_STYLE_EXTRACT",
    "DD_TRACE_RATE_LIMIT",
    "DD_TRACE_SAMPLE_RATE",
    "DD_TRACE_SAMPLING_RULES",
    "DD_VERSION",
    "ELASTIC_APM_ENABLED",
    "ELASTIC_APM_ENVIRONMENT",
    "ELASTIC_APM_GLOBAL_LABELS",
    "ELASTIC_APM_HOSTNAME",
    "ELASTIC_APM_RECORDING",
    "ELASTIC_APM_SERVER_CA_CERT_FILE",
    "ELASTIC_APM_SERVER_URL",
    "ELASTIC_APM_SERVICE_NAME",
    "ELASTIC_APM_TRANSACTION_SAMPLE_RATE",
    "UPTRACE_DISABLED",
    "OTEL_SERVICE_NAME",
];

/// Each line is a variable: its first byte chooses the name, and the rest is the value.
pub fn chosen(names: &[&'static str], data: &[u8]) -> Vec<(&'static str, String)> {
    let mut chosen: Vec<(&'static str, String)> = Vec::new();
    for line in String::from_utf8_lossy(data).split('\n').take(12) {
        let Some(first) = line.chars().next() else { continue };
        let name = names[first as usize % names.len()];
        if chosen.iter().all(|(known, _)| *known != name) {
            chosen.push((name, line[first.len_utf8()..].replace(MARK, "")));
        }
    }
    chosen
}

/// Decides what variables ask for. Behind those of `secret` stands a mark that no line shows.
pub fn say(mut chosen: Vec<(&str, String)>, secret: &[&str]) {
    for (name, value) in &mut chosen {
        if secret.contains(name) {
            value.push_str(MARK);
        }
    }
    let given: Vec<_> = chosen.iter().map(|(name, value)| (*name, &**value)).collect();
    let (said, _) = variables(&given);
    assert!(said.len() < 200, "{said:#?}");
    for line in said {
        assert!(line.len() < 8_000 && !line.chars().any(is_unsafe), "{line:?}");
        assert!(!line.contains(MARK), "{line} of {given:?}");
    }
}

/// Prints the file that says what variables say, and reads it beside them.
pub fn print(chosen: &[(&str, String)]) {
    // At the end of a URL, and within it once a path follows, control characters mean different things. A file takes
    // the value of a variable with the spaces around it.
    if chosen.iter().any(|(_, value)| value.contains(char::is_control) || value.trim() != value) {
        return;
    }
    // A path follows what stands before them, so the file asks for another variable.
    if chosen.iter().any(|(name, value)| name.ends_with("_ENDPOINT") && value.contains(['?', '#'])) {
        return;
    }
    // A list without a header is a list for a variable and nothing for a file.
    let is_list = |(name, value): &&(&str, String)| !name.ends_with("_HEADERS") || value.contains('=');
    let given = chosen.iter().filter(is_list).map(|(name, value)| (*name, &**value));
    let given: Vec<_> = given.collect();
    let Ok(expected) = decisions(&given) else { return };
    let text = printed(&given).expect("they were read before");
    let path = std::env::temp_dir().join(format!("tracewire-fuzz-{}.yaml", std::process::id()));
    fs::write(&path, &text).expect("there is room for it");
    let path = path.to_str().expect("it is text");
    let found = decisions(&[&given[..], &[("OTEL_CONFIG_FILE", path)]].concat());
    let found = found.unwrap_or_else(|error| panic!("{given:?}\n{text}\n{error}"));
    assert_eq!(settings(expected), settings(found), "{given:?}\n{text}");
}

/// Those that both have.
fn settings(decisions: Vec<Pair>) -> BTreeSet<Pair> {
    let of_file = |setting: &str| {
        setting == "OTEL_CONFIG_FILE"
            || setting.starts_with("OTEL_INSTRUMENTATION")
            || setting.starts_with("TRACEWIRE_EXCLUDED")
    };
    // A file's `host` is the host with its operating system.
    let whole = |(setting, value): Pair| match &*setting {
        "TRACEWIRE_RESOURCE_DETECTORS" => {
            let with_both = |name| if matches!(name, "host" | "os") { "host,os" } else { name };
            let names: BTreeSet<_> = value.split(',').map(with_both).collect();
            (setting, names.into_iter().collect::<Vec<_>>().join(","))
        }
        _ => (setting, value),
    };
    decisions.into_iter().filter(|(setting, _)| !of_file(setting)).map(whole).collect()
}

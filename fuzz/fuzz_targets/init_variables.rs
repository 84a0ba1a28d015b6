#![no_main]
//! Variables are used or warned of, in few and short lines, and what may be a secret is not shown.

use libfuzzer_sys::fuzz_target;
use tracewire_init::fuzzing::variables;
use tracewire_text::is_unsafe;

/// Stands in variables that hold secrets.
const MARK: &str = "M4RKED";

const SECRET: [&str; 5] = [
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "TRACEWIRE_LIVE_TOKEN",
    "HTTPS_PROXY",
    "NO_PROXY",
];

const OTHERS: [&str; 24] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
    "OTEL_EXPORTER_PROMETHEUS_HOST",
    "OTEL_EXPORTER_PROMETHEUS_PORT",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_LOG_LEVEL",
    "OTEL_METRICS_EXPORTER",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_PROPAGATORS",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_TRACES_EXPORTER",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "TRACEWIRE_CONSOLE",
    "TRACEWIRE_LIVE",
    "TRACEWIRE_RESOURCE_DETECTORS",
];

// Each line is a variable: its first byte chooses the name, and the rest is the value.
fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let mut chosen = Vec::new();
    for line in text.split('\n').take(12) {
        let Some(first) = line.chars().next() else { continue };
        let value = &line[first.len_utf8()..];
        let choice = first as usize % (SECRET.len() + OTHERS.len());
        match SECRET.get(choice) {
            Some(name) => chosen.push((*name, format!("{value}{MARK}"))),
            None => chosen.push((OTHERS[choice - SECRET.len()], value.replace(MARK, ""))),
        }
    }
    let given: Vec<_> = chosen.iter().map(|(name, value)| (*name, &**value)).collect();
    let (said, _) = variables(&given);
    assert!(said.len() < 200, "{said:#?}");
    for line in said {
        assert!(line.len() < 8_000 && !line.chars().any(is_unsafe), "{line:?}");
        assert!(!line.contains(MARK), "{line} of {given:?}");
    }
});

#![no_main]
//! Variables are used or warned of, in few and short lines, and what may be a secret is not shown.

use fuzz::variables::{chosen, say};
use libfuzzer_sys::fuzz_target;

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

fuzz_target!(|data: &[u8]| {
    let names = [&SECRET[..], &OTHERS[..]].concat();
    say(chosen(&names, data), &SECRET);
});

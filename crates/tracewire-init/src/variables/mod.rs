//! Every variable that is read, and what it is read as. Nothing outside of this folder, and of the
//! vendors' presets, reads one.

mod env;
mod exporters;
mod ignored;
#[cfg(test)]
mod matrix;
mod misspelled;
pub(crate) mod otlp;
pub(crate) mod pairs;
pub(crate) mod parse;
mod reader;
pub(crate) mod sampler;
#[cfg(test)]
mod secrecy;

use std::collections::BTreeSet;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::Temporality;
use tracewire_export::ConsoleFormat;
use tracewire_export::wiring::log::Level;
#[cfg(any(feature = "config-file", feature = "datadog-agent"))]
use tracewire_propagation::{HttpSettings, HttpSide};

#[cfg(any(feature = "config-file", feature = "datadog-agent"))]
use crate::config::http::{is_path_pattern, is_service_peer};

use self::parse::{boolean, choice, integer, milliseconds, port, size};
pub(crate) use self::{
    env::Env,
    ignored::{configuration_file, warn_of_ignored},
    reader::Reader,
};
use crate::builder::{
    Batching, Console, Exceptions, HistogramAggregation, Live, LogFormat, LogLines, Logs, Metrics,
    Prometheus, Resource, Traces, Zipkin,
};
use crate::config::detectors::{self, Detector};
use crate::config::own_metrics::{self, OwnMetrics};
use crate::config::prometheus::host_name;
use crate::config::propagators::Formats;
use crate::config::proxy::Proxies;
use crate::error::InitError;
use crate::plan::Plan;
use crate::settings::{Given, Layer, Setting};
use crate::{features, subscriber};

/// What is true of the process and no setting: it holds whatever code or a file says.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) proxies: Proxies,
    /// `NO_COLOR` is set, or `TERM` is `dumb`.
    pub(crate) is_colorless: bool,
    /// Who runs the process.
    pub(crate) user: Option<String>,
    /// What the platform says that the process runs on.
    pub(crate) platform: detectors::Variables,
}

/// Reads what surrounds the process.
pub(crate) fn surroundings(reader: &mut Reader<'_>) -> Surroundings {
    let is_dumb = reader.text("TERM").as_deref() == Some("dumb");
    Surroundings {
        proxies: Proxies::read(reader),
        is_colorless: reader.text("NO_COLOR").is_some() || is_dumb,
        user: reader.text("USER"),
        platform: detectors::Variables::read(reader),
    }
}

/// Reads all variables of OpenTelemetry and of this project. `code` is what code says.
///
/// # Errors
///
/// A variable asks for what cannot work, whatever else is set.
pub(crate) fn read(reader: &mut Reader<'_>, code: &Layer) -> Result<Layer, InitError> {
    const LEVELS: [(&str, Level); 6] = [
        ("none", Level::Off),
        ("error", Level::Off),
        ("warn", Level::Warn),
        ("info", Level::Info),
        ("debug", Level::Debug),
        ("trace", Level::Debug),
    ];
    // First, because an error is not all that is said.
    let log_level = reader.read("OTEL_LOG_LEVEL", choice(&LEVELS));
    reader.plan.level = log_level.as_ref().map(|given| given.value);
    let layer = Layer {
        disabled: reader.read("OTEL_SDK_DISABLED", boolean),
        log_level,
        shutdown_timeout: None,
        propagators: map(reader.raw("OTEL_PROPAGATORS"), Formats::Named),
        resource: Resource {
            service_name: reader.raw("OTEL_SERVICE_NAME"),
            attributes: members(reader.read("OTEL_RESOURCE_ATTRIBUTES", attributes)),
            detectors: reader.read("TRACEWIRE_RESOURCE_DETECTORS", Detector::list),
            metadata_timeout: reader.read("TRACEWIRE_METADATA_TIMEOUT", milliseconds(1)),
            ..Resource::default()
        },
        otlp: otlp::otlp(reader, ""),
        traces: traces(reader, code)?,
        metrics: metrics(reader),
        logs: logs(reader),
        console: Console {
            format: reader.read(
                "TRACEWIRE_CONSOLE",
                choice(&[("tree", ConsoleFormat::Tree), ("json", ConsoleFormat::Json)]),
            ),
            ..Console::default()
        },
        live: live(reader),
        log_lines: log_lines(reader),
        ..Layer::default()
    };
    ignored::warn_of_patterns_without_slash(reader);
    ignored::warn_of_service_peers(reader);
    let is_said = code.says_where() || layer.says_where();
    ignored::warn_of_unsupported(reader, is_said);
    misspelled::warn(reader);
    Ok(layer)
}

/// Reads the variables that count beside a configuration file.
pub(crate) fn beside_file(reader: &mut Reader<'_>) -> Layer {
    let filter = if features::TRACING { reader.read(FILTER, subscriber::readable) } else { None };
    Layer {
        live: live(reader),
        log_lines: LogLines { filter, ..LogLines::default() },
        ..Layer::default()
    }
}

/// Reads the variables that layers read themselves.
#[cfg(any(feature = "config-file", feature = "datadog-agent"))]
pub(crate) fn http(reader: &mut Reader<'_>) -> HttpSettings {
    let mut list = |name: &str| -> Vec<String> {
        let text = reader.text(name).unwrap_or_default();
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let methods = list("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS");
    let mut side = |name: &str| {
        let mut side = HttpSide::default();
        side.known_methods = (!methods.is_empty()).then(|| methods.clone());
        let headers = format!("OTEL_INSTRUMENTATION_HTTP_{name}_CAPTURE");
        side.request_headers = list(&format!("{headers}_REQUEST_HEADERS"));
        side.response_headers = list(&format!("{headers}_RESPONSE_HEADERS"));
        side
    };
    let mut settings = HttpSettings::default();
    settings.server = side("SERVER");
    settings.client = side("CLIENT");
    settings.excluded_paths = list("TRACEWIRE_EXCLUDED_PATHS");
    settings.excluded_urls = list("TRACEWIRE_EXCLUDED_URLS");
    settings.service_peers = list(ignored::SERVICE_PEERS);
    settings.excluded_paths.retain(|pattern| is_path_pattern(pattern));
    settings.service_peers.retain(|pair| is_service_peer(pair));
    settings
}

fn live(reader: &mut Reader<'_>) -> Live {
    Live {
        listen: reader.raw("TRACEWIRE_LIVE").map(|given| given.map(switch)),
        memory_mib: reader.read("TRACEWIRE_LIVE_MEMORY", integer(4)),
        token: reader.raw("TRACEWIRE_LIVE_TOKEN"),
        ..Live::default()
    }
}

/// Reads 1 and 0 as what people mean by them, and not as ports.
fn switch(text: String) -> String {
    match &*text {
        "1" => "true".to_owned(),
        "0" => "false".to_owned(),
        _ => text,
    }
}

fn traces(reader: &mut Reader<'_>, code: &Layer) -> Result<Traces, InitError> {
    Ok(Traces {
        exporters: exporters::exporters(reader, "OTEL_TRACES_EXPORTER", exporters::TRACES),
        otlp: otlp::otlp(reader, "TRACES_"),
        zipkin: Zipkin {
            endpoint: reader.raw("OTEL_EXPORTER_ZIPKIN_ENDPOINT"),
            timeout: reader.read("OTEL_EXPORTER_ZIPKIN_TIMEOUT", milliseconds(0)),
            http_client: None,
        },
        batching: batching(reader, "OTEL_BSP"),
        sampler: sampler::sampler(reader, code.traces.sampler.is_some())?,
        attributes: limit(reader, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", ATTRIBUTES),
        events: limit(reader, "OTEL_SPAN_EVENT_COUNT_LIMIT", "OTEL_SPAN_EVENT_COUNT_LIMIT"),
        links: limit(reader, "OTEL_SPAN_LINK_COUNT_LIMIT", "OTEL_SPAN_LINK_COUNT_LIMIT"),
        event_attributes: limit(reader, "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", ATTRIBUTES),
        link_attributes: limit(reader, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", ATTRIBUTES),
        value_length: limit(reader, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", LENGTH),
        ..Traces::default()
    })
}

fn metrics(reader: &mut Reader<'_>) -> Metrics {
    const TEMPORALITIES: [(&str, Temporality); 3] = [
        ("cumulative", Temporality::Cumulative),
        ("delta", Temporality::Delta),
        ("lowmemory", Temporality::LowMemory),
    ];
    // No `always_on`: an exemplar without a sampled span leads nowhere.
    const FILTERS: [(&str, bool); 2] = [("trace_based", true), ("always_off", false)];
    let own = reader.read(own_metrics::VARIABLE, OwnMetrics::list);
    Metrics {
        exporters: exporters::exporters(reader, "OTEL_METRICS_EXPORTER", exporters::METRICS),
        otlp: otlp::otlp(reader, "METRICS_"),
        prometheus: Prometheus {
            host: reader.read("OTEL_EXPORTER_PROMETHEUS_HOST", host_name),
            port: reader.read("OTEL_EXPORTER_PROMETHEUS_PORT", port),
            ..Prometheus::default()
        },
        interval: reader.read("OTEL_METRIC_EXPORT_INTERVAL", milliseconds(1)),
        timeout: reader.read("OTEL_METRIC_EXPORT_TIMEOUT", milliseconds(0)),
        temporality: reader
            .read("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", choice(&TEMPORALITIES)),
        exemplars: reader.read("OTEL_METRICS_EXEMPLAR_FILTER", choice(&FILTERS)),
        histograms: reader.read(
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            choice(&HistogramAggregation::WORDS),
        ),
        process_metrics: own_metrics::is_named(&own, OwnMetrics::Process),
        runtime_metrics: own_metrics::is_named(&own, OwnMetrics::Runtime),
        self_metrics: own_metrics::is_named(&own, OwnMetrics::Telemetry),
        ..Metrics::default()
    }
}

fn logs(reader: &mut Reader<'_>) -> Logs {
    // Without the feature the exporter is warned of as one that is not supported.
    let exporters = if features::LOGS {
        exporters::exporters(reader, "OTEL_LOGS_EXPORTER", exporters::LOGS)
    } else {
        None
    };
    Logs {
        exporters,
        otlp: otlp::otlp(reader, "LOGS_"),
        batching: batching(reader, "OTEL_BLRP"),
        attributes: limit(reader, "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", ATTRIBUTES),
        value_length: limit(reader, "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", LENGTH),
        exceptions: match features::LOGS {
            true => reader.read("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", Exceptions::read),
            false => None,
        },
        ..Logs::default()
    }
}

/// What a signal's own limits are completed by.
const ATTRIBUTES: &str = "OTEL_ATTRIBUTE_COUNT_LIMIT";
const LENGTH: &str = "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT";

fn limit(reader: &mut Reader<'_>, special: &str, general: &str) -> Setting<usize> {
    let given = reader.read_first([special, general], integer(0));
    map(given, |number| usize::try_from(number).unwrap_or(usize::MAX))
}

fn batching(reader: &mut Reader<'_>, prefix: &str) -> Batching {
    let name = |setting: &str| format!("{prefix}_{setting}");
    Batching {
        queue_size: reader.read(&name("MAX_QUEUE_SIZE"), size),
        batch_size: reader.read(&name("MAX_EXPORT_BATCH_SIZE"), size),
        delay: reader.read(&name("SCHEDULE_DELAY"), milliseconds(0)),
        timeout: reader.read(&name("EXPORT_TIMEOUT"), milliseconds(0)),
    }
}

const FILTER: &str = "RUST_LOG";

/// The subscriber for `tracing`.
fn log_lines(reader: &mut Reader<'_>) -> LogLines {
    if !features::TRACING {
        return LogLines::default();
    }
    LogLines {
        format: reader.read(
            "TRACEWIRE_LOG",
            choice(&[
                ("none", None),
                ("text", Some(LogFormat::Text)),
                ("json", Some(LogFormat::Json)),
            ]),
        ),
        filter: reader.read(FILTER, subscriber::readable),
        names: None,
    }
}

/// `key=value,key=value`, percent-encoded; one fault discards all of it, as the rule says.
fn attributes(text: &str) -> Result<Vec<KeyValue>, String> {
    if let Some(pairs) = pairs::read(text) {
        return Ok(pairs.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect());
    }
    // Values are not shown, so the number says which one it is.
    let bad = text.split(',').position(|member| pairs::read(member).is_none());
    Err(format!(
        "it must be key=value pairs with commas between, in percent-encoded UTF-8; member {} is not",
        bad.unwrap_or_default() + 1
    ))
}

/// Each member of a list as a setting of its own.
fn members<T>(given: Setting<Vec<T>>) -> Vec<Given<T>> {
    let Some(Given { value, origin }) = given else { return Vec::new() };
    value.into_iter().map(|value| Given { value, origin: origin.clone() }).collect()
}

/// The same setting as another type.
pub(crate) fn map<T, U>(given: Setting<T>, into: impl FnOnce(T) -> U) -> Setting<U> {
    given.map(|Given { value, origin }| Given { value: into(value), origin })
}

/// The names of all variables that are read, vendors' included.
#[cfg(test)]
pub(crate) fn known() -> Vec<String> {
    asked(|reader| drop(surroundings(reader))).into_iter().collect()
}

/// The names of the variables whose place a configuration file takes.
fn asked_without_file() -> BTreeSet<String> {
    asked(|_| {})
}

fn asked(before: impl FnOnce(&mut Reader<'_>)) -> BTreeSet<String> {
    let (env, mut plan) = (Env::empty(), Plan::default());
    let mut reader = Reader::new(&env, &mut plan);
    before(&mut reader);
    let _ = configuration_file(&mut reader);
    let _ = crate::presets::read(&mut reader, &mut Layer::default());
    let _ = read(&mut reader, &Layer::default());
    reader.asked().clone()
}

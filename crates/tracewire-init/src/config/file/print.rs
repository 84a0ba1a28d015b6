//! The configuration file that says what variables say.

use std::fmt::Write as _;
use std::time::Duration;

use opentelemetry_sdk::metrics::Temporality;
use tracewire_export::wiring::log::Level;
use tracewire_export::{Compression, ConsoleFormat, OtlpFile, Protocol};
use tracewire_propagation::{HttpSettings, HttpSide};
use url::Url;

use super::ConfigFile;
use crate::builder::{
    Batching, HistogramAggregation, LogFormat, LogsKind, Metrics, MetricsKind, Otlp, Traces,
    TracesKind, Zipkin,
};
use crate::config::complete_by_variables;
use crate::config::detectors::Detector;
use crate::config::otlp::{Endpoint, Signal};
use crate::config::propagators::Formats;
use crate::config::sampling::{Root, SamplerChoice};
use crate::error::InitError;
use crate::plan::{Origin, Plan};
use crate::settings::{Given, Layer, Setting};
use crate::variables::{self, Env, Reader};
use crate::{LogsExporter, MetricsExporter, TracesExporter, features};

impl ConfigFile {
    /// Writes the file that says what the variables of this process say, those of vendors included.
    ///
    /// Secrets are not written: where a variable holds headers, the resource's attributes or a URL with
    /// credentials, the file refers to it. What could not be read of the variables is a comment.
    ///
    /// ```
    /// let text = tracewire_init::ConfigFile::from_environment()?;
    /// assert!(text.starts_with("file_format: \"1.1\"\n"));
    /// # Ok::<(), tracewire_init::InitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If `init` would refuse a variable.
    pub fn from_environment() -> Result<String, InitError> {
        print(&Env::process())
    }
}

/// The file that says what these variables say.
pub(super) fn print(env: &Env) -> Result<String, InitError> {
    let (mut layer, mut plan) = (Layer::default(), Plan::default());
    let mut reader = Reader::new(env, &mut plan);
    complete_by_variables(&mut layer, &mut reader)?;
    let http = variables::http(&mut reader);
    let mut yaml = Yaml::default();
    yaml.line(0, "file_format: \"1.1\"");
    for warning in plan.warnings() {
        yaml.line(0, &format!("# {}", tracewire_text::printable(warning)));
    }
    yaml.value(0, "disabled", &layer.disabled, |disabled| disabled.to_string());
    yaml.value(0, "log_level", &layer.log_level, |level| level_name(*level).to_owned());
    resource(&layer.resource, &mut yaml);
    propagator(&layer.propagators, &mut yaml)?;
    traces(&layer.traces, &mut yaml);
    metrics(&layer.metrics, &mut yaml);
    if features::LOGS {
        logs(&layer.logs, &mut yaml);
    }
    instrumentation(&http, &mut yaml);
    distribution(&layer, &http, &mut yaml);
    Ok(yaml.0)
}

/// Lines of YAML.
#[derive(Default)]
struct Yaml(String);

impl Yaml {
    fn line(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.0, "{:1$}{text}", "", 2 * depth);
    }

    /// `key: value`, if the setting is given.
    fn value<T>(
        &mut self,
        depth: usize,
        key: &str,
        given: &Setting<T>,
        show: impl FnOnce(&T) -> String,
    ) {
        if let Some(given) = given {
            self.line(depth, &format!("{key}: {}", show(&given.value)));
        }
    }

    fn duration(&mut self, depth: usize, key: &str, given: &Setting<Duration>) {
        self.value(depth, key, given, |duration| duration.as_millis().to_string());
    }

    fn number<T: ToString>(&mut self, depth: usize, key: &str, given: &Setting<T>) {
        self.value(depth, key, given, ToString::to_string);
    }

    fn list(&mut self, depth: usize, key: &str, values: &[String]) {
        if !values.is_empty() {
            let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
            self.line(depth, &format!("{key}: [{}]", values.join(", ")));
        }
    }
}

/// Text in quotes. A dollar sign would begin a reference.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text.replace('$', "$$")).to_string()
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Off => "fatal",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
    }
}

fn resource(resource: &crate::builder::Resource, yaml: &mut Yaml) {
    let detectors = resource.detectors.as_ref().map(|given| &*given.value).unwrap_or_default();
    let of_list = |given: &Given<_>| matches!(&given.origin, Origin::Variable(name) if name == "OTEL_RESOURCE_ATTRIBUTES");
    let has_list = resource.attributes.iter().any(of_list);
    let others: Vec<_> = resource.attributes.iter().filter(|given| !of_list(given)).collect();
    if resource.service_name.is_none() && detectors.is_empty() && !has_list && others.is_empty() {
        return;
    }
    yaml.line(0, "resource:");
    if resource.service_name.is_some() || !others.is_empty() {
        yaml.line(1, "attributes:");
    }
    if let Some(Given { value, origin }) = &resource.service_name {
        yaml.line(2, "- name: service.name");
        yaml.line(2, &format!("  value: {}", name_of(value, origin)));
    }
    for given in others {
        yaml.line(2, &format!("- name: {}", quoted(given.value.key.as_str())));
        yaml.line(2, &format!("  value: {}", quoted(&given.value.value.to_string())));
    }
    if has_list {
        yaml.line(1, "attributes_list: \"${OTEL_RESOURCE_ATTRIBUTES}\"");
    }
    if !detectors.is_empty() {
        yaml.line(1, "detection/development:");
        yaml.line(2, "detectors:");
        for (name, of) in [
            ("container", &[Detector::Container][..]),
            ("host", &[Detector::Host, Detector::Os]),
            ("process", &[Detector::Process]),
        ] {
            if of.iter().any(|detector| detectors.contains(detector)) {
                yaml.line(3, &format!("- {name}:"));
            }
        }
    }
}

/// The service's name, which other deployments of the file may still set by its variable.
fn name_of(name: &str, origin: &Origin) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c));
    match origin {
        Origin::Variable(variable) if variable == "OTEL_SERVICE_NAME" && is_plain => {
            format!("\"${{OTEL_SERVICE_NAME:-{name}}}\"")
        }
        _ => quoted(name),
    }
}

fn propagator(formats: &Setting<Formats>, yaml: &mut Yaml) -> Result<(), InitError> {
    let words = match formats.as_ref().map(|given| &given.value) {
        None => "",
        Some(Formats::Named(words)) => words,
        Some(Formats::Split { .. } | Formats::Given(_)) => {
            yaml.line(
                0,
                "# Formats that differ by direction have no node; these are read and written:",
            );
            ""
        }
    };
    let found = tracewire_propagation::from_names(words).map_err(InitError::propagator)?;
    yaml.line(0, "propagator:");
    yaml.line(1, &format!("composite_list: {}", quoted(&found.names().join(","))));
    Ok(())
}

/// A comment in place of a provider that nothing is exported from.
fn is_nowhere<T>(exporters: Option<&Vec<T>>, node: &str, yaml: &mut Yaml) -> bool {
    let is_nowhere = exporters.is_some_and(Vec::is_empty);
    if is_nowhere {
        yaml.line(0, &format!("# no {node}, because its exporter is none"));
    }
    is_nowhere
}

fn traces(traces: &Traces, yaml: &mut Yaml) {
    let exporters = traces.exporters.as_ref().map(|given| &given.value);
    if is_nowhere(exporters, "tracer_provider", yaml) {
        return;
    }
    let default = vec![TracesExporter::otlp()];
    yaml.line(0, "tracer_provider:");
    yaml.line(1, "processors:");
    for exporter in exporters.unwrap_or(&default) {
        match &exporter.kind {
            TracesKind::Console => console(yaml),
            TracesKind::OtlpFile(own) => {
                batch(&traces.batching, yaml);
                otlp_file(own, &traces.otlp, yaml);
            }
            TracesKind::Zipkin(_) => {
                batch(&traces.batching, yaml);
                zipkin(&traces.zipkin, yaml);
            }
            _ => {
                batch(&traces.batching, yaml);
                otlp(5, &traces.otlp, Signal::Traces, yaml);
            }
        }
    }
    limits(traces, yaml);
    if let Some(sampler) = &traces.sampler {
        self::sampler(&sampler.value, yaml);
    }
}

/// The exporter of lines; gives back how deep its settings stand.
fn otlp_file(own: &Otlp, of_signal: &Otlp, yaml: &mut Yaml) -> usize {
    yaml.line(5, "otlp_file/development:");
    let file = own.file.as_ref().or(of_signal.file.as_ref()).map(|given| &given.value);
    let stream = match file {
        Some(OtlpFile::Path(path)) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            Url::from_file_path(path).map_or_else(|()| "stdout".to_owned(), Into::into)
        }
        _ => "stdout".to_owned(),
    };
    yaml.line(6, &format!("output_stream: {}", quoted(&stream)));
    6
}

fn console(yaml: &mut Yaml) {
    yaml.line(2, "- simple:");
    yaml.line(4, "exporter:");
    yaml.line(5, "console:");
}

fn batch(batching: &Batching, yaml: &mut Yaml) {
    yaml.line(2, "- batch:");
    yaml.duration(4, "schedule_delay", &batching.delay);
    yaml.duration(4, "export_timeout", &batching.timeout);
    yaml.number(4, "max_queue_size", &batching.queue_size);
    yaml.number(4, "max_export_batch_size", &batching.batch_size);
    yaml.line(4, "exporter:");
}

fn zipkin(zipkin: &Zipkin, yaml: &mut Yaml) {
    yaml.line(5, "zipkin:");
    if let Some(given) = &zipkin.endpoint {
        yaml.line(6, &format!("endpoint: {}", url_of(&given.value, "", &given.origin)));
    }
    yaml.duration(6, "timeout", &zipkin.timeout);
}

/// Writes an exporter over OTLP, and gives the depth of its settings.
fn otlp(depth: usize, otlp: &Otlp, signal: Signal, yaml: &mut Yaml) -> usize {
    let protocol = otlp.protocol.as_ref().map_or(Protocol::HttpProtobuf, |given| given.value);
    let is_grpc = protocol == Protocol::Grpc;
    yaml.line(depth, if is_grpc { "otlp_grpc:" } else { "otlp_http:" });
    let depth = depth + 1;
    if protocol == Protocol::HttpJson {
        yaml.line(depth, "encoding: json");
    }
    if let Some(Given { value, origin }) = &otlp.endpoint {
        let (text, path) = match value {
            Endpoint::Base(text) if !is_grpc => (text, format!("/{}", signal.path())),
            Endpoint::Base(text) | Endpoint::Whole(text) => (text, String::new()),
        };
        yaml.line(depth, &format!("endpoint: {}", url_of(text, &path, origin)));
    }
    if let Some(Given { value, origin }) = &otlp.headers {
        headers(depth, value, origin, yaml);
    }
    yaml.value(depth, "compression", &otlp.compression, |compression| {
        if *compression == Compression::Gzip { "gzip" } else { "none" }.to_owned()
    });
    yaml.duration(depth, "timeout", &otlp.timeout);
    let insecure = otlp.insecure.as_ref().filter(|_| is_grpc);
    let files = [
        ("ca_file", &otlp.certificate_authorities),
        ("cert_file", &otlp.client_certificate),
        ("key_file", &otlp.client_key),
    ];
    if insecure.is_some() || files.iter().any(|(_, file)| file.is_some()) {
        yaml.line(depth, "tls:");
        for (key, file) in files {
            yaml.value(depth + 1, key, file, |path| quoted(path));
        }
        if let Some(insecure) = insecure {
            yaml.line(depth + 1, &format!("insecure: {}", insecure.value));
        }
    }
    depth
}

/// A URL, or a reference to its variable if it may hold a secret.
fn url_of(text: &str, path: &str, origin: &Origin) -> String {
    let text = text.trim();
    let path = if text.ends_with('/') { path.trim_start_matches('/') } else { path };
    let is_plain = Url::parse(text).is_ok_and(|url| {
        url.username().is_empty() && url.password().is_none() && url.query().is_none()
    });
    match origin {
        Origin::Variable(name) if !is_plain => format!("\"${{{name}}}{path}\""),
        _ => quoted(&format!("{text}{path}")),
    }
}

/// Never their values: a reference to the variable that has them, or to one for each.
fn headers(depth: usize, headers: &[(String, String)], origin: &Origin, yaml: &mut Yaml) {
    if let Origin::Variable(name) = origin
        && name.ends_with("_HEADERS")
    {
        yaml.line(depth, &format!("headers_list: \"${{{name}}}\""));
        return;
    }
    yaml.line(depth, &format!("# set these variables: their values came {origin}"));
    yaml.line(depth, "headers:");
    for (name, _) in headers {
        let variable = name.to_ascii_uppercase().replace('-', "_");
        yaml.line(depth + 1, &format!("- name: {}", quoted(name)));
        yaml.line(depth + 1, &format!("  value: \"${{HEADER_{variable}}}\""));
    }
}

fn limits(traces: &Traces, yaml: &mut Yaml) {
    let limits = [
        ("attribute_value_length_limit", &traces.value_length),
        ("attribute_count_limit", &traces.attributes),
        ("event_count_limit", &traces.events),
        ("link_count_limit", &traces.links),
        ("event_attribute_count_limit", &traces.event_attributes),
        ("link_attribute_count_limit", &traces.link_attributes),
    ];
    if limits.iter().any(|(_, limit)| limit.is_some()) {
        yaml.line(1, "limits:");
    }
    for (key, limit) in limits {
        yaml.number(2, key, limit);
    }
}

fn sampler(choice: &SamplerChoice, yaml: &mut Yaml) {
    let SamplerChoice::Named { root, is_parent_based } = choice else {
        yaml.line(1, "# The sampler that a vendor's variables make has no node.");
        return;
    };
    yaml.line(1, "sampler:");
    let plain = |yaml: &mut Yaml, sampler: &str, ratio: Option<f64>| {
        let depth = if *is_parent_based {
            yaml.line(2, "parent_based:");
            yaml.line(3, "root:");
            4
        } else {
            2
        };
        yaml.line(depth, &format!("{sampler}:"));
        if let Some(ratio) = ratio {
            yaml.line(depth + 1, &format!("ratio: {ratio}"));
        }
    };
    match root {
        Root::AlwaysOn => plain(yaml, "always_on", None),
        Root::AlwaysOff => plain(yaml, "always_off", None),
        Root::Ratio(ratio) => plain(yaml, "trace_id_ratio_based", Some(*ratio)),
        Root::Probability(probability) => {
            tree(*is_parent_based, "probability", &format!("ratio: {}", probability.value()), yaml);
        }
        Root::Rules(rules) => {
            let rules = quoted(rules.as_deref().unwrap_or("on"));
            tree(*is_parent_based, "rules", &format!("rules: {rules}"), yaml);
        }
    }
}

fn tree(is_parent_based: bool, sampler: &str, setting: &str, yaml: &mut Yaml) {
    yaml.line(2, "composite/development:");
    let mut depth = 3;
    if is_parent_based {
        yaml.line(3, "parent_threshold:");
        yaml.line(4, "root:");
        depth = 5;
    }
    yaml.line(depth, &format!("{sampler}:"));
    yaml.line(depth + 1, setting);
}

fn metrics(metrics: &Metrics, yaml: &mut Yaml) {
    let exporters = metrics.exporters.as_ref().map(|given| &given.value);
    if is_nowhere(exporters, "meter_provider", yaml) {
        return;
    }
    let default = vec![MetricsExporter::otlp()];
    let exporters = exporters.unwrap_or(&default);
    // All readers need the same, and a page has none.
    let is_page = |exporter: &MetricsExporter| matches!(exporter.kind, MetricsKind::Prometheus(_));
    let has_page = exporters.iter().any(is_page);
    // Without OTLP the variable has no effect.
    let is_otlp =
        |kind: &MetricsKind| matches!(kind, MetricsKind::Otlp(_) | MetricsKind::OtlpFile(_));
    let has_otlp = exporters.iter().any(|exporter| is_otlp(&exporter.kind));
    let histograms = if has_page || !has_otlp { &None } else { &metrics.histograms };
    if has_page && metrics.histograms.is_some() {
        yaml.line(0, "# no default_histogram_aggregation beside prometheus: use a view");
    }
    yaml.line(0, "meter_provider:");
    yaml.line(1, "readers:");
    for exporter in exporters {
        if let MetricsKind::Prometheus(_) = exporter.kind {
            yaml.line(2, "- pull:");
            yaml.line(4, "exporter:");
            yaml.line(5, "prometheus/development:");
            yaml.value(6, "host", &metrics.prometheus.host, |host| quoted(host));
            yaml.number(6, "port", &metrics.prometheus.port);
            continue;
        }
        yaml.line(2, "- periodic:");
        yaml.duration(4, "interval", &metrics.interval);
        if let MetricsKind::Console = exporter.kind {
            yaml.line(4, "exporter:");
            yaml.line(5, "console:");
            yaml.value(6, HISTOGRAMS, histograms, aggregation);
            continue;
        }
        yaml.duration(4, "timeout", &metrics.timeout);
        yaml.line(4, "exporter:");
        let depth = match &exporter.kind {
            MetricsKind::OtlpFile(own) => otlp_file(own, &metrics.otlp, yaml),
            _ => otlp(5, &metrics.otlp, Signal::Metrics, yaml),
        };
        yaml.value(depth, "temporality_preference", &metrics.temporality, |found| match found {
            Temporality::Delta => "delta".to_owned(),
            Temporality::LowMemory => "low_memory".to_owned(),
            _ => "cumulative".to_owned(),
        });
        yaml.value(depth, HISTOGRAMS, histograms, aggregation);
    }
    if metrics.exemplars.as_ref().is_some_and(|given| !given.value) {
        yaml.line(1, "exemplar_filter: always_off");
    }
}

const HISTOGRAMS: &str = "default_histogram_aggregation";

fn aggregation(aggregation: &HistogramAggregation) -> String {
    let words = HistogramAggregation::WORDS.into_iter();
    let word = words.filter(|(_, known)| known == aggregation).map(|(word, _)| word).next();
    word.unwrap_or("explicit_bucket_histogram").to_owned()
}

fn logs(logs: &crate::builder::Logs, yaml: &mut Yaml) {
    let exporters = logs.exporters.as_ref().map(|given| &given.value);
    if is_nowhere(exporters, "logger_provider", yaml) {
        return;
    }
    let default = vec![LogsExporter::otlp()];
    yaml.line(0, "logger_provider:");
    yaml.line(1, "processors:");
    for exporter in exporters.unwrap_or(&default) {
        match exporter.kind {
            LogsKind::Console => console(yaml),
            LogsKind::OtlpFile(ref own) => {
                batch(&logs.batching, yaml);
                otlp_file(own, &logs.otlp, yaml);
            }
            _ => {
                batch(&logs.batching, yaml);
                otlp(5, &logs.otlp, Signal::Logs, yaml);
            }
        }
    }
    if logs.attributes.is_some() || logs.value_length.is_some() {
        yaml.line(1, "limits:");
        yaml.number(2, "attribute_value_length_limit", &logs.value_length);
        yaml.number(2, "attribute_count_limit", &logs.attributes);
    }
}

fn instrumentation(http: &HttpSettings, yaml: &mut Yaml) {
    let sides = [("server", &http.server), ("client", &http.client)];
    let says_nothing = |side: &HttpSide| *side == HttpSide::default();
    if sides.iter().all(|(_, side)| says_nothing(side)) {
        return;
    }
    yaml.line(0, "instrumentation/development:");
    yaml.line(1, "general:");
    yaml.line(2, "http:");
    for (name, side) in sides.into_iter().filter(|(_, side)| !says_nothing(side)) {
        yaml.line(3, &format!("{name}:"));
        yaml.list(4, "request_captured_headers", &side.request_headers);
        yaml.list(4, "response_captured_headers", &side.response_headers);
        yaml.list(4, "known_methods", side.known_methods.as_deref().unwrap_or_default());
    }
}

fn distribution(layer: &Layer, http: &HttpSettings, yaml: &mut Yaml) {
    let (console, log) = (&layer.console.format, &layer.log_lines.format);
    let HttpSettings { excluded_paths, excluded_urls, .. } = http;
    let has_any = console.is_some() || log.is_some();
    if !has_any && excluded_paths.is_empty() && excluded_urls.is_empty() {
        return;
    }
    yaml.line(0, "distribution:");
    yaml.line(1, "tracewire:");
    yaml.value(2, "console", console, |format| match format {
        ConsoleFormat::Json => "json".to_owned(),
        _ => "tree".to_owned(),
    });
    yaml.value(2, "log", log, |format| match format {
        None => "none".to_owned(),
        Some(LogFormat::Text) => "text".to_owned(),
        Some(LogFormat::Json) => "json".to_owned(),
    });
    yaml.list(2, "excluded_paths", excluded_paths);
    yaml.list(2, "excluded_urls", excluded_urls);
}

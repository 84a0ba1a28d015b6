//! What a file decides: every node of the schema, and its effect in the plan.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::builder::{Builder, Component};
use crate::error::InitError;
use crate::plan::Plan;
use crate::variables::Env;
use crate::{Otlp, Telemetry, TracesExporter};

/// A file in a folder of its own, which is removed in the end.
pub(super) struct Written {
    folder: PathBuf,
    pub(super) path: PathBuf,
}

impl Written {
    pub(super) fn new(text: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tracewire-file-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("otel.yaml");
        fs::write(&path, format!("file_format: \"1.1\"\n{text}")).unwrap();
        Self { folder, path }
    }

    pub(super) fn write(&self, text: &str) {
        fs::write(&self.path, format!("file_format: \"1.1\"\n{text}")).unwrap();
    }

    /// A builder with this file and these variables.
    pub(super) fn builder(&self, variables: &[(&str, &str)]) -> Builder {
        let path = self.path.to_str().unwrap();
        let variables = [variables, &[("OTEL_CONFIG_FILE", path)]].concat();
        Builder::new(Env::of(&variables))
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The plan of a file.
pub(super) fn plan_of(text: &str, variables: &[(&str, &str)]) -> Result<Plan, InitError> {
    Written::new(text).builder(variables).plan()
}

/// What is decided about a setting, and from which line.
fn decided(plan: &Plan, setting: &str) -> Option<(String, String)> {
    let found = plan.decisions().iter().rfind(|decision| decision.setting == setting)?;
    let origin = found.origin.to_string();
    let line = origin.rsplit(':').next().unwrap_or_default();
    Some((found.value.clone(), line.to_owned()))
}

const TRACES: &str = "tracer_provider:\n  processors:\n    - batch: {exporter: {console: }}\n";

#[test]
fn each_node_decides_its_setting() {
    let provider = |more: &str| format!("{TRACES}  {more}\n");
    let otlp = |more: &str| {
        format!(
            "tracer_provider:\n  processors:\n    - batch:\n        exporter:\n          {more}\n"
        )
    };
    let reader = |more: &str| format!("meter_provider:\n  readers:\n    - {more}\n");
    let rows = [
        ("disabled: true".to_owned(), "OTEL_SDK_DISABLED", "true", "2"),
        ("log_level: warn3".to_owned(), "OTEL_LOG_LEVEL", "warn", "2"),
        (
            "resource: {attributes: [{name: service.name, value: shop}]}".to_owned(),
            "service.name",
            "shop",
            "2",
        ),
        (
            "resource:\n  attributes_list: service.name=shop".to_owned(),
            "service.name",
            "shop",
            "2",
        ),
        (
            "resource:\n  detection/development:\n    detectors: [{host: }, {process: }]".to_owned(),
            "TRACEWIRE_RESOURCE_DETECTORS",
            "host,os,process",
            "3",
        ),
        (
            "resource:\n  detection/development:\n    detectors: [{gcp_metadata: }]\n\
             distribution: {tracewire: {metadata_timeout: 300}}"
                .to_owned(),
            "TRACEWIRE_METADATA_TIMEOUT",
            "300ms",
            "5",
        ),
        ("propagator: {composite: [{baggage: }]}".to_owned(), "OTEL_PROPAGATORS", "baggage", "2"),
        (TRACES.to_owned(), "OTEL_TRACES_EXPORTER", "console", "2"),
        (
            "attribute_limits: {attribute_count_limit: 7}\n".to_owned() + TRACES,
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            "7",
            "2",
        ),
        (
            provider("limits: {attribute_value_length_limit: 9}"),
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "9",
            "5",
        ),
        (provider("limits: {event_count_limit: 3}"), "OTEL_SPAN_EVENT_COUNT_LIMIT", "3", "5"),
        (provider("limits: {link_count_limit: 3}"), "OTEL_SPAN_LINK_COUNT_LIMIT", "3", "5"),
        (
            provider("limits: {event_attribute_count_limit: 3}"),
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
            "3",
            "5",
        ),
        (
            provider("limits: {link_attribute_count_limit: 3}"),
            "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
            "3",
            "5",
        ),
        (provider("sampler: {always_off: }"), "OTEL_TRACES_SAMPLER", "AlwaysOff", "5"),
        (
            provider("sampler: {trace_id_ratio_based: {ratio: 0.5}}"),
            "OTEL_TRACES_SAMPLER",
            "TraceIdRatioBased(0.5)",
            "5",
        ),
        (
            provider("sampler: {parent_based: {root: {always_off: }}}"),
            "OTEL_TRACES_SAMPLER",
            "parent based, root AlwaysOff",
            "5",
        ),
        (
            provider("sampler: {probability/development: {ratio: 0.25}}"),
            "OTEL_TRACES_SAMPLER",
            "Probability(0.25)",
            "5",
        ),
        (
            provider("sampler: {always_record: {root: {always_off: }}}"),
            "OTEL_TRACES_SAMPLER",
            "Sampler::always_record(AlwaysOff)",
            "5",
        ),
        (
            provider("sampler: {composite/development: {parent_threshold: {root: {always_on: }}}}"),
            "OTEL_TRACES_SAMPLER",
            "Sampler(ParentThreshold { root: AlwaysOn })",
            "5",
        ),
        (
            provider("sampler: {rules: {rules: ['GET /healthz*: off', '0.01 100/s']}}"),
            "OTEL_TRACES_SAMPLER",
            "rules \"GET /healthz*: off; 0.01 100/s\"",
            "5",
        ),
        (
            otlp("otlp_http: {endpoint: 'http://c:4318/v1/traces'}"),
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://c:4318/v1/traces",
            "6",
        ),
        (
            otlp("otlp_http: {headers: [{name: a, value: b}]}"),
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "(not shown)",
            "6",
        ),
        (otlp("otlp_http: {timeout: 7}"), "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "7ms", "6"),
        (
            otlp("otlp_http: {compression: gzip}"),
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
            "gzip",
            "6",
        ),
        (
            otlp("console:\n        schedule_delay: 8"),
            "OTEL_BSP_SCHEDULE_DELAY",
            "8ms",
            "7",
        ),
        (
            otlp("console:\n        max_queue_size: 8"),
            "OTEL_BSP_MAX_QUEUE_SIZE",
            "8",
            "7",
        ),
        (
            reader("periodic: {exporter: {console: }, interval: 5}"),
            "OTEL_METRIC_EXPORT_INTERVAL",
            "5ms",
            "4",
        ),
        (
            reader("periodic: {exporter: {otlp_http: }, timeout: 5}"),
            "OTEL_METRIC_EXPORT_TIMEOUT",
            "5ms",
            "4",
        ),
        (
            reader("periodic: {exporter: {otlp_http: {temporality_preference: delta}}}"),
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "delta",
            "4",
        ),
        (
            reader("periodic: {exporter: {otlp_http: }}\n  exemplar_filter: always_off"),
            "OTEL_METRICS_EXEMPLAR_FILTER",
            "always_off",
            "2",
        ),
        (
            "distribution: {tracewire: {console: json}}".to_owned(),
            "TRACEWIRE_CONSOLE",
            "json",
            "2",
        ),
        (
            reader("periodic: {exporter: {otlp_http: }}\ndistribution: {tracewire: {metrics: [self]}}"),
            "TRACEWIRE_METRICS self",
            "on",
            "5",
        ),
        (
            "distribution: {tracewire: {excluded_paths: [/healthz, '/a/*']}}".to_owned(),
            "TRACEWIRE_EXCLUDED_PATHS",
            "/healthz,/a/*",
            "yaml",
        ),
        (
            "instrumentation/development: {general: {http: {server: {request_captured_headers: [x-a]}}}}"
                .to_owned(),
            "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS",
            "x-a",
            "yaml",
        ),
        (
            "instrumentation/development: {general: {sanitization: {url: {sensitive_query_parameters: [sig]}}}}"
                .to_owned(),
            "sensitive_query_parameters",
            "sig",
            "yaml",
        ),
    ];
    for (text, setting, value, line) in rows {
        let plan = plan_of(&text, &[]).unwrap_or_else(|error| panic!("{text}\n{error}"));
        let expected = Some((value.to_owned(), line.to_owned()));
        let found = decided(&plan, setting)
            .map(|(value, line)| (value, line.rsplit('.').next().unwrap_or_default().to_owned()));
        assert_eq!(found, expected, "{text}\n{plan}");
        assert_eq!(plan.warnings().count(), 0, "{plan}");
    }
}

#[test]
fn what_the_file_leaves_out_does_not_exist() {
    let plan = plan_of("", &[]).unwrap();
    for (setting, value) in [
        ("OTEL_PROPAGATORS", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("TRACEWIRE_RESOURCE_DETECTORS", "none"),
    ] {
        let found = decided(&plan, setting).map(|(value, _)| value);
        assert_eq!(found.as_deref(), Some(value), "{plan}");
    }
    let telemetry = Written::new("").builder(&[]).build().unwrap();
    assert!(telemetry.tracer_provider().is_none() && telemetry.meter_provider().is_none());
    assert!(telemetry.sampler().is_none());
}

#[test]
fn variables_beside_a_file_change_nothing_and_are_warned_of_once() {
    let variables = [
        ("OTEL_SERVICE_NAME", "other"),
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_LOG_LEVEL", "debug"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "no url"),
        ("TRACEWIRE_CONSOLE", "json"),
        ("RUST_LOG", "info,opentelemetry=warn"),
        ("USED", "2"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "2"),
    ];
    let text = format!(
        "{TRACES}  limits:\n    event_count_limit: ${{USED}}\n    link_count_limit: \
         ${{OTEL_SPAN_LINK_COUNT_LIMIT}}\n"
    );
    let file = Written::new(&text);
    let used = [("USED", "2"), ("OTEL_SPAN_LINK_COUNT_LIMIT", "2"), variables[8]];
    let without = file.builder(&used);
    let without = without.plan().unwrap();
    let plan = file.builder(&variables).plan().unwrap();
    assert_eq!(plan.decisions(), without.decisions());
    let warnings: Vec<_> = plan.warnings().collect();
    let [warning] = warnings[..] else { panic!("{warnings:?}") };
    let ignored = warning.rsplit(": ").next().unwrap();
    let expected = "OTEL_BSP_MAX_QUEUE_SIZE, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_LOG_LEVEL, \
                    OTEL_SERVICE_NAME, OTEL_SPAN_EVENT_COUNT_LIMIT, OTEL_TRACES_EXPORTER, \
                    OTEL_TRACES_SAMPLER, TRACEWIRE_CONSOLE";
    assert_eq!(ignored, expected, "{warning}");
}

#[test]
fn code_wins_over_the_file() {
    let text = "resource: {attributes: [{name: service.name, value: filed}]}
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_http:
            endpoint: http://file:4318/v1/traces
            headers: [{name: key, value: secret}]
            timeout: 5
        schedule_delay: 5
";
    let file = Written::new(text);
    let plan = file.builder(&[]).service_name("coded").plan().unwrap();
    assert_eq!(decided(&plan, "service.name").unwrap().0, "coded");
    assert!(plan.warnings().next().unwrap().contains("is ignored: the program sets it in code"));
    // For all exporters, also those of the file. Its headers do not follow to another address.
    let otlp = Otlp::new().endpoint("http://code:4318");
    let plan = file.builder(&[]).otlp(otlp).plan().unwrap();
    let endpoint = decided(&plan, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").unwrap().0;
    assert_eq!(endpoint, "http://code:4318/v1/traces");
    assert_eq!(decided(&plan, "OTEL_EXPORTER_OTLP_TRACES_HEADERS"), None);
    assert_eq!(decided(&plan, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT").unwrap().0, "5ms");
    // A header in code is not for the file's address.
    let plan = file.builder(&[]).otlp(Otlp::new().header("mine", "secret")).plan().unwrap();
    let (_, line) = decided(&plan, "OTEL_EXPORTER_OTLP_TRACES_HEADERS").unwrap();
    assert_eq!(line, "7");
    let plan = file.builder(&[]).traces([TracesExporter::console()]).plan().unwrap();
    assert_eq!(decided(&plan, "OTEL_TRACES_EXPORTER").unwrap().0, "console");
    // What code gives as a default yields to the file.
    let plan = file.builder(&[]).defaults(|code| code.service_name("default")).plan().unwrap();
    assert_eq!(decided(&plan, "service.name").unwrap().0, "filed");
}

#[test]
fn a_file_in_code_wins_over_the_variable() {
    let (code, variable) = (Written::new("disabled: true"), Written::new("disabled: false"));
    let plan = variable.builder(&[]).config_file(&code.path).plan().unwrap();
    assert_eq!(decided(&plan, "OTEL_SDK_DISABLED").unwrap().0, "true");
    let warning = plan.warnings().next().unwrap();
    assert!(warning.starts_with("OTEL_CONFIG_FILE is ignored"), "{warning}");
    let plan = variable.builder(&[]).defaults(|all| all.config_file(&code.path)).plan().unwrap();
    assert_eq!(decided(&plan, "OTEL_SDK_DISABLED").unwrap().0, "false");
}

#[test]
fn a_file_that_cannot_be_used_is_an_error_of_init() {
    let refused = |path: &str| Telemetry::builder().config_file(path).plan().unwrap_err();
    let error = refused("/nowhere/otel.yaml");
    assert!(error.is_configuration());
    let message = error.to_string();
    assert!(message.starts_with("Builder::config_file=/nowhere/otel.yaml: the file"), "{message}");
    let file = Written::new("disabled: maybe\nlog_level: loud\n");
    let error = file.builder(&[]).plan().unwrap_err();
    let lines: Vec<_> = error.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{error}");
    assert!(lines[0].contains("otel.yaml:2:11: disabled: "), "{error}");
    assert!(lines[1].contains("otel.yaml:3:12: log_level: "), "{error}");
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn a_component_that_cannot_be_made_is_an_error_with_its_line() {
    let text = "tracer_provider:
  processors:
    - ours: {size: 1}
  sampler:
    parent_based:
      root: {broken: }
";
    let file = Written::new(text);
    let processor = |size: u64| {
        Component::span_processor("ours", move |properties| match properties["size"].as_u64() {
            Some(found) if found == size => Ok(crate::BaggageAttributes::new(["a"])),
            found => Err(format!("size {found:?}")),
        })
    };
    let broken = Component::sampler("broken", |_| -> Result<crate::sampling::Sampler, String> {
        panic!("out of order")
    });
    let error = file.builder(&[]).component(processor(2)).component(broken).plan().unwrap_err();
    let lines: Vec<_> = error.to_string().lines().map(str::to_owned).collect();
    let expected = [
        ":4:7: tracer_provider.processors[0].ours: it cannot be made: size Some(1)",
        ":7:14: tracer_provider.sampler.parent_based.root.broken: it cannot be made: the program's",
    ];
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "{error}");
    }
    assert_eq!(lines.len(), 2, "{error}");
    // One that nobody registered is an error of the reader.
    let error = file.builder(&[]).component(processor(1)).plan().unwrap_err();
    assert!(error.to_string().contains(": no sampler has this name"), "{error}");
}

#[cfg(feature = "otlp-json")]
#[test]
fn lines_go_to_stdout_or_to_the_file_of_a_url() {
    let planned = |exporter: &str| {
        let file =
            format!("tracer_provider: {{processors: [{{batch: {{exporter: {exporter}}}}}]}}\n");
        plan_of(&file, &[])
    };
    for (stream, expected) in [
        ("", "stdout"),
        ("output_stream: stdout", "stdout"),
        ("output_stream: 'file:///var/log/a%20b.jsonl'", "/var/log/a b.jsonl"),
    ] {
        let plan = planned(&format!("{{otlp_file/development: {{{stream}}}}}")).unwrap();
        let found = decided(&plan, "TRACEWIRE_OTLP_FILE").unwrap().0;
        assert_eq!(found.trim_matches('"'), expected, "{stream}");
    }
    for stream in ["stderr", "'ftp://host/a'", "7"] {
        let exporter = format!("{{otlp_file/development: {{output_stream: {stream}}}}}");
        let error = planned(&exporter).unwrap_err().to_string();
        assert!(error.contains("otlp_file/development.output_stream"), "{error}");
    }
}

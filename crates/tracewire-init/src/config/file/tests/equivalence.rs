//! Variables, and the file that says the same: both decide the same.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::settings::plan_of;
use crate::builder::Builder;
use crate::config::file::print::print;
use crate::plan::Plan;
use crate::variables::Env;

/// Each setting with its value, wherever it came from.
fn settings(plan: &Plan) -> BTreeSet<(String, String)> {
    let of_file = |setting: &str| {
        setting == "OTEL_CONFIG_FILE"
            || setting.starts_with("OTEL_INSTRUMENTATION")
            || setting.starts_with("TRACEWIRE_EXCLUDED")
    };
    let all = plan.decisions().iter();
    all.filter(|decision| !of_file(&decision.setting))
        .map(|decision| (decision.setting.clone(), decision.value.clone()))
        .collect()
}

/// What the variables mean that are not set.
fn with_defaults(text: &str) -> String {
    let traces = "tracer_provider:\n  processors:\n    - batch: {exporter: {otlp_http: }}\n";
    let metrics = "meter_provider:\n  readers:\n    - periodic: {exporter: {otlp_http: }}\n";
    let logs = match cfg!(feature = "logs") {
        true => "logger_provider:\n  processors:\n    - batch: {exporter: {otlp_http: }}\n",
        false => "",
    };
    let names = tracewire_propagation::from_names("").unwrap().names().join(",");
    let propagator = format!("propagator: {{composite_list: '{names}'}}\n");
    let parts = [
        ("tracer_provider:", traces),
        ("meter_provider:", metrics),
        ("logger_provider:", logs),
        ("propagator:", &*propagator),
    ];
    let missing = parts.into_iter().filter(|(node, _)| !text.contains(node));
    missing.map(|(_, part)| part).chain([text]).collect()
}

#[test]
fn variables_and_the_file_that_says_the_same_decide_the_same() {
    let traces = |processor: &str, more: &str| {
        format!("tracer_provider:\n  processors:\n    - {processor}\n{more}")
    };
    let batch =
        |setting: &str| traces(&format!("batch: {{exporter: {{otlp_http: }}, {setting}}}"), "");
    let sampler = |sampler: &str| {
        traces("batch: {exporter: {otlp_http: }}", &format!("  sampler: {sampler}\n"))
    };
    let limits = |limits: &str| {
        traces("batch: {exporter: {otlp_http: }}", &format!("  limits: {{{limits}}}\n"))
    };
    let otlp =
        |setting: &str| traces(&format!("batch: {{exporter: {{otlp_http: {{{setting}}}}}}}"), "");
    let reader = |reader: &str| format!("meter_provider:\n  readers:\n    - {reader}\n");
    let rows: Vec<(&[(&str, &str)], String)> = vec![
        (&[], String::new()),
        (&[("OTEL_SDK_DISABLED", "true")], "disabled: true".to_owned()),
        (&[("OTEL_LOG_LEVEL", "debug")], "log_level: debug".to_owned()),
        (
            &[("OTEL_SERVICE_NAME", "shop")],
            "resource: {attributes: [{name: service.name, value: shop}]}".to_owned(),
        ),
        (
            &[("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,a=b")],
            "resource: {attributes_list: 'service.name=shop,a=b'}".to_owned(),
        ),
        (
            &[("OTEL_PROPAGATORS", "baggage,tracecontext")],
            "propagator: {composite: [{baggage: }, {tracecontext: }]}".to_owned(),
        ),
        (&[("OTEL_PROPAGATORS", "none")], "propagator: {composite_list: none}".to_owned()),
        (&[("OTEL_TRACES_EXPORTER", "console")], traces("simple: {exporter: {console: }}", "")),
        (&[("OTEL_BSP_SCHEDULE_DELAY", "7")], batch("schedule_delay: 7")),
        (&[("OTEL_BSP_EXPORT_TIMEOUT", "0")], batch("export_timeout: 0")),
        (&[("OTEL_BSP_MAX_QUEUE_SIZE", "9")], batch("max_queue_size: 9")),
        (&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9")], batch("max_export_batch_size: 9")),
        (&[("OTEL_TRACES_SAMPLER", "always_on")], sampler("{always_on: }")),
        (&[("OTEL_TRACES_SAMPLER", "parentbased_always_off")], sampler("{parent_based: {root: {always_off: }}}")),
        (
            &[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.5")],
            sampler("{parent_based: {root: {trace_id_ratio_based: {ratio: 0.5}}}}"),
        ),
        (
            &[("OTEL_TRACES_SAMPLER", "probability"), ("OTEL_TRACES_SAMPLER_ARG", "0.5")],
            sampler("{probability/development: {ratio: 0.5}}"),
        ),
        (
            &[("OTEL_TRACES_SAMPLER", "parentbased_probability"), ("OTEL_TRACES_SAMPLER_ARG", "0.5")],
            sampler("{composite/development: {parent_threshold: {root: {probability: {ratio: 0.5}}}}}"),
        ),
        (
            &[("OTEL_TRACES_SAMPLER", "rules"), ("OTEL_TRACES_SAMPLER_ARG", "GET /a: off; 0.1")],
            sampler("{rules: {rules: 'GET /a: off; 0.1'}}"),
        ),
        (
            &[("OTEL_TRACES_SAMPLER", "parentbased_rules"), ("OTEL_TRACES_SAMPLER_ARG", "GET /a: off; 0.1")],
            sampler("{composite/development: {parent_threshold: {root: {rules: {rules: 'GET /a: off; 0.1'}}}}}"),
        ),
        (
            &[("OTEL_ATTRIBUTE_COUNT_LIMIT", "5"), ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "6")],
            "attribute_limits: {attribute_count_limit: 5, attribute_value_length_limit: 6}".to_owned(),
        ),
        (&[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "5")], limits("attribute_count_limit: 5")),
        (&[("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5")], limits("attribute_value_length_limit: 5")),
        (&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "5")], limits("event_count_limit: 5")),
        (&[("OTEL_SPAN_LINK_COUNT_LIMIT", "5")], limits("link_count_limit: 5")),
        (&[("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "5")], limits("event_attribute_count_limit: 5")),
        (&[("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "5")], limits("link_attribute_count_limit: 5")),
        (
            &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318/v1/traces")],
            otlp("endpoint: 'http://c:4318/v1/traces'"),
        ),
        (&[("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=b")], otlp("headers_list: 'a=b'")),
        (&[("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "5")], otlp("timeout: 5")),
        (&[("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip")], otlp("compression: gzip")),
        #[cfg(feature = "otlp-json")]
        (&[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")], otlp("encoding: json")),
        #[cfg(feature = "otlp-grpc")]
        (
            &[
                ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
                ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4317"),
            ],
            traces("batch: {exporter: {otlp_grpc: {endpoint: 'http://c:4317'}}}", ""),
        ),
        #[cfg(feature = "tls")]
        (
            &[
                ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://c/v1/traces"),
                ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/a"),
                ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/b"),
                ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "/c"),
            ],
            otlp("endpoint: 'https://c/v1/traces', tls: {ca_file: /a, key_file: /b, cert_file: /c}"),
        ),
        #[cfg(feature = "zipkin")]
        (
            &[
                ("OTEL_TRACES_EXPORTER", "zipkin"),
                ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://z:9411/api/v2/spans"),
                ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "5"),
            ],
            traces("batch: {exporter: {zipkin: {endpoint: 'http://z:9411/api/v2/spans', timeout: 5}}}", ""),
        ),
        (&[("OTEL_METRICS_EXPORTER", "console")], reader("periodic: {exporter: {console: }}")),
        (&[("OTEL_METRIC_EXPORT_INTERVAL", "5")], reader("periodic: {exporter: {otlp_http: }, interval: 5}")),
        (&[("OTEL_METRIC_EXPORT_TIMEOUT", "5")], reader("periodic: {exporter: {otlp_http: }, timeout: 5}")),
        (
            &[("OTEL_METRICS_EXEMPLAR_FILTER", "always_off")],
            reader("periodic: {exporter: {otlp_http: }}\n  exemplar_filter: always_off"),
        ),
        (
            &[("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "lowmemory")],
            reader("periodic: {exporter: {otlp_http: {temporality_preference: low_memory}}}"),
        ),
        (
            &[(
                "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
                "base2_exponential_bucket_histogram",
            )],
            reader(
                "periodic: {exporter: {otlp_http: {default_histogram_aggregation: base2_exponential_bucket_histogram}}}",
            ),
        ),
        #[cfg(feature = "prometheus")]
        (
            &[
                ("OTEL_METRICS_EXPORTER", "prometheus"),
                ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
                ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
            ],
            reader("pull: {exporter: {prometheus/development: {host: 127.0.0.1, port: 0}}}"),
        ),
        #[cfg(feature = "logs")]
        (
            &[("OTEL_BLRP_SCHEDULE_DELAY", "5")],
            "logger_provider:\n  processors:\n    - batch: {exporter: {otlp_http: }, schedule_delay: 5}".to_owned(),
        ),
        #[cfg(feature = "logs")]
        (
            &[
                ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "5"),
                ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "6"),
            ],
            "logger_provider:\n  processors:\n    - batch: {exporter: {otlp_http: }}\n  \
             limits: {attribute_count_limit: 5, attribute_value_length_limit: 6}"
                .to_owned(),
        ),
        (
            &[("TRACEWIRE_CONSOLE", "json")],
            "distribution: {tracewire: {console: json}}".to_owned(),
        ),
        (&[("TRACEWIRE_METRICS", "self")], "distribution: {tracewire: {metrics: [self]}}".to_owned()),
        (&[("TRACEWIRE_METRICS", "none")], "distribution: {tracewire: {metrics: []}}".to_owned()),
        #[cfg(all(feature = "process-metrics", feature = "runtime-metrics"))]
        (
            &[("TRACEWIRE_METRICS", "all")],
            "distribution: {tracewire: {metrics: [self, process, runtime]}}".to_owned(),
        ),
        #[cfg(feature = "tracing")]
        (&[("TRACEWIRE_LOG", "json")], "distribution: {tracewire: {log: json}}".to_owned()),
    ];
    for (variables, text) in rows {
        let of_variables = Builder::new(Env::of(variables)).plan().unwrap();
        let text = with_defaults(&text);
        let of_file = plan_of(&text, &[]).unwrap_or_else(|error| panic!("{text}\n{error}"));
        assert_eq!(of_variables.warnings().count(), 0, "{of_variables}");
        assert_eq!(of_file.warnings().count(), 0, "{of_file}");
        assert_eq!(settings(&of_variables), settings(&of_file), "{variables:?}\n{text}");
        // So does the file that is written of the variables.
        let printed = print(&Env::of(variables)).unwrap();
        let text = printed.strip_prefix("file_format: \"1.1\"\n").unwrap();
        let of_printed = plan_of(text, variables).unwrap_or_else(|error| panic!("{text}\n{error}"));
        assert_eq!(settings(&of_variables), settings(&of_printed), "{variables:?}\n{text}");
    }
}

#[test]
fn a_file_of_variables_has_no_secret_and_keeps_what_deployments_set() {
    let variables = [
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_RESOURCE_ATTRIBUTES", "key=hunter2"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://u:hunter2@c:4318/"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2"),
        ("OTEL_TRACES_SAMPLER", "rules"),
        ("OTEL_TRACES_SAMPLER_ARG", "url.path=/a$b: off; 0.5"),
        ("OTEL_BSP_SCHEDULE_DELAY", "soon"),
        ("TRACEWIRE_EXCLUDED_PATHS", "/healthz, /a/*, healthz"),
        ("OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS", "x-a,x b,x-b"),
    ];
    let text = print(&Env::of(&variables)).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    for line in [
        "# OTEL_BSP_SCHEDULE_DELAY=\"soon\" is ignored: ",
        "      value: \"${OTEL_SERVICE_NAME:-shop}\"",
        "  attributes_list: \"${OTEL_RESOURCE_ATTRIBUTES}\"",
        "            endpoint: \"${OTEL_EXPORTER_OTLP_ENDPOINT}v1/traces\"",
        "            headers_list: \"${OTEL_EXPORTER_OTLP_HEADERS}\"",
        "        rules: \"url.path=/a$$b: off; 0.5\"",
        "    excluded_paths: [\"/healthz\", \"/a/*\"]",
        "# no header can be called x b",
        "        request_captured_headers: [\"x-a\", \"x-b\"]",
    ] {
        assert!(text.lines().any(|found| found.starts_with(line)), "{line}\n{text}");
    }
}

#[test]
fn a_path_that_cannot_follow_a_base_is_asked_for() {
    for base in ["http://c:4318/b?tenant=7", "http://c:4318/b#part"] {
        let text = print(&Env::of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", base)])).unwrap();
        let own = "            endpoint: \"${OTEL_EXPORTER_OTLP_TRACES_ENDPOINT}\"\n";
        assert!(text.contains(own) && !text.contains("OTLP_ENDPOINT"), "{text}");
    }
}

/// Variables with values that can be read, and that a file can say.
const READABLE: &[(&str, &[&str])] = &[
    ("OTEL_SERVICE_NAME", &["shop", "a b$c"]),
    ("OTEL_RESOURCE_ATTRIBUTES", &["a=b,c=%2C", "service.name=other"]),
    ("OTEL_PROPAGATORS", &["tracecontext", "baggage,tracecontext", "none"]),
    ("OTEL_LOG_LEVEL", &["debug", "warn", "none"]),
    ("TRACEWIRE_RESOURCE_DETECTORS", &["process", "container,host,os", "gcp_metadata,service"]),
    ("TRACEWIRE_METADATA_TIMEOUT", &["300"]),
    ("TRACEWIRE_CONSOLE", &["tree", "json"]),
    ("TRACEWIRE_METRICS", &["self", "none"]),
    ("OTEL_TRACES_EXPORTER", &["otlp", "otlp,console", "console,otlp"]),
    ("OTEL_METRICS_EXPORTER", &["otlp", "console", "otlp,console", "none"]),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", &["http://c:4318", "http://c:4318/base/", "http://u:p@c:4318"]),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &["http://t:4318/v1/traces", "http://t/x?token=secret"]),
    ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &["https://m/v1/metrics"]),
    ("OTEL_EXPORTER_OTLP_HEADERS", &["a=b,c=%20d"]),
    ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", &["t=1"]),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", &["0", "77"]),
    ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", &["78"]),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", &["gzip", "none"]),
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", &["delta", "lowmemory", "cumulative"]),
    (
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        &["base2_exponential_bucket_histogram"],
    ),
    ("OTEL_METRICS_EXEMPLAR_FILTER", &["always_off", "trace_based"]),
    ("OTEL_METRIC_EXPORT_INTERVAL", &["5"]),
    ("OTEL_METRIC_EXPORT_TIMEOUT", &["6"]),
    ("OTEL_BSP_SCHEDULE_DELAY", &["0", "7"]),
    ("OTEL_BSP_EXPORT_TIMEOUT", &["8"]),
    ("OTEL_BSP_MAX_QUEUE_SIZE", &["100"]),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", &["9"]),
    ("OTEL_BLRP_SCHEDULE_DELAY", &["10"]),
    ("OTEL_ATTRIBUTE_COUNT_LIMIT", &["11"]),
    ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", &["12"]),
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", &["13"]),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", &["0"]),
    ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", &["14"]),
    ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", &["15"]),
    (
        "OTEL_TRACES_SAMPLER",
        &[
            "always_off",
            "parentbased_always_on",
            "parentbased_traceidratio",
            "probability",
            "parentbased_probability",
        ],
    ),
    ("OTEL_TRACES_SAMPLER_ARG", &["0", "0.25", "1"]),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn the_file_of_any_variables_decides_what_they_decide(
        chosen in proptest::collection::vec((0..READABLE.len(), 0..4_usize), 0..12),
    ) {
        let mut variables: Vec<(&str, &str)> = Vec::new();
        for (variable, value) in chosen {
            let (name, values) = READABLE[variable];
            if variables.iter().all(|(known, _)| *known != name) {
                variables.push((name, values[value % values.len()]));
            }
        }
        let of_variables = Builder::new(Env::of(&variables)).plan().unwrap();
        let printed = print(&Env::of(&variables)).unwrap();
        let text = printed.strip_prefix("file_format: \"1.1\"\n").unwrap();
        let of_file = plan_of(text, &variables);
        let of_file = of_file.unwrap_or_else(|error| panic!("{variables:?}\n{text}\n{error}"));
        let (expected, found) = (settings(&of_variables), settings(&of_file));
        prop_assert_eq!(expected, found, "{:?}\n{}", variables, text);
    }
}

use super::*;
use crate::features;
use crate::plan::{Decision, Origin};
use crate::variables::Env;

/// What these variables decide.
fn decided(variables: &[(&str, &str)]) -> (Result<Config, InitError>, Plan) {
    let mut plan = Plan::default();
    let config = decide(
        Env::of(variables),
        Layer::default(),
        Layer::default(),
        Network::Untouched,
        &mut plan,
    );
    (config, plan)
}

/// What is decided, and the warnings, with exporters that need no network to be made.
fn run(variables: &[(&str, &str)]) -> Result<(Vec<Decision>, Vec<String>), InitError> {
    let (config, plan) = decided(variables);
    drop(crate::Telemetry::new(crate::providers::start(config?, plan.clone())?));
    Ok((plan.decisions().to_vec(), plan.warnings().map(str::to_owned).collect()))
}

#[test]
fn each_variable_decides_its_setting() {
    for (variable, value, setting, decided) in [
        ("OTEL_SDK_DISABLED", "True", "OTEL_SDK_DISABLED", "true"),
        ("OTEL_SERVICE_NAME", "shop", "service.name", "shop"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop", "service.name", "shop"),
        ("OTEL_TRACES_SAMPLER", "always_off", "OTEL_TRACES_SAMPLER", "AlwaysOff"),
        ("OTEL_TRACES_EXPORTER", "console,otlp", "OTEL_TRACES_EXPORTER", "console,otlp"),
        ("OTEL_METRICS_EXPORTER", "none", "OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100", "OTEL_BSP_SCHEDULE_DELAY", "100ms"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "0", "OTEL_BSP_EXPORT_TIMEOUT", "0ns"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "9", "OTEL_BSP_MAX_QUEUE_SIZE", "9"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9"),
        #[cfg(feature = "logs")]
        ("OTEL_LOGS_EXPORTER", "console,otlp", "OTEL_LOGS_EXPORTER", "console,otlp"),
        #[cfg(feature = "logs")]
        ("OTEL_BLRP_SCHEDULE_DELAY", "100", "OTEL_BLRP_SCHEDULE_DELAY", "100ms"),
        #[cfg(feature = "logs")]
        ("OTEL_BLRP_EXPORT_TIMEOUT", "0", "OTEL_BLRP_EXPORT_TIMEOUT", "0ns"),
        #[cfg(feature = "logs")]
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "9", "OTEL_BLRP_MAX_QUEUE_SIZE", "9"),
        #[cfg(feature = "logs")]
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "9", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "9"),
        #[cfg(feature = "tracing")]
        ("TRACEWIRE_LOG", "json", "TRACEWIRE_LOG", "json"),
        #[cfg(feature = "tracing")]
        ("RUST_LOG", "warn", "RUST_LOG", "warn"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "100", "OTEL_METRIC_EXPORT_INTERVAL", "100ms"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "100", "OTEL_METRIC_EXPORT_TIMEOUT", "100ms"),
        (
            "OTEL_METRICS_EXEMPLAR_FILTER",
            "always_off",
            "OTEL_METRICS_EXEMPLAR_FILTER",
            "always_off",
        ),
        ("TRACEWIRE_CONSOLE", "JSON", "TRACEWIRE_CONSOLE", "json"),
        ("OTEL_LOG_LEVEL", "debug", "OTEL_LOG_LEVEL", "debug"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "Delta",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "delta",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "base2_exponential_bucket_histogram",
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "base2_exponential_bucket_histogram",
        ),
    ] {
        let (decisions, warnings) = run(&[(variable, value)]).unwrap();
        let expected = format!("{setting} = {decided} (from {variable})");
        let is_decided = decisions.iter().any(|decision| decision.to_string() == expected);
        assert!(is_decided, "{expected} is not in {decisions:#?}");
        assert_eq!(warnings, Vec::<String>::new(), "{variable}");
    }
}

#[test]
fn each_otlp_variable_decides_for_its_signal_or_for_both() {
    const EACH: &[&str] = &[
        "TRACES",
        "METRICS",
        #[cfg(feature = "logs")]
        "LOGS",
    ];
    for (setting, value, decided) in [
        ("PROTOCOL", "http/protobuf", "http/protobuf"),
        ("HEADERS", "a=b", "(not shown)"),
        ("TIMEOUT", "100", "100ms"),
        ("COMPRESSION", "GZIP", "gzip"),
    ] {
        let general = format!("OTEL_EXPORTER_OTLP_{setting}");
        let special: Vec<_> =
            EACH.iter().map(|each| format!("OTEL_EXPORTER_OTLP_{each}_{setting}")).collect();
        for variable in special.iter().chain([&general]) {
            let (decisions, warnings) = run(&[(variable, value)]).unwrap();
            assert_eq!(warnings, Vec::<String>::new(), "{variable}");
            let decided: Vec<_> = decisions
                .iter()
                .filter(|decision| decision.value == decided)
                .filter(|d| d.origin == Origin::Variable(variable.clone()))
                .map(|decision| &decision.setting)
                .collect();
            let is_meant = |name: &&String| *variable == general || *name == variable;
            let expected: Vec<_> = special.iter().filter(is_meant).collect();
            assert_eq!(decided, expected, "{variable}");
        }
    }
}

#[test]
fn bad_values_are_warned_of_once_and_defaults_stay() {
    let (defaults, _) = run(&[]).unwrap();
    for (variable, value) in [
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a"),
        ("OTEL_TRACES_EXPORTER", "prometheus"),
        ("OTEL_METRICS_EXPORTER", "zipkin"),
        #[cfg(not(feature = "logs"))]
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_on"),
        ("OTEL_ENTITIES", "service{service.name=shop}"),
        ("OTEL_EXPORTER_JAEGER_ENDPOINT", "http://jaeger:14250"),
        ("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/etc/ca.pem"),
        ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "abc"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "2147483648"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1e3"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "-1"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "99999999999"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "thrift"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "x"),
        ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "x"),
        ("TRACEWIRE_CONSOLE", "xml"),
        ("OTEL_LOG_LEVEL", "loud"),
    ] {
        let (decisions, warnings) = run(&[(variable, value)]).unwrap();
        assert_eq!(warnings.len(), 1, "{variable}: {warnings:?}");
        assert!(warnings[0].contains(variable), "{}", warnings[0]);
        assert_eq!(decisions, defaults, "{variable}");
    }
}

#[test]
fn what_cannot_work_is_an_error_that_names_variable_and_value() {
    for (variable, value) in [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://"),
        #[cfg(not(feature = "otlp-grpc"))]
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        #[cfg(not(feature = "otlp-json"))]
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ("OTEL_CONFIG_FILE", "/etc/otel.yaml"),
        ("OTEL_EXPERIMENTAL_CONFIG_FILE", "/etc/otel.yaml"),
    ] {
        let error = run(&[(variable, value)]).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(variable) && message.contains(value), "{message}");
        assert!(error.is_configuration() || error.is_not_compiled_in(), "{message}");
    }
}

#[test]
fn a_batch_larger_than_the_queue_is_cut_to_it() {
    let (_, warnings) =
        run(&[("OTEL_BSP_MAX_QUEUE_SIZE", "10"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "11")])
            .unwrap();
    assert_eq!(
        warnings,
        ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE=11 is more than OTEL_BSP_MAX_QUEUE_SIZE=10: \
          batches have 10 items"]
    );
    // The default batch makes way for a small queue without a word.
    let (_, warnings) = run(&[("OTEL_BSP_MAX_QUEUE_SIZE", "10")]).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn exporters_that_are_not_chosen_are_not_configured() {
    let variables = [
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ];
    assert_eq!(run(&variables).unwrap().1, Vec::<String>::new());
}

#[test]
fn a_disabled_sdk_has_no_providers() {
    let (config, plan) = decided(&[("OTEL_SDK_DISABLED", "true")]);
    let telemetry = crate::Telemetry::new(crate::providers::start(config.unwrap(), plan).unwrap());
    assert!(telemetry.tracer_provider().is_none());
    assert!(telemetry.meter_provider().is_none());
}

/// The warnings about a variable beside these exporters.
fn warnings_beside(name: &str, value: &str, traces: &str, metrics: &str) -> usize {
    let variables = [
        (name, value),
        ("OTEL_TRACES_EXPORTER", traces),
        ("OTEL_METRICS_EXPORTER", metrics),
        ("OTEL_LOGS_EXPORTER", "none"),
    ];
    decided(&variables).1.warnings().count()
}

#[test]
fn settings_of_exporters_that_are_not_chosen_have_no_effect() {
    const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    const METRICS: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    for (name, traces, metrics, expected) in [
        (TRACES, "console", "none", 1),
        (TRACES, "console,otlp", "none", 0),
        (TRACES, "none", "console", 0),
        (METRICS, "none", "console", 1),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "console", "none", 0),
    ] {
        let found = warnings_beside(name, "http://c/v1/x", traces, metrics);
        assert_eq!(found, expected, "{name} {traces} {metrics}");
    }
    if features::ZIPKIN {
        for (exporters, expected) in [("otlp", 1), ("zipkin", 0), ("none", 0)] {
            let name = "OTEL_EXPORTER_ZIPKIN_ENDPOINT";
            let found = warnings_beside(name, "http://c", exporters, "none");
            assert_eq!(found, expected, "{exporters}");
        }
    }
    if features::PROMETHEUS {
        for (name, exporters, expected) in [
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "otlp", 1),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "prometheus", 0),
            ("OTEL_METRIC_EXPORT_INTERVAL", "prometheus", 1),
            ("OTEL_METRIC_EXPORT_INTERVAL", "prometheus,otlp", 0),
        ] {
            let found = warnings_beside(name, "9000", "none", exporters);
            assert_eq!(found, expected, "{name} {exporters}");
        }
    }
}

#[test]
fn a_vendor_s_address_is_no_loss_where_a_standard_one_says_where() {
    for name in ["UPTRACE_DSN", "ELASTIC_APM_SERVER_URL", "DD_AGENT_HOST"] {
        let endpoint = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/v1/traces");
        let value = if name == "UPTRACE_DSN" { "http://token@host" } else { "host" };
        let (_, plan) = decided(&[(name, value), endpoint]);
        assert_eq!(plan.warnings().count(), 0, "{name}");
    }
}

#[test]
fn specific_limits_win_over_general_ones() {
    let (config, plan) = decided(&[
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "10"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "0"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "3"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "4"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "5"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "2"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
    ]);
    assert_eq!(plan.warnings().count(), 0);
    let config = config.unwrap();
    let traces = config.traces.unwrap();
    assert_eq!(traces.value_length, Some(7));
    let limits = traces.limits;
    assert_eq!(
        [
            limits.max_attributes_per_span,
            limits.max_events_per_span,
            limits.max_links_per_span,
            limits.max_attributes_per_event,
            limits.max_attributes_per_link,
        ],
        [0, 3, 4, 10, 5]
    );
    #[cfg(feature = "logs")]
    {
        let logs = config.logs.unwrap();
        assert_eq!((logs.attributes, logs.value_length), (2, Some(3)));
    }
}

#[test]
fn limits_are_the_specifications_unless_set() {
    let config = decided(&[]).0.unwrap();
    let traces = config.traces.unwrap();
    assert_eq!(traces.value_length, None);
    assert_eq!(traces.limits.max_attributes_per_span, 128);
    assert_eq!(traces.limits.max_attributes_per_link, 128);
    #[cfg(feature = "logs")]
    {
        let logs = config.logs.unwrap();
        assert_eq!((logs.attributes, logs.value_length), (128, None));
    }
}

#[cfg(not(any(feature = "tls", feature = "tls-ring")))]
#[test]
fn https_without_tls_is_an_error() {
    let error = run(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector")]).unwrap_err();
    assert!(error.is_not_compiled_in());
    assert!(error.to_string().contains("`tls`"), "{error}");
}

#[cfg(any(feature = "tls", feature = "tls-ring"))]
#[test]
fn unreadable_certificates_are_errors() {
    const HTTPS: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost");
    for setting in ["CERTIFICATE", "CLIENT_CERTIFICATE", "TRACES_CLIENT_KEY"] {
        let variable = format!("OTEL_EXPORTER_OTLP_{setting}");
        let error = run(&[HTTPS, (&variable, "/no/such/file.pem")]).unwrap_err();
        let message = error.to_string();
        assert!(error.is_configuration(), "{message}");
        assert!(message.contains(&variable) && message.contains("/no/such"), "{message}");
    }
}

#[cfg(feature = "live")]
#[test]
fn one_and_zero_turn_the_live_page_on_and_off() {
    for (value, listen) in [
        ("1", Some("true")),
        ("true", Some("true")),
        ("0", None),
        ("false", None),
        ("10", Some("10")),
    ] {
        let (config, _) = decided(&[("TRACEWIRE_LIVE", value)]);
        let live = config.unwrap().live;
        assert_eq!(live.and_then(|live| live.listen).as_deref(), listen, "{value}");
    }
}

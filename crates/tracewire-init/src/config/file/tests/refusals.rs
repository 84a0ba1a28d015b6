//! What the schema has and this crate cannot do is an error with its line and path.

use super::*;

/// Below `file_format` in line 1: the lines, and the path that is refused.
const REFUSED: &[(&str, &str)] = &[
    (
        "attribute_limits: {attribute_value_depth_limit: 32}",
        "attribute_limits.attribute_value_depth_limit",
    ),
    (
        "tracer_provider: {processors: [{simple: {exporter: {console: }}}], limits: {attribute_value_depth_limit: 1}}",
        "tracer_provider.limits.attribute_value_depth_limit",
    ),
    (
        "tracer_provider: {processors: [{simple: {exporter: {console: }}}], sampler: {jaeger_remote/development: {endpoint: 'http://x', initial_sampler: {always_on: }}}}",
        "tracer_provider.sampler.jaeger_remote/development",
    ),
    (
        "tracer_provider: {processors: [{simple: {exporter: {console: }}}], tracer_configurator/development: {default_config: {enabled: false}}}",
        "tracer_provider.tracer_configurator/development",
    ),
    (
        "tracer_provider: {processors: [{simple: {exporter: {console: }}}], tracer_configurator/development: {tracers: [{name: a, config: {enabled: false}}]}}",
        "tracer_provider.tracer_configurator/development",
    ),
    (
        "meter_provider: {readers: [{periodic: {exporter: {console: }, max_export_batch_size/development: 1}}]}",
        "meter_provider.readers[0].periodic.max_export_batch_size/development",
    ),
    (
        "meter_provider: {readers: [{periodic: {exporter: {console: }, producers: [{opencensus: }]}}]}",
        "meter_provider.readers[0].periodic.producers",
    ),
    (
        "meter_provider: {readers: [{periodic: {exporter: {console: }}}, {periodic: {exporter: {console: }, cardinality_limits: {default: 1}}}]}",
        "meter_provider.readers[1]",
    ),
    (
        "meter_provider: {readers: [{periodic: {exporter: {console: }}}, {periodic: {exporter: {console: {default_histogram_aggregation: base2_exponential_bucket_histogram}}}}]}",
        "meter_provider.readers[1]",
    ),
    (
        "meter_provider: {readers: [{periodic: {exporter: {console: }}}], views: [{selector: {}, stream: {attribute_keys: {included: [a.*]}}}]}",
        "meter_provider.views[0].stream.attribute_keys.included[0]",
    ),
    (
        "meter_provider: {readers: [{periodic: {exporter: {console: }}}], views: [{selector: {}, stream: {attribute_keys: {excluded: [a]}}}]}",
        "meter_provider.views[0].stream.attribute_keys.excluded",
    ),
    (
        "instrumentation/development: {general: {http: {semconv: {dual_emit: true}}}}",
        "instrumentation/development.general.http.semconv.dual_emit",
    ),
    (
        "instrumentation/development: {general: {http: {semconv: {experimental: true}}}}",
        "instrumentation/development.general.http.semconv.experimental",
    ),
    (
        "instrumentation/development: {general: {http: {semconv: {version: 2}}}}",
        "instrumentation/development.general.http.semconv.version",
    ),
    (
        "instrumentation/development: {general: {stability_opt_in_list: 'database,http/dup'}}",
        "instrumentation/development.general.stability_opt_in_list",
    ),
    #[cfg(feature = "logs")]
    (
        "logger_provider: {processors: [{event_to_span_event_bridge/development: }]}",
        "logger_provider.processors[0].event_to_span_event_bridge/development",
    ),
    #[cfg(feature = "prometheus")]
    (
        "meter_provider: {readers: [{pull: {exporter: {prometheus/development: {scope_info_enabled: false}}}}]}",
        "meter_provider.readers[0].pull.exporter.prometheus/development.scope_info_enabled",
    ),
    #[cfg(feature = "prometheus")]
    (
        "meter_provider: {readers: [{pull: {exporter: {prometheus/development: {target_info_enabled/development: false}}}}]}",
        "meter_provider.readers[0].pull.exporter.prometheus/development.target_info_enabled/development",
    ),
    #[cfg(feature = "prometheus")]
    (
        "meter_provider: {readers: [{pull: {exporter: {prometheus/development: {resource_constant_labels: {included: [a]}}}}}]}",
        "meter_provider.readers[0].pull.exporter.prometheus/development.resource_constant_labels",
    ),
    #[cfg(feature = "prometheus")]
    (
        "meter_provider: {readers: [{pull: {exporter: {prometheus/development: {translation_strategy: no_translation/development}}}}]}",
        "meter_provider.readers[0].pull.exporter.prometheus/development.translation_strategy",
    ),
    #[cfg(feature = "prometheus")]
    (
        "meter_provider: {readers: [{pull: {exporter: {prometheus/development: }}}, {pull: {exporter: {prometheus/development: }}}]}",
        "meter_provider.readers[1]",
    ),
];

#[test]
fn what_is_not_supported_is_refused_by_its_path() {
    for (text, path) in REFUSED {
        let lines = problems(text);
        let [line] = &lines[..] else { panic!("{text}: {lines:?}") };
        assert!(line.starts_with("otel.yaml:2:"), "{line}");
        assert!(line.contains(&format!(": {path}: is not supported; ")), "{text}\n{line}");
    }
}

#[test]
fn a_component_of_no_known_name_is_refused_and_the_known_ones_are_named() {
    let provider = |rest: &str| {
        format!(
            "tracer_provider: {{processors: [{{simple: {{exporter: {{console: }}}}}}], {rest}}}"
        )
    };
    for (text, expected) in [
        (
            provider("id_generator: {my_generator: {a: b}}"),
            "tracer_provider.id_generator.my_generator: no id generator has this name; expected one of: random",
        ),
        (
            provider("sampler: {my_sampler: }"),
            "tracer_provider.sampler.my_sampler: no sampler has this name; expected one of: always_on, ",
        ),
        (
            provider("sampler: {composite/development: {my_sampler: }}"),
            "no sampler has this name; expected one of: always_on, always_off, probability, parent_threshold, rule_based",
        ),
        (
            "resource: {detection/development: {detectors: [{env: }]}}".to_owned(),
            "no resource detector has this name; expected one of: aws, aws_metadata, azure, azure_metadata, container, gcp, gcp_metadata, host, kubernetes, process, service",
        ),
        (
            "propagator: {composite: [{ottrace: }]}".to_owned(),
            "propagator.composite[0].ottrace: no propagator is called \"ottrace\"; expected one of: ",
        ),
    ] {
        let lines = problems(&text);
        let [line] = &lines[..] else { panic!("{text}: {lines:?}") };
        assert!(line.contains(expected), "{line}");
    }
}

/// What the schema's types refuse, and no setting explains.
#[test]
fn what_the_schema_refuses_is_refused() {
    let with_sampler = |sampler: &str| {
        format!(
            "tracer_provider: {{processors: [{{simple: {{exporter: {{console: }}}}}}], sampler: {sampler}}}"
        )
    };
    let with_view = |view: &str| {
        format!(
            "meter_provider: {{readers: [{{periodic: {{exporter: {{console: }}}}}}], views: [{view}]}}"
        )
    };
    for text in [
        "resource:".to_owned(),
        "resource: []".into(),
        "resource: {attributes: []}".into(),
        "resource: {attributes: }".into(),
        "resource: {attributes: [{name: a}]}".into(),
        "resource: {attributes: [{value: a}]}".into(),
        "resource: {attributes: [{name: , value: a}]}".into(),
        "resource: {attributes: [{name: a, value: []}]}".into(),
        "resource: {attributes: [{name: a, value: [a, 1]}]}".into(),
        "resource: {attributes: [{name: a, value: [true, 1]}]}".into(),
        "resource: {attributes: [{name: a, value: [[a]]}]}".into(),
        "resource: {attributes: [{name: a, value: {b: c}}]}".into(),
        "resource: {attributes: [{name: a, value: b, type: text}]}".into(),
        "resource: {schema_url: 1}".into(),
        "resource: {detection/development: {detectors: []}}".into(),
        "resource: {detection/development: {detectors: [{}]}}".into(),
        "propagator:".into(),
        "propagator: {composite: []}".into(),
        "propagator: {composite: [{tracecontext: {a: b}}]}".into(),
        "propagator: {composite: [{tracecontext: 1}]}".into(),
        "propagator: {composite_list: [a]}".into(),
        "attribute_limits: {attribute_count_limit: -1}".into(),
        "attribute_limits: {attribute_count_limit: 1.5}".into(),
        "attribute_limits: {attribute_value_depth_limit: 0}".into(),
        "tracer_provider: {processors: []}".into(),
        "tracer_provider: {processors: [{}]}".into(),
        "tracer_provider: {processors: [{simple: }]}".into(),
        "tracer_provider: {processors: [{simple: {exporter: }}]}".into(),
        with_sampler(""),
        with_sampler("{}"),
        with_sampler("{always_on: {a: b}}"),
        with_sampler("{always_on: true}"),
        with_sampler("{trace_id_ratio_based: {ratio: 1.1}}"),
        with_sampler("{trace_id_ratio_based: {ratio: -0.1}}"),
        with_sampler("{trace_id_ratio_based: {ratio: .nan}}"),
        with_sampler("{parent_based: {root: }}"),
        with_sampler("{always_record: }"),
        with_sampler("{always_record: {}}"),
        with_sampler("{composite/development: }"),
        with_sampler("{composite/development: {parent_threshold: }}"),
        with_sampler("{composite/development: {rule_based: {rules: []}}}"),
        with_sampler("{composite/development: {rule_based: {rules: [{}]}}}"),
        with_sampler(
            "{composite/development: {rule_based: {rules: [{span_kinds: [x], sampler: {always_on: }}]}}}",
        ),
        with_view("{stream: {}}"),
        with_view("{selector: {}, stream: }"),
        with_view("{selector: {instrument_type: x}, stream: {}}"),
        with_view("{selector: {}, stream: {aggregation: {}}}"),
        with_view("{selector: {}, stream: {aggregation: {average: }}}"),
        with_view("{selector: {}, stream: {aggregation_cardinality_limit: 0}}"),
        with_view(
            "{selector: {}, stream: {aggregation: {base2_exponential_bucket_histogram: {max_scale: 21}}}}",
        ),
        with_view(
            "{selector: {}, stream: {aggregation: {explicit_bucket_histogram: {boundaries: [1, 1]}}}}",
        ),
        "meter_provider: {readers: [{push: }]}".into(),
        "meter_provider: {readers: [{periodic: {exporter: {console: {temporality_preference: x}}}}]}".into(),
        "instrumentation/development: {general: }".into(),
        "instrumentation/development: {ruby: {a: b}}".into(),
        "instrumentation/development: {perl: {}}".into(),
        "instrumentation/development: {general: {http: {server: {request_captured_headers: ['a b']}}}}".into(),
        "distribution:".into(),
        "distribution: {}".into(),
        "distribution: {acme: 1}".into(),
        "distribution: {tracewire: {reload: 1}}".into(),
        "distribution: {tracewire: {excluded_paths: [healthz]}}".into(),
        "distribution: {tracewire: {metrics: self}}".into(),
        "distribution: {tracewire: {metrics: [all]}}".into(),
        "log_level: 9".into(),
    ] {
        let Err(error) = read(&text) else { panic!("{text} is accepted") };
        assert_eq!(error.count(), 1, "{text}: {error}");
    }
}

/// Each part that needs a cargo feature, with the feature and whether it is on.
#[test]
fn a_missing_feature_is_named() {
    let zipkin = with_exporter("zipkin:\n  endpoint: http://localhost:9411/api/v2/spans");
    for (text, feature, is_on) in [
        (with_exporter("otlp_grpc:"), "otlp-grpc", cfg!(feature = "otlp-grpc")),
        (with_exporter("otlp_http:\n  encoding: json"), "otlp-json", cfg!(feature = "otlp-json")),
        (
            with_exporter("otlp_http:\n  endpoint: https://a/v1/traces"),
            "tls",
            cfg!(any(feature = "tls", feature = "tls-ring")),
        ),
        (zipkin, "zipkin", cfg!(feature = "zipkin")),
        (
            "meter_provider: {readers: [{pull: {exporter: {prometheus/development: }}}]}".into(),
            "prometheus",
            cfg!(feature = "prometheus"),
        ),
        (
            "logger_provider: {processors: [{simple: {exporter: {console: }}}]}".into(),
            "logs",
            cfg!(feature = "logs"),
        ),
        ("distribution: {tracewire: {log: json}}".into(), "tracing", cfg!(feature = "tracing")),
        (
            "distribution: {tracewire: {metrics: [process]}}".into(),
            "process-metrics",
            cfg!(feature = "process-metrics"),
        ),
        (
            "distribution: {tracewire: {metrics: [self, runtime]}}".into(),
            "runtime-metrics",
            cfg!(feature = "runtime-metrics"),
        ),
    ] {
        match read(&text) {
            Ok(_) => assert!(is_on, "{text}"),
            Err(error) => {
                assert!(!is_on, "{text}: {error}");
                let expected = format!(": needs the cargo feature `{feature}`");
                assert!(error.to_string().ends_with(&expected), "{error}");
            }
        }
    }
}

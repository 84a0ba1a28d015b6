//! What a file says, and what the model says then.

use std::path::Path;
use std::time::Duration;

use opentelemetry::{Array, Value};

use super::*;
use crate::config::own_metrics::OwnMetrics;

#[test]
fn a_file_with_its_version_alone_sets_nothing_up() {
    let found = model("");
    assert_eq!(*found.file_format, Version { major: 1, minor: 1 });
    assert!(found.propagator.is_none() && found.tracer_provider.is_none());
    assert!(found.meter_provider.is_none() && found.logger_provider.is_none());
    assert!(found.resource.is_none() && found.instrumentation.is_none());
}

#[test]
fn each_processor_has_its_own_batch_and_exporter() {
    let found = model(
        "
tracer_provider:
  processors:
    - batch:
        schedule_delay: 100
        export_timeout: 0
        max_queue_size: 4096
        max_export_batch_size: 1_024
        exporter:
          console:
"
        .replace("1_024", "1024.0")
        .as_str(),
    );
    let [Processor::Batch(batch)] = &found.tracer_provider.unwrap().processors[..] else {
        panic!()
    };
    assert_eq!(**batch.schedule_delay.as_ref().unwrap(), Duration::from_millis(100));
    assert_eq!(**batch.export_timeout.as_ref().unwrap(), Duration::ZERO);
    assert_eq!(**batch.max_queue_size.as_ref().unwrap(), 4096);
    assert_eq!(**batch.max_export_batch_size.as_ref().unwrap(), 1024);
    assert!(matches!(batch.exporter, SpanExporter::Console(_)));
    let place = &batch.max_queue_size.as_ref().unwrap().place;
    assert_eq!(place.at.to_string(), "8:25");
    assert_eq!(&*place.path, "tracer_provider.processors[0].batch.max_queue_size");
}

#[test]
fn an_otlp_exporter_has_all_its_settings() {
    let found = model(&with_exporter(
        "otlp_http:
  endpoint: http://collector:4318/v1/traces
  tls:
    ca_file: /etc/ca.pem
    cert_file: /etc/cert.pem
    key_file: /etc/key.pem
  headers:
    - name: X-Key
      value: from headers
    - name: x-none
      value:
  headers_list: x-key=from%20list,x-other=1
  compression: gzip
  timeout: 100
  max_request_size: 1000
  max_response_size: 65536
  encoding: protobuf",
    ));
    let [Processor::Simple { exporter: SpanExporter::Otlp(otlp), .. }] =
        &found.tracer_provider.unwrap().processors[..]
    else {
        panic!()
    };
    assert_eq!(otlp.protocol, Protocol::HttpProtobuf);
    assert_eq!(otlp.endpoint.as_ref().unwrap().as_str(), "http://collector:4318/v1/traces");
    let path = |file: &Option<position::Spanned<std::path::PathBuf>>| {
        file.as_ref().map(|file| file.value.clone())
    };
    assert_eq!(path(&otlp.tls.ca_file).as_deref(), Some(Path::new("/etc/ca.pem")));
    assert_eq!(path(&otlp.tls.cert_file).as_deref(), Some(Path::new("/etc/cert.pem")));
    assert_eq!(path(&otlp.tls.key_file).as_deref(), Some(Path::new("/etc/key.pem")));
    assert_eq!(otlp.headers.len(), 2);
    assert_eq!(otlp.headers["x-key"], "from headers");
    assert_eq!(otlp.headers["x-other"], "1");
    assert!(otlp.headers.values().all(|value| value.is_sensitive()));
    assert_eq!(**otlp.compression.as_ref().unwrap(), Compression::Gzip);
    assert_eq!(**otlp.timeout.as_ref().unwrap(), Duration::from_millis(100));
    assert_eq!(**otlp.max_request_size.as_ref().unwrap(), 1000);
}

#[cfg(all(feature = "otlp-grpc", feature = "tls"))]
#[test]
fn insecure_counts_only_for_an_endpoint_without_scheme() {
    for (endpoint, insecure, expected) in [
        ("collector:4317", "true", "http://collector:4317/"),
        ("collector:4317", "false", "https://collector:4317/"),
        ("https://collector:4317", "true", "https://collector:4317/"),
        ("http://collector:4317", "false", "http://collector:4317/"),
        ("collector:4317", "", "https://collector:4317/"),
    ] {
        let text = format!("otlp_grpc:\n  endpoint: {endpoint}\n  tls:\n    insecure: {insecure}");
        let found = model(&with_exporter(&text));
        let [Processor::Simple { exporter: SpanExporter::Otlp(otlp), .. }] =
            &found.tracer_provider.unwrap().processors[..]
        else {
            panic!()
        };
        assert_eq!(otlp.protocol, Protocol::Grpc);
        assert_eq!(otlp.endpoint.as_ref().unwrap().as_str(), expected, "{text}");
    }
}

#[test]
fn attributes_have_eight_types_and_null_leaves_one_out() {
    let found = model(
        "
resource:
  attributes:
    - {name: s, value: 'a', type: string}
    - {name: b, value: true, type: bool}
    - {name: i, value: 0x10, type: int}
    - {name: d, value: 1, type: double}
    - {name: ss, value: [a, '1'], type: string_array}
    - {name: bs, value: [true, false], type: bool_array}
    - {name: is, value: [1, 2.0], type: int_array}
    - {name: ds, value: [1, 2.5, .inf], type: double_array}
    - {name: none, value: , type: int}
    - {name: version, value: 1.10}
    - {name: numbers, value: [1, 2.5]}
  attributes_list: a=b%20c,d=
  schema_url: https://opentelemetry.io/schemas/1.16.0
",
    );
    let resource = found.resource.unwrap();
    let values: Vec<_> = resource
        .attributes
        .iter()
        .map(|attribute| (attribute.name.as_str(), attribute.value.clone()))
        .collect();
    assert_eq!(
        values,
        [
            ("s", Value::from("a")),
            ("b", true.into()),
            ("i", 16.into()),
            ("d", 1.0.into()),
            ("ss", Value::Array(Array::String(vec!["a".into(), "1".into()]))),
            ("bs", Value::Array(Array::Bool(vec![true, false]))),
            ("is", Value::Array(Array::I64(vec![1, 2]))),
            ("ds", Value::Array(Array::F64(vec![1.0, 2.5, f64::INFINITY]))),
            ("version", "1.10".into()),
            ("numbers", Value::Array(Array::F64(vec![1.0, 2.5]))),
        ]
    );
    let list = [("a", "b c"), ("d", "")];
    assert_eq!(resource.attributes_list, list.map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert!(resource.schema_url.is_some());
}

#[test]
fn detectors_run_only_if_named() {
    let found = model(
        "
resource:
  detection/development:
    attributes:
      included: [process.*]
      excluded: [process.command_args]
    detectors:
      - service:
      - host: {}
      - process:
      - container:
",
    );
    let detection = found.resource.unwrap().detection.unwrap();
    let detectors: Vec<_> = detection.detectors.iter().map(|found| found.value.clone()).collect();
    assert_eq!(
        detectors,
        [Detector::Service, Detector::Host, Detector::Process, Detector::Container]
    );
    assert_eq!(&*detection.attributes.included[0].value, "process.*");
    assert_eq!(&*detection.attributes.excluded[0].value, "process.command_args");
}

#[test]
fn propagators_of_both_lists_count_once_and_in_their_order() {
    let found = model(
        "propagator:\n  composite:\n    - baggage:\n    - tracecontext:\n  composite_list: ' Tracecontext ,baggage,none,,'",
    );
    let names: Vec<_> = found.propagator.unwrap().formats.iter().map(known).collect();
    assert_eq!(names, ["baggage", "tracecontext"]);
}

#[test]
fn a_sampler_is_a_tree() {
    let found = model(
        "
tracer_provider:
  processors: [{simple: {exporter: {console: }}}]
  sampler:
    parent_based:
      root:
        composite/development:
          rule_based:
            rules:
              - attribute_values: {key: http.route, values: [/healthz]}
                sampler: {always_off: }
              - attribute_patterns: {key: url.path, included: [/api/*], excluded: [/api/x]}
                span_kinds: [server, client]
                parent: [none, remote]
                sampler: {probability: {ratio: 0.05}}
              - sampler: {parent_threshold: {root: {probability: }}}
      remote_parent_sampled:
        always_record:
          root: {trace_id_ratio_based: {ratio: }}
      local_parent_sampled:
        probability/development: {ratio: 1}
",
    );
    let Some(Sampler::ParentBased(parent_based)) = found.tracer_provider.unwrap().sampler else {
        panic!()
    };
    let Some(Sampler::Composite(composite)) = parent_based.root else { panic!() };
    let Composable::RuleBased(rules) = *composite else { panic!() };
    let [healthz, api, rest] = &rules[..] else { panic!() };
    let values = healthz.attribute_values.as_ref().unwrap();
    assert_eq!((values.key.as_str(), values.values[0].as_str()), ("http.route", "/healthz"));
    assert_eq!(healthz.sampler, Composable::AlwaysOff);
    assert!(healthz.span_kinds.is_empty() && healthz.parents.is_empty());
    let patterns = api.attribute_patterns.as_ref().unwrap();
    assert_eq!(
        (patterns.included[0].as_str(), patterns.excluded[0].as_str()),
        ("/api/*", "/api/x")
    );
    assert_eq!(api.span_kinds, [SpanKind::Server, SpanKind::Client]);
    assert_eq!(api.parents, [Parent::None, Parent::Remote]);
    let Composable::Probability(Some(ratio)) = &api.sampler else { panic!() };
    assert_eq!(**ratio, 0.05);
    let Composable::ParentThreshold { root } = &rest.sampler else { panic!() };
    assert_eq!(**root, Composable::Probability(None));
    let Some(Sampler::AlwaysRecord(recorded)) = parent_based.remote_parent_sampled else {
        panic!()
    };
    assert_eq!(*recorded, Sampler::TraceIdRatio(None));
    let Some(Sampler::Probability(Some(ratio))) = parent_based.local_parent_sampled else {
        panic!()
    };
    assert_eq!(*ratio, 1.0);
    assert!(parent_based.remote_parent_not_sampled.is_none());
}

#[test]
fn readers_and_views_are_lists() {
    let found = model(
        "
meter_provider:
  readers:
    - periodic:
        interval: 1000
        timeout: 0
        exporter:
          otlp_http:
            endpoint: http://a/v1/metrics
            temporality_preference: delta
            default_histogram_aggregation: base2_exponential_bucket_histogram
        cardinality_limits: &limits {default: 100, counter: 200}
    - periodic:
        exporter:
          console:
            temporality_preference: low_memory
            default_histogram_aggregation: base2_exponential_bucket_histogram
        cardinality_limits: *limits
  views:
    - selector: {instrument_name: http.*, instrument_type: histogram, unit: s, meter_name: m}
      stream:
        name: n
        description: d
        aggregation: {explicit_bucket_histogram: {boundaries: [0, 0.5, 1], record_min_max: false}}
        aggregation_cardinality_limit: 10
        attribute_keys: {included: [a, b]}
    - {selector: {}, stream: {aggregation: {drop: }}}
    - selector: {}
      stream: {aggregation: {base2_exponential_bucket_histogram: {max_scale: -1, max_size: 2}}}
  exemplar_filter: always_off
  meter_configurator/development:
    default_config: {enabled: true}
    meters:
      - {name: noisy.*, config: {enabled: false}}
",
    );
    let provider = found.meter_provider.unwrap();
    let [Reader::Periodic(first), Reader::Periodic(second)] = &provider.readers[..] else {
        panic!()
    };
    assert_eq!(**first.interval.as_ref().unwrap(), Duration::from_secs(1));
    assert_eq!(**first.exporter.temporality.as_ref().unwrap(), Temporality::Delta);
    assert_eq!(**second.exporter.temporality.as_ref().unwrap(), Temporality::LowMemory);
    assert_eq!(**first.exporter.histograms.as_ref().unwrap(), Histograms::Base2Exponential);
    assert!(matches!(second.exporter.target, MetricTarget::Console(_)));
    assert_eq!((first.cardinality.default, first.cardinality.counter), (Some(100), Some(200)));
    assert!(provider.exemplars_are_off);
    let [first, second, third] = &provider.views[..] else { panic!() };
    assert_eq!(first.selector.instrument_name.as_ref().unwrap().as_str(), "http.*");
    assert_eq!(**first.selector.instrument_type.as_ref().unwrap(), InstrumentType::Histogram);
    let keys = first.stream.attribute_keys.as_ref().unwrap();
    assert_eq!(keys.iter().map(|key| key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let expected = Aggregation::ExplicitBuckets {
        boundaries: Some(vec![0.0, 0.5, 1.0]),
        record_min_max: Some(false),
    };
    assert_eq!(**first.stream.aggregation.as_ref().unwrap(), expected);
    assert_eq!(**second.stream.aggregation.as_ref().unwrap(), Aggregation::Drop);
    let expected = Aggregation::Base2Exponential {
        max_scale: Some(-1),
        max_size: Some(2),
        record_min_max: None,
    };
    assert_eq!(**third.stream.aggregation.as_ref().unwrap(), expected);
    let configurator = provider.configurator.unwrap();
    assert_eq!(configurator.default_config, Some(true));
    assert_eq!((configurator.scopes[0].0.as_str(), configurator.scopes[0].1), ("noisy.*", false));
}

#[cfg(feature = "prometheus")]
#[test]
fn a_pull_reader_has_an_address() {
    let found = model(
        "
meter_provider:
  readers:
    - pull:
        exporter:
          prometheus/development:
            host: 0.0.0.0
            port: 0
            scope_info_enabled: true
            target_info_enabled/development: true
            translation_strategy: underscore_escaping_with_suffixes
",
    );
    let [Reader::Pull(pull)] = &found.meter_provider.unwrap().readers[..] else { panic!() };
    let PullExporter::Prometheus(page) = &pull.exporter else { panic!() };
    assert_eq!(page.host.as_ref().unwrap().as_str(), "0.0.0.0");
    assert_eq!(**page.port.as_ref().unwrap(), 0);
}

#[cfg(feature = "logs")]
#[test]
fn loggers_have_severities_by_scope() {
    let found = model(
        "
logger_provider:
  processors:
    - batch: {exporter: {otlp_http: {endpoint: http://a/v1/logs}}}
    - simple: {exporter: {console: }}
  limits: {attribute_value_length_limit: 10, attribute_value_depth_limit: 64}
  logger_configurator/development:
    default_config: {enabled: false}
    loggers:
      - name: shop.*
        config: {enabled: true, minimum_severity: info, trace_based: true}
",
    );
    let provider = found.logger_provider.unwrap();
    assert_eq!(provider.processors.len(), 2);
    assert_eq!(**provider.limits.unwrap().value_length.as_ref().unwrap(), 10);
    let configurator = provider.configurator.unwrap();
    assert!(!**configurator.default_config.unwrap().enabled.as_ref().unwrap());
    let (name, config) = &configurator.scopes[0];
    assert_eq!(name.as_str(), "shop.*");
    assert_eq!(**config.minimum_severity.as_ref().unwrap(), Severity(9));
    assert!(**config.trace_based.as_ref().unwrap());
}

#[test]
fn limits_are_general_or_of_a_signal() {
    let found = model(
        "
attribute_limits: {attribute_value_length_limit: 0xff, attribute_count_limit: }
tracer_provider:
  processors: [{simple: {exporter: {console: }}}]
  limits:
    attribute_value_length_limit: 1
    attribute_count_limit: 2
    event_count_limit: 3
    link_count_limit: 4
    event_attribute_count_limit: 5
    link_attribute_count_limit: 9223372036854775807
",
    );
    let general = found.attribute_limits.unwrap();
    assert_eq!(**general.value_length.as_ref().unwrap(), 255);
    assert!(general.count.is_none());
    let limits = found.tracer_provider.unwrap().limits.unwrap();
    let found = [
        limits.attributes.value_length,
        limits.attributes.count,
        limits.events,
        limits.links,
        limits.event_attributes,
    ];
    assert_eq!(found.map(|limit| *limit.unwrap()), [1, 2, 3, 4, 5]);
    assert!(*limits.link_attributes.unwrap() > 1 << 30);
}

#[test]
fn instrumentation_of_http_is_ours_and_the_rest_is_left_alone() {
    let found = model(
        "
instrumentation/development:
  general:
    http:
      semconv: {version: 1, experimental: false, dual_emit: false}
      server:
        request_captured_headers: [Content-Type]
        response_captured_headers: [x-a]
        known_methods: [GET, QUERY]
      client:
        known_methods: []
    db: {semconv: {version: 1, dual_emit: true}}
    sanitization: {url: {sensitive_query_parameters: [sig]}}
    stability_opt_in_list: http,database/dup
  java:
    example: {property: value}
  rust:
    example: {property: value}
",
    );
    let found = found.instrumentation.unwrap();
    assert_eq!(found.server.request_captured_headers[0].as_str(), "content-type");
    assert_eq!(found.server.response_captured_headers[0].as_str(), "x-a");
    assert_eq!(found.server.known_methods.unwrap()[1].as_str(), "QUERY");
    assert!(found.client.known_methods.unwrap().is_empty());
    assert!(found.client.request_captured_headers.is_empty());
    assert_eq!(found.sensitive_query_parameters.unwrap()[0].as_str(), "sig");
}

#[test]
fn a_distribution_of_our_own_is_read_and_others_are_not() {
    let found = model(
        "
distribution:
  acme: {anything: [1, 2]}
  tracewire:
    console: json
    log: none
    metrics: [self]
    excluded_paths: [/healthz, /internal/*]
    excluded_urls: [http://localhost/*]
    service_peers: [stock.internal=stock]
    metadata_timeout: 300
    reload: true
",
    );
    let ours = found.tracewire.unwrap();
    assert_eq!(**ours.console.as_ref().unwrap(), crate::ConsoleFormat::Json);
    assert_eq!(**ours.log.as_ref().unwrap(), LogLines::None);
    assert_eq!(**ours.metrics.as_ref().unwrap(), [OwnMetrics::Telemetry]);
    assert_eq!(ours.excluded_paths[1].as_str(), "/internal/*");
    assert_eq!(ours.excluded_urls[0].as_str(), "http://localhost/*");
    assert_eq!(ours.service_peers[0].as_str(), "stock.internal=stock");
    assert_eq!(ours.metadata_timeout.as_ref().unwrap().as_millis(), 300);
    assert!(**ours.reload.as_ref().unwrap());
    assert!(model("distribution:\n  acme: {}\n").tracewire.is_none());
}

#[test]
fn null_means_absent_for_text_and_numbers_and_defaults_for_components() {
    let found = model(
        "
disabled:
log_level: ${UNSET}
attribute_limits:
  attribute_count_limit: ~
tracer_provider:
  processors:
    - batch:
        max_queue_size: null
        exporter:
          otlp_http:
  sampler:
    trace_id_ratio_based:
",
    );
    assert!(found.disabled.is_none() && found.log_level.is_none());
    assert!(found.attribute_limits.unwrap().count.is_none());
    let provider = found.tracer_provider.unwrap();
    assert_eq!(provider.sampler, Some(Sampler::TraceIdRatio(None)));
    let [Processor::Batch(batch)] = &provider.processors[..] else { panic!() };
    assert!(batch.max_queue_size.is_none());
    let SpanExporter::Otlp(otlp) = &batch.exporter else { panic!() };
    assert!(otlp.endpoint.is_none() && otlp.headers.is_empty());
}

#[test]
fn variables_are_typed_after_substitution() {
    let text = "
disabled: ${OFF}
attribute_limits:
  attribute_count_limit: 1${ZEROS}
resource:
  schema_url: \"${NUMBER}\"
  attributes_list: ${EMPTY}
";
    let variables = [("OFF", "true"), ("ZEROS", "00"), ("NUMBER", "1"), ("EMPTY", "")];
    let found = read_with(text, &variables).unwrap().configuration;
    assert!(**found.disabled.as_ref().unwrap());
    assert_eq!(**found.attribute_limits.unwrap().count.as_ref().unwrap(), 100);
    let resource = found.resource.unwrap();
    assert_eq!(resource.schema_url.unwrap().as_str(), "1");
    assert!(resource.attributes_list.is_empty());
}

#[test]
fn a_registered_component_has_its_properties() {
    let mut registered = Registered::default();
    registered.add(components::Kind::SpanExporter, "acme");
    registered.add(components::Kind::Sampler, "mine");
    registered.add(components::Kind::IdGenerator, "uuid7");
    let text = "
file_format: '1.1'
tracer_provider:
  processors:
    - simple: {exporter: {acme: {a: [1, 'x', true, 2.5, ~], b: '${X}'}}}
  sampler: {mine: }
  id_generator: {uuid7: {}}
";
    let read = |registered| parse("otel.yaml", text.as_bytes(), &|_| Some("1".into()), registered);
    let provider = read(&registered).unwrap().configuration.tracer_provider.unwrap();
    let [Processor::Simple { exporter: SpanExporter::Custom(acme), .. }] = &provider.processors[..]
    else {
        panic!()
    };
    assert_eq!(acme.name, "acme");
    let expected = serde_json::json!({"a": [1, "x", true, 2.5, null], "b": "1"});
    assert_eq!(acme.properties, expected);
    let Some(Sampler::Custom(mine)) = &provider.sampler else { panic!() };
    assert_eq!(mine.properties, serde_json::Value::Null);
    assert_eq!(provider.id_generator.unwrap().name, "uuid7");
    let error = read(&Registered::default()).unwrap_err();
    assert_eq!(error.count(), 3, "{error}");
}

/// The name of a format of this build.
fn known(format: &Format) -> String {
    let Format::Known(name) = format else { panic!("{format:?}") };
    name.value.clone()
}

//! A configuration file, and what it changes in what is exported.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::InMemorySpanExporter;
use tracewire_init::{Builder, Component, Telemetry};
use tracewire_testing::{Collector, Metric, Span};

/// A file of its own, removed in the end.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tracewire-all-{}-{number}.yaml", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, format!("file_format: \"1.1\"\n{text}")).unwrap();
        Self(path)
    }

    fn builder(&self) -> Builder {
        Telemetry::builder().config_file(&self.0)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The span that is exported with this file.
fn span_with(collector: &Collector, text: &str) -> Span {
    let text = text.replace("ENDPOINT", &collector.endpoint());
    let telemetry = File::new(&text).builder().build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    let mut span = tracer.start("work");
    for key in ["a", "b", "c"] {
        span.set_attribute(KeyValue::new(key, "abcdef"));
        span.add_event(key, vec![KeyValue::new("x", 1), KeyValue::new("y", 2)]);
    }
    span.end();
    let report = telemetry.shutdown();
    assert!(report.is_complete(), "{report}\n{text}");
    collector.spans().one("work")
}

const TRACES: &str = "tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_http:
            endpoint: ENDPOINT/v1/traces
";

#[test]
fn resource_and_limits_are_those_of_the_file() {
    let text = format!(
        "resource:
  attributes:
    - {{name: service.name, value: shop}}
    - {{name: shelves, value: 7, type: int}}
    - {{name: open, value: [true, false], type: bool_array}}
  attributes_list: shelves=1,place=hall
  detection/development:
    attributes: {{included: [host.*, process.pid], excluded: [host.id]}}
    detectors: [{{host: }}, {{process: }}, {{service: }}]
attribute_limits: {{attribute_value_length_limit: 4}}
{TRACES}  limits: {{attribute_count_limit: 2, event_count_limit: 1, event_attribute_count_limit: 1}}
"
    );
    let collector = Collector::start();
    let span = span_with(&collector, &text);
    let values: Vec<_> = span.attributes.iter().map(|a| format!("{}={}", a.key, a.value)).collect();
    assert_eq!(values, ["a=abcd", "b=abcd"]);
    assert_eq!((span.events.len(), span.events[0].attributes.len()), (1, 1));
    let resource = |key: &str| {
        let found = span.resource.iter().find(|attribute| attribute.key.as_str() == key);
        found.map(|attribute| attribute.value.to_string())
    };
    assert_eq!(resource("service.name").as_deref(), Some("shop"));
    assert_eq!(resource("shelves").as_deref(), Some("7"));
    assert_eq!(resource("place").as_deref(), Some("hall"));
    assert_eq!(resource("open").as_deref(), Some("[true,false]"));
    assert!(resource("host.arch").is_some() && resource("process.pid").is_some());
    for filtered in ["host.id", "os.type", "process.command", "service.instance.id"] {
        assert_eq!(resource(filtered), None, "{filtered}");
    }
}

#[test]
fn each_exporter_has_the_endpoint_headers_and_compression_of_its_node() {
    let (here, there) = (Collector::start(), Collector::start());
    let text = format!(
        "tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_http:
            endpoint: {}/v1/traces
            compression: gzip
            headers_list: x-key=list,x-other=a%20b
            headers: [{{name: x-key, value: here}}]
    - simple:
        exporter:
          otlp_http:
            endpoint: {}/v1/traces
",
        here.endpoint(),
        there.endpoint()
    );
    let telemetry = File::new(&text).builder().build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    for _ in 0..3 {
        tracer.start("work");
    }
    let report = telemetry.shutdown().to_string();
    assert_eq!(report, "spans to otlp: 3 exported; spans to otlp [exporter 2]: 3 exported");
    let [request] = &here.requests()[..] else { panic!() };
    let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(request.path, "/v1/traces");
    assert_eq!(header("x-key"), Some("here"));
    assert_eq!(header("x-other"), Some("a b"));
    assert_eq!(header("content-encoding"), Some("gzip"));
    // A span each.
    let requests = there.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.path == "/v1/traces"));
    assert!(requests.iter().all(|request| !request.headers.contains_key("x-key")));
}

#[test]
fn a_request_is_no_larger_than_the_file_allows() {
    let collector = Collector::start();
    let text = format!("{TRACES}            max_request_size: 2000\n")
        .replace("ENDPOINT", &collector.endpoint());
    let telemetry = File::new(&text).builder().build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    for _ in 0..50 {
        tracer.start("work");
    }
    assert!(telemetry.shutdown().is_complete());
    let requests = collector.requests();
    assert!(requests.len() > 1, "{}", requests.len());
    assert!(requests.iter().all(|request| request.body.len() <= 2000));
    assert_eq!(collector.spans().named("work").len(), 50);
}

#[test]
fn branches_of_a_parent_based_sampler_decide_for_their_parents() {
    use opentelemetry::Context;
    use opentelemetry::trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
    };
    let text = "tracer_provider:
  processors: [{simple: {exporter: {console: }}}]
  sampler:
    parent_based:
      root: {always_off: }
      remote_parent_sampled: {always_off: }
      remote_parent_not_sampled: {always_on: }
      local_parent_sampled: {always_on: }
      local_parent_not_sampled: {always_off: }
";
    let console = tracewire_init::Console::new().writer(std::io::sink());
    let telemetry = File::new(text).builder().console(console).build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    let kept = |flags, is_remote| {
        let parent =
            SpanContext::new(TraceId::from(1), SpanId::from(1), flags, is_remote, TraceState::NONE);
        let context = Context::new().with_remote_span_context(parent);
        tracer.start_with_context("work", &context).span_context().is_sampled()
    };
    assert!(!tracer.start_with_context("root", &Context::new()).span_context().is_sampled());
    assert!(!kept(TraceFlags::SAMPLED, true) && kept(TraceFlags::NOT_SAMPLED, true));
    assert!(kept(TraceFlags::SAMPLED, false) && !kept(TraceFlags::NOT_SAMPLED, false));
}

#[test]
fn a_rule_decides_by_attribute_and_kind() {
    use opentelemetry::trace::{SpanBuilder, SpanKind};
    let text = "tracer_provider:
  processors: [{simple: {exporter: {console: }}}]
  sampler:
    composite/development:
      rule_based:
        rules:
          - attribute_patterns: {key: url.path, included: ['/health*'], excluded: [/healthy]}
            span_kinds: [server]
            sampler: {always_off: }
          - attribute_values: {key: tier, values: ['1', '2']}
            parent: [none]
            sampler: {always_on: }
";
    let console = tracewire_init::Console::new().writer(std::io::sink());
    let telemetry = File::new(text).builder().console(console).build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    let kept = |kind: SpanKind, path: &'static str, tier: i64| {
        let attributes = [KeyValue::new("url.path", path), KeyValue::new("tier", tier)];
        let span = SpanBuilder::from_name("work").with_kind(kind).with_attributes(attributes);
        tracer.build_with_context(span, &opentelemetry::Context::new()).span_context().is_sampled()
    };
    assert!(!kept(SpanKind::Server, "/healthz", 1));
    assert!(kept(SpanKind::Server, "/healthy", 1));
    assert!(kept(SpanKind::Client, "/healthz", 2));
    assert!(!kept(SpanKind::Client, "/healthz", 3));
}

/// The metrics that are exported with these views and readers' settings.
fn metrics_with(more: &str, exporter: &str) -> Vec<Metric> {
    let collector = Collector::start();
    let text = format!(
        "meter_provider:
  readers:
    - periodic:
        exporter:
          otlp_http:
            endpoint: {}/v1/metrics
{exporter}
{more}
",
        collector.endpoint()
    );
    let telemetry = File::new(&text).builder().build().unwrap_or_else(|e| panic!("{e}\n{text}"));
    let provider = telemetry.meter_provider().unwrap();
    for meter in ["shop", "noise"] {
        let meter = provider.meter(meter);
        let counter = meter.u64_counter("orders").with_unit("1").build();
        for number in 0..5 {
            let attributes = [KeyValue::new("item", number), KeyValue::new("place", "hall")];
            counter.add(1, &attributes);
        }
        meter.f64_histogram("duration").build().record(3.0, &[]);
    }
    let report = telemetry.shutdown();
    assert!(report.is_complete(), "{report}");
    collector.metrics().to_vec()
}

fn of<'a>(metrics: &'a [Metric], scope: &str, name: &str) -> Option<&'a Metric> {
    metrics.iter().find(|metric| metric.scope == scope && metric.name == name)
}

#[test]
fn views_rename_aggregate_limit_and_drop() {
    let metrics = metrics_with(
        "  views:
    - selector: {instrument_name: ord*, instrument_type: counter, unit: '1', meter_name: shop}
      stream:
        name: sales
        description: What was sold.
        attribute_keys: {included: [place]}
    - selector: {instrument_name: duration, meter_name: shop}
      stream: {aggregation: {explicit_bucket_histogram: {boundaries: [1, 2]}}}
  meter_configurator/development:
    meters: [{name: nois*, config: {enabled: false}}]",
        "",
    );
    let sales = of(&metrics, "shop", "sales").unwrap();
    assert_eq!(sales.description, "What was sold.");
    assert_eq!((sales.points.len(), sales.points[0].value), (1, 5.0));
    assert_eq!(of(&metrics, "shop", "duration").unwrap().points[0].bounds, [1.0, 2.0]);
    assert!(of(&metrics, "shop", "orders").is_none(), "{metrics:?}");
    assert!(metrics.iter().all(|metric| metric.scope != "noise"), "{metrics:?}");
}

#[test]
fn cardinality_and_histograms_of_readers_hold_beside_views() {
    let limits = "      \
                  cardinality_limits: {default: 100, counter: 3}";
    let exponential =
        "            default_histogram_aggregation: base2_exponential_bucket_histogram";
    let view = "  views:
    - selector: {instrument_name: orders, meter_name: noise}
      stream: {aggregation_cardinality_limit: 50}";
    let exporter = format!("{exponential}\n  {limits}");
    let metrics = metrics_with(view, &exporter);
    // Two, and what overflows.
    assert!(of(&metrics, "shop", "orders").unwrap().points.len() <= 4, "{metrics:?}");
    assert_eq!(of(&metrics, "noise", "orders").unwrap().points.len(), 5);
    for scope in ["shop", "noise"] {
        let duration = of(&metrics, scope, "duration").unwrap();
        assert!(duration.points[0].bounds.is_empty(), "{duration:?}");
    }
}

#[cfg(feature = "logs")]
#[test]
fn loggers_are_kept_by_name_severity_and_trace() {
    use opentelemetry::logs::{LogRecord as _, Logger as _, LoggerProvider as _, Severity};
    let collector = Collector::start();
    let text = format!(
        "logger_provider:
  processors:
    - batch:
        exporter:
          otlp_http:
            endpoint: {}/v1/logs
  limits: {{attribute_count_limit: 1}}
  logger_configurator/development:
    default_config: {{minimum_severity: warn}}
    loggers:
      - name: quiet*
        config: {{enabled: false}}
      - name: loud
        config: {{minimum_severity: trace}}
",
        collector.endpoint()
    );
    let telemetry = File::new(&text).builder().build().unwrap();
    let provider = telemetry.logger_provider().unwrap();
    let emit = |name: &'static str, severity: Severity| {
        let logger = provider.logger(name);
        let mut record = logger.create_log_record();
        record.set_body(format!("{name} {severity:?}").into());
        record.set_severity_number(severity);
        record.add_attributes([("a", 1), ("b", 2)]);
        logger.emit(record);
    };
    emit("other", Severity::Info);
    emit("other", Severity::Error);
    emit("quieter", Severity::Error);
    emit("loud", Severity::Debug);
    let report = telemetry.shutdown();
    assert!(report.is_complete(), "{report}");
    let mut bodies: Vec<_> = collector.logs().iter().map(|log| log.body.clone()).collect();
    bodies.sort();
    assert_eq!(bodies, ["loud Debug", "other Error"]);
    assert!(collector.logs().iter().all(|log| log.attributes.len() == 1));
}

#[test]
fn components_of_the_program_run_where_the_file_names_them() {
    let text = "resource: {detection/development: {detectors: [{cloud: {zone: a1}}]}}
propagator: {composite: [{acme: {header: x-acme}}], composite_list: tracecontext}
tracer_provider:
  processors:
    - tenant: {keys: [tenant]}
    - simple: {exporter: {memory: }}
meter_provider:
  readers: [{periodic: {exporter: {meters: }}}]
";
    let memory = InMemorySpanExporter::default();
    let exporter = memory.clone();
    let meters = opentelemetry_sdk::metrics::InMemoryMetricExporter::default();
    let metric_exporter = meters.clone();
    let file = File::new(text);
    let telemetry = file
        .builder()
        .component(Component::span_exporter("memory", move |_| Ok::<_, String>(exporter.clone())))
        .component(Component::span_processor("tenant", |properties| {
            let keys = properties["keys"].as_array().ok_or("no keys")?;
            let keys = keys.iter().filter_map(|key| key.as_str().map(str::to_owned));
            Ok::<_, &str>(tracewire_init::BaggageAttributes::new(keys))
        }))
        .component(Component::metric_exporter("meters", move |_| {
            Ok::<_, String>(metric_exporter.clone())
        }))
        .component(Component::resource_detector("cloud", |properties| {
            let zone = properties["zone"].as_str().unwrap_or_default().to_owned();
            Ok::<_, String>(Zone(zone))
        }))
        .component(Component::propagator("acme", |_| {
            Ok::<_, String>(tracewire_propagation::Composite::default())
        }))
        .build()
        .unwrap();
    let plan = telemetry.plan().to_string();
    assert!(plan.contains("OTEL_PROPAGATORS = Composite"), "{plan}");
    use opentelemetry::Context;
    use opentelemetry::baggage::BaggageExt;
    let context = Context::new().with_baggage([KeyValue::new("tenant", "seven")]);
    telemetry.tracer_provider().unwrap().tracer("test").start_with_context("work", &context);
    telemetry.meter_provider().unwrap().meter("test").u64_counter("c").build().add(1, &[]);
    assert!(telemetry.flush().is_complete());
    let spans = memory.get_finished_spans().unwrap();
    assert_eq!(spans[0].attributes, [KeyValue::new("tenant", "seven")]);
    let metrics = meters.get_finished_metrics().unwrap();
    let zone = metrics[0].resource().get(&opentelemetry::Key::from_static_str("cloud.zone"));
    assert_eq!(zone.unwrap().as_str(), "a1");
    telemetry.shutdown();
}

struct Zone(String);

impl opentelemetry_sdk::resource::ResourceDetector for Zone {
    fn detect(&self) -> opentelemetry_sdk::Resource {
        let zone = KeyValue::new("cloud.zone", self.0.clone());
        opentelemetry_sdk::Resource::builder_empty().with_attribute(zone).build()
    }
}

#[test]
fn the_schema_url_of_the_resource_is_sent() {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use prost::Message;
    let collector = Collector::start();
    let url = "https://opentelemetry.io/schemas/1.30.0";
    span_with(&collector, &format!("resource: {{schema_url: '{url}'}}\n{TRACES}"));
    let request = &collector.requests()[0];
    let request = ExportTraceServiceRequest::decode(&*request.body).unwrap();
    assert_eq!(request.resource_spans[0].schema_url, url);
}

#[test]
fn a_disabled_file_makes_nothing() {
    let telemetry = File::new(&format!("disabled: true\n{TRACES}").replace("ENDPOINT", "http://h"))
        .builder()
        .build()
        .unwrap();
    assert!(telemetry.tracer_provider().is_none() && telemetry.meter_provider().is_none());
}

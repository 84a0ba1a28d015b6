//! Parts of the program that panic, and what is exported all the same.

use std::time::Duration;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{
    Link, Span as _, SpanId, SpanKind, TraceId, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource as SdkResource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, InstrumentKind, Pipeline, Temporality};
use opentelemetry_sdk::resource::ResourceDetector;
use opentelemetry_sdk::trace::{
    IdGenerator, InMemorySpanExporter, Sampler, SamplingResult, ShouldSample, Span, SpanData,
    SpanProcessor,
};
use tracewire_init::{
    Builder, Metrics, MetricsExporter, Resource, Telemetry, Traces, TracesExporter,
};

/// Panics in everything that it is asked.
#[derive(Clone, Debug)]
struct Panicking;

impl SpanProcessor for Panicking {
    fn on_start(&self, _span: &mut Span, _context: &Context) {
        panic!("start")
    }

    fn on_end(&self, _span: SpanData) {
        panic!("end")
    }

    fn force_flush(&self) -> OTelSdkResult {
        panic!("flush")
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        panic!("shutdown")
    }

    fn set_resource(&mut self, _resource: &SdkResource) {
        panic!("resource")
    }
}

impl MetricReader for Panicking {
    fn register_pipeline(&self, _pipeline: std::sync::Weak<Pipeline>) {
        panic!("register")
    }

    fn collect(&self, _metrics: &mut ResourceMetrics) -> OTelSdkResult {
        panic!("collect")
    }

    fn force_flush(&self) -> OTelSdkResult {
        panic!("flush")
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        panic!("shutdown")
    }

    fn temporality(&self, _kind: InstrumentKind) -> Temporality {
        panic!("temporality")
    }
}

impl PushMetricExporter for Panicking {
    async fn export(&self, _metrics: &ResourceMetrics) -> OTelSdkResult {
        panic!("export")
    }

    fn force_flush(&self) -> OTelSdkResult {
        panic!("flush")
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        panic!("shutdown")
    }

    fn temporality(&self) -> Temporality {
        panic!("temporality")
    }
}

impl ResourceDetector for Panicking {
    fn detect(&self) -> SdkResource {
        panic!("detect")
    }
}

#[cfg(feature = "logs")]
impl opentelemetry_sdk::logs::LogProcessor for Panicking {
    fn emit(
        &self,
        _record: &mut opentelemetry_sdk::logs::SdkLogRecord,
        _scope: &opentelemetry::InstrumentationScope,
    ) {
        panic!("emit")
    }
    fn force_flush(&self) -> OTelSdkResult {
        panic!("flush")
    }
    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        panic!("shutdown")
    }
    fn event_enabled(
        &self,
        _level: opentelemetry::logs::Severity,
        _target: &str,
        _name: Option<&str>,
    ) -> bool {
        panic!("enabled")
    }
}

fn nothing() -> Builder {
    Telemetry::builder().traces([]).metrics([]).logs([])
}

#[test]
fn a_span_processor_that_panics_keeps_no_span_from_its_export() {
    let exporter = InMemorySpanExporter::default();
    let traces = Traces::new()
        .exporters([TracesExporter::custom(exporter.clone())])
        .processor_first(Panicking)
        .processor(Panicking);
    let telemetry = nothing().traces(traces).build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    tracer.start("one").end();
    telemetry.flush();
    assert_eq!(exporter.get_finished_spans().unwrap().len(), 1);
    tracer.start("two").end();
    assert_eq!(telemetry.shutdown().to_string(), "spans to exporter: 2 exported");
}

impl IdGenerator for Panicking {
    fn new_trace_id(&self) -> TraceId {
        panic!("trace id")
    }

    fn new_span_id(&self) -> SpanId {
        panic!("span id")
    }
}

#[test]
fn where_an_id_generator_panics_ids_are_random() {
    let exporter = InMemorySpanExporter::default();
    let traces =
        Traces::new().exporters([TracesExporter::custom(exporter.clone())]).id_generator(Panicking);
    let telemetry = nothing().traces(traces).build().unwrap();
    telemetry.tracer_provider().unwrap().tracer("test").start("one").end();
    telemetry.flush();
    assert!(exporter.get_finished_spans().unwrap()[0].span_context.is_valid());
    telemetry.shutdown();
}

impl ShouldSample for Panicking {
    fn should_sample(
        &self,
        _parent: Option<&Context>,
        _trace: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        panic!("sampler")
    }
}

#[test]
fn where_a_sampler_panics_the_span_is_dropped() {
    let exporter = InMemorySpanExporter::default();
    for traces in [
        Traces::new().sampler(Panicking),
        Traces::new().sampler(Sampler::ParentBased(Box::new(Panicking))),
    ] {
        let traces = traces.exporters([TracesExporter::custom(exporter.clone())]);
        let telemetry = nothing().traces(traces).build().unwrap();
        let span = telemetry.tracer_provider().unwrap().tracer("test").start("one");
        assert!(!span.span_context().is_sampled());
        telemetry.shutdown();
    }
}

#[test]
fn a_span_processor_that_panics_as_the_stack_unwinds_does_not_abort() {
    let traces = Traces::new().exporters([]).processor(Panicking);
    let telemetry = nothing().traces(traces).build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    let unwound = std::thread::spawn(move || {
        let _span = tracer.start("cut short");
        panic!("the program's own");
    });
    let payload = unwound.join().unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the program's own"));
    telemetry.shutdown();
}

#[test]
fn an_exporter_a_reader_and_a_view_that_panic_keep_no_metric_from_its_export() {
    let exporter = InMemoryMetricExporter::default();
    let each_hour = MetricsExporter::custom(exporter.clone()).interval(Duration::from_secs(3600));
    let metrics = Metrics::new().exporters([each_hour]).reader(Panicking).view(|_| panic!("view"));
    let telemetry = nothing().metrics(metrics).build().unwrap();
    telemetry.meter_provider().unwrap().meter("test").u64_counter("orders").build().add(1, &[]);
    telemetry.flush();
    assert!(!exporter.get_finished_metrics().unwrap().is_empty());
    telemetry.shutdown();
}

#[test]
fn a_detector_that_panics_costs_its_own_facts() {
    let exporter = InMemorySpanExporter::default();
    let resource = Resource::new().detector(Panicking).attribute(KeyValue::new("rack", 7));
    let telemetry =
        nothing().resource(resource).traces([TracesExporter::custom(exporter)]).build().unwrap();
    assert!(telemetry.shutdown().is_complete());
}

#[cfg(feature = "logs")]
#[test]
fn a_log_processor_that_panics_keeps_no_record_from_its_export() {
    use opentelemetry::logs::{Logger as _, LoggerProvider as _};
    use opentelemetry_sdk::logs::InMemoryLogExporter;
    use tracewire_init::{Logs, LogsExporter};

    let exporter = InMemoryLogExporter::default();
    let logs = Logs::new().exporters([LogsExporter::custom(exporter.clone())]).processor(Panicking);
    let telemetry = nothing().logs(logs).build().unwrap();
    let logger = telemetry.logger_provider().unwrap().logger("test");
    logger.emit(logger.create_log_record());
    telemetry.flush();
    assert_eq!(exporter.get_emitted_logs().unwrap().len(), 1);
    telemetry.shutdown();
}

#[cfg(feature = "logs")]
#[test]
fn an_exporter_of_log_records_that_panics_is_asked_again() {
    use opentelemetry::logs::{Logger as _, LoggerProvider as _};
    use opentelemetry_sdk::logs::{LogBatch, LogExporter};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tracewire_init::{Batching, Logs, LogsExporter};

    #[derive(Debug)]
    struct Once(Arc<AtomicUsize>);
    impl LogExporter for Once {
        async fn export(&self, _batch: LogBatch<'_>) -> OTelSdkResult {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "the first time");
            Ok(())
        }
    }

    let exports = Arc::new(AtomicUsize::new(0));
    // As many places as can be asked for cost no memory.
    let logs = Logs::new()
        .exporters([LogsExporter::custom(Once(Arc::clone(&exports)))])
        .batching(Batching::new().queue_size(u32::MAX).batch_size(u32::MAX));
    let telemetry = nothing().logs(logs).build().unwrap();
    let logger = telemetry.logger_provider().unwrap().logger("test");
    for _ in 0..2 {
        logger.emit(logger.create_log_record());
        telemetry.flush();
    }
    assert_eq!(exports.load(Ordering::Relaxed), 2);
    telemetry.shutdown();
}

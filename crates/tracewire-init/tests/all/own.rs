//! What a program brings itself: clients, exporters, processors, readers, views, ids, detectors.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Span as _, SpanId, TraceId, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_sdk::Resource as SdkResource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, ManualReader, Stream};
use opentelemetry_sdk::resource::ResourceDetector;
use opentelemetry_sdk::trace::{IdGenerator, InMemorySpanExporter, Span, SpanData, SpanProcessor};
use tracewire_init::{
    Builder, Metrics, MetricsExporter, Otlp, Resource, Telemetry, Traces, TracesExporter,
};

/// Signs each request as clouds want it, and keeps it.
#[derive(Debug)]
struct Signing(Mutex<Sender<Request<Bytes>>>);

#[async_trait]
impl HttpClient for Signing {
    async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sum = request.body().iter().fold(0_u64, |sum, byte| sum + u64::from(*byte));
        request.headers_mut().insert("x-signature", sum.into());
        self.0.lock().unwrap().send(request)?;
        Ok(Response::new(Bytes::new()))
    }
}

/// Speaks HTTP over a Unix socket.
#[derive(Debug)]
struct OverSocket(std::path::PathBuf);

#[async_trait]
impl HttpClient for OverSocket {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut stream = UnixStream::connect(&self.0)?;
        let (path, body) = (request.uri().path(), request.body());
        let head = format!("POST {path} HTTP/1.0\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status: u16 = status.ok_or("no status")?;
        Ok(Response::builder().status(status).body(Bytes::new())?)
    }
}

fn only_traces() -> Builder {
    Telemetry::builder().metrics([]).logs([])
}

fn work(telemetry: &Telemetry) {
    telemetry.tracer_provider().unwrap().tracer("test").start("work");
}

#[test]
fn a_client_of_the_program_sends_all_signals_and_may_sign() {
    let (sent, requests) = channel();
    let client = Signing(Mutex::new(sent));
    let telemetry = only_traces()
        .traces([TracesExporter::otlp()])
        .metrics([MetricsExporter::otlp()])
        .otlp(Otlp::new().endpoint("https://collector.invalid").http_client(client))
        .build()
        .unwrap();
    work(&telemetry);
    telemetry.meter_provider().unwrap().meter("test").u64_counter("orders").build().add(1, &[]);
    let report = telemetry.shutdown();
    assert!(report.is_complete(), "{report}");
    let requests: Vec<_> = requests.try_iter().collect();
    let mut paths: Vec<_> = requests.iter().map(|request| request.uri().path()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/v1/metrics", "/v1/traces"]);
    assert!(requests.iter().all(|request| request.headers().contains_key("x-signature")));
}

#[test]
fn a_client_of_the_program_may_speak_over_a_unix_socket() {
    let path = std::env::temp_dir().join(format!("tracewire-init-{}.sock", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        stream.read_to_end(&mut request).unwrap();
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").unwrap();
        String::from_utf8_lossy(&request).lines().next().unwrap().to_owned()
    });
    let otlp = Otlp::new().http_client(OverSocket(path.clone()));
    let telemetry = only_traces().traces([TracesExporter::otlp_with(otlp)]).build().unwrap();
    work(&telemetry);
    assert_eq!(telemetry.shutdown().to_string(), "spans to otlp: 1 exported");
    assert_eq!(server.join().unwrap(), "POST /v1/traces HTTP/1.0");
    std::fs::remove_file(path).unwrap();
}

/// Marks spans as they start, and says what it sees.
#[derive(Debug)]
struct Marking(&'static str, Arc<Mutex<Vec<String>>>);

impl SpanProcessor for Marking {
    fn on_start(&self, span: &mut Span, _context: &Context) {
        span.set_attribute(KeyValue::new(self.0, true));
        self.1.lock().unwrap().push(format!("{} starts", self.0));
    }

    fn on_end(&self, span: SpanData) {
        self.1.lock().unwrap().push(format!("{} ends {}", self.0, span.name));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[test]
fn processors_stand_around_the_exporters_in_the_order_given() {
    let seen = Arc::default();
    let marking = |name| Marking(name, Arc::clone(&seen));
    let exporter = InMemorySpanExporter::default();
    let traces = Traces::new()
        .exporters([TracesExporter::custom(exporter.clone())])
        .processor(marking("third"))
        .processor_first(marking("first"))
        .processor(marking("fourth"))
        .processor_first(marking("second"));
    let telemetry = only_traces().traces(traces).build().unwrap();
    work(&telemetry);
    telemetry.flush();
    let attributes = exporter.get_finished_spans().unwrap().remove(0).attributes;
    assert_eq!(attributes.len(), 4);
    assert!(telemetry.shutdown().is_complete());
    let names = ["first", "second", "third", "fourth"];
    let starts = names.map(|name| format!("{name} starts"));
    let ends = names.map(|name| format!("{name} ends work"));
    assert_eq!(*seen.lock().unwrap(), [starts, ends].concat());
}

/// Counts up.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl IdGenerator for Counting {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1))
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

struct Rack;

impl ResourceDetector for Rack {
    fn detect(&self) -> SdkResource {
        SdkResource::builder_empty().with_attribute(KeyValue::new("rack", 7)).build()
    }
}

#[test]
fn ids_and_facts_of_the_program_are_exported() {
    let exporter = InMemorySpanExporter::default();
    let traces = Traces::new()
        .exporters([TracesExporter::custom(exporter.clone())])
        .id_generator(Counting::default());
    let reader = ManualHandle::default();
    let telemetry = only_traces()
        .traces(traces)
        .metrics(Metrics::new().exporters([]).reader(reader.clone()))
        .resource(Resource::new().detector(Rack))
        .build()
        .unwrap();
    work(&telemetry);
    telemetry.flush();
    let span = exporter.get_finished_spans().unwrap().remove(0);
    assert!(u128::from_be_bytes(span.span_context.trace_id().to_bytes()) < 10, "{span:?}");
    let mut metrics = ResourceMetrics::default();
    reader.0.collect(&mut metrics).unwrap();
    assert_eq!(metrics.resource().get(&"rack".into()), Some(7.into()));
}

/// A reader that the test keeps.
#[derive(Clone, Debug)]
struct ManualHandle(Arc<ManualReader>);

impl Default for ManualHandle {
    fn default() -> Self {
        Self(Arc::new(ManualReader::builder().build()))
    }
}

impl MetricReader for ManualHandle {
    fn register_pipeline(&self, pipeline: std::sync::Weak<opentelemetry_sdk::metrics::Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(
        &self,
        kind: opentelemetry_sdk::metrics::InstrumentKind,
    ) -> opentelemetry_sdk::metrics::Temporality {
        self.0.temporality(kind)
    }
}

#[test]
fn an_exporter_of_metrics_of_the_program_gets_what_views_leave() {
    let exporter = InMemoryMetricExporter::default();
    let metrics = Metrics::new()
        .exporters([MetricsExporter::custom(exporter.clone()).interval(Duration::from_secs(3600))])
        .view(|instrument| {
            let stream = Stream::builder().with_name("sold");
            (instrument.name() == "orders").then(|| stream.build().ok())?
        });
    let telemetry = only_traces().traces([]).metrics(metrics).build().unwrap();
    telemetry.meter_provider().unwrap().meter("test").u64_counter("orders").build().add(1, &[]);
    telemetry.flush();
    let exported = exporter.get_finished_metrics().unwrap();
    let names: Vec<_> = exported
        .iter()
        .flat_map(|metrics| metrics.scope_metrics())
        .flat_map(|scope| scope.metrics())
        .map(|metric| metric.name().to_owned())
        .collect();
    assert_eq!(names, ["sold"]);
    assert!(telemetry.shutdown().is_complete());
}

#[cfg(feature = "logs")]
#[test]
fn exporters_and_processors_of_log_records_of_the_program_get_them() {
    use opentelemetry::InstrumentationScope;
    use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _};
    use opentelemetry_sdk::logs::{InMemoryLogExporter, LogProcessor, SdkLogRecord};
    use tracewire_init::{Logs, LogsExporter};

    #[derive(Debug)]
    struct Telling(Mutex<Sender<()>>);
    impl LogProcessor for Telling {
        fn emit(&self, _record: &mut SdkLogRecord, _scope: &InstrumentationScope) {
            self.0.lock().unwrap().send(()).unwrap();
        }
        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }
        fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    let (exporter, (tell, told)) = (InMemoryLogExporter::default(), channel());
    let logs = Logs::new()
        .exporters([LogsExporter::custom(exporter.clone())])
        .processor(Telling(Mutex::new(tell)));
    let telemetry = only_traces().traces([]).logs(logs).build().unwrap();
    let logger = telemetry.logger_provider().unwrap().logger("test");
    let mut record = logger.create_log_record();
    record.set_body(AnyValue::from("sold"));
    logger.emit(record);
    telemetry.flush();
    assert_eq!(exporter.get_emitted_logs().unwrap().len(), 1);
    assert_eq!(told.try_iter().count(), 1);
}

#[cfg(feature = "prometheus")]
#[test]
fn a_mounted_page_opens_no_port() {
    use tracewire_init::Prometheus;
    let page = MetricsExporter::prometheus_with(Prometheus::new().mounted());
    let telemetry = only_traces().traces([]).metrics([page]).build().unwrap();
    assert!(telemetry.prometheus_service().is_some());
    assert!(!telemetry.plan().to_string().contains("PROMETHEUS_PORT"));
}

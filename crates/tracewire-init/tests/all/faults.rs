//! Collectors that fail: nothing hangs, nothing panics, and every lost span is told of.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::collector::{Answer, Collector, refusing};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId,
    TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, Key, KeyValue, StringValue, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SpanData, SpanExporter};
#[cfg(feature = "zipkin")]
use tracewire_init::Zipkin;
use tracewire_init::{
    Batching, Builder, Console, Metrics, MetricsExporter, Otlp, ShutdownReport, SignalReport,
    Telemetry, Traces, TracesExporter,
};
#[cfg(feature = "logs")]
use tracewire_init::{Logs, LogsExporter};

/// More than any deadline here, and far less than any timeout that must not count.
const FAR_TOO_LONG: Duration = Duration::from_secs(8);

fn builder(endpoint: String) -> Builder {
    Telemetry::builder()
        .service_name("shop")
        .traces(Traces::new().exporters([TracesExporter::otlp()]))
        .metrics(Metrics::new().exporters([]))
        .otlp(Otlp::new().endpoint(endpoint))
}

fn record(telemetry: &Telemetry, spans: usize) {
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    for _ in 0..spans {
        tracer.start("span");
    }
}

/// Records spans, ends telemetry, and gives the report and how long that took.
fn end(telemetry: Telemetry, spans: usize) -> (ShutdownReport, Duration) {
    record(&telemetry, spans);
    let begun = Instant::now();
    let report = telemetry.shutdown();
    (report, begun.elapsed())
}

/// Exported, failed, dropped, unknown.
fn outcomes(report: &SignalReport) -> [u64; 4] {
    [report.exported(), report.failed(), report.dropped(), report.unknown()]
}

#[test]
fn a_refusing_collector_fails_every_span() {
    let url = refusing();
    let (report, took) = end(builder(url.clone()).build().unwrap(), 1_500);
    let spans = &report.signals()[0];
    assert_eq!(outcomes(spans), [0, 1_500, 0, 0]);
    let reason = spans.reason().unwrap();
    assert!(reason.contains(&url) && reason.contains("refused"), "{reason}");
    assert!(took < FAR_TOO_LONG, "{took:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_refusing_collector_does_not_hang_a_current_thread_runtime() {
    let (report, took) = end(builder(refusing()).build().unwrap(), 100);
    assert_eq!(outcomes(&report.signals()[0]), [0, 100, 0, 0]);
    assert!(took < FAR_TOO_LONG, "{took:?}");
}

#[test]
fn a_hanging_collector_costs_no_more_than_the_deadline() {
    let collector = Collector::start([Answer::Hang]);
    let telemetry = Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::otlp()]))
        .metrics(Metrics::new().exporters([MetricsExporter::otlp()]))
        .otlp(Otlp::new().endpoint(collector.url()))
        .shutdown_timeout(Duration::from_millis(500))
        .build()
        .unwrap();
    telemetry.meter_provider().unwrap().meter("test").u64_counter("orders").build().add(1, &[]);
    let (report, took) = end(telemetry, 1_500);
    assert!(took < FAR_TOO_LONG, "{took:?}");
    assert_eq!(report.lost(), 1_501);
    assert!(!report.is_complete());
}

#[tokio::test(flavor = "current_thread")]
async fn a_hanging_collector_does_not_hang_a_current_thread_runtime() {
    let collector = Collector::start([Answer::Hang]);
    let telemetry = builder(collector.url()).build().unwrap();
    record(&telemetry, 10);
    let begun = Instant::now();
    let report = telemetry.shutdown_timeout(Duration::from_millis(300));
    assert!(begun.elapsed() < FAR_TOO_LONG);
    assert_eq!(report.lost(), 10);
}

/// A port that takes no connection and refuses none: its queue of connections is full.
#[cfg(target_os = "linux")]
fn black_hole() -> (tokio::net::TcpListener, Vec<std::net::TcpStream>, String) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let connect = || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300));
    let queued: Vec<_> = std::iter::from_fn(|| connect().ok()).take(64).collect();
    assert!(queued.len() < 64);
    (listener, queued, format!("http://{address}"))
}

#[cfg(target_os = "linux")]
#[test]
fn a_black_hole_costs_no_more_than_the_deadline() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let (_listener, _queued, url) = runtime.block_on(async { black_hole() });
    let telemetry = builder(url.clone()).build().unwrap();
    record(&telemetry, 10);
    let begun = Instant::now();
    let report = telemetry.shutdown_timeout(Duration::from_millis(500));
    assert!(begun.elapsed() < FAR_TOO_LONG);
    assert_eq!(outcomes(&report.signals()[0]), [0, 10, 0, 0]);
    let reason = report.signals()[0].reason().unwrap();
    assert!(reason.contains(&url) && reason.contains("timed out"), "{reason}");
}

#[test]
fn a_redirect_is_not_followed() {
    let collector = Collector::start([Answer::Redirect]);
    let (report, _) = end(builder(collector.url()).build().unwrap(), 10);
    assert_eq!(outcomes(&report.signals()[0]), [0, 10, 0, 0]);
    assert_eq!(collector.received().len(), 1);
}

#[test]
fn a_slow_collector_gets_everything() {
    let collector = Collector::start([Answer::Late(Duration::from_millis(100))]);
    let (report, _) = end(builder(collector.url()).build().unwrap(), 1_500);
    assert_eq!(outcomes(&report.signals()[0]), [1_500, 0, 0, 0]);
    assert_eq!(collector.spans(), 1_500);
}

#[test]
fn a_refused_batch_is_not_sent_again() {
    let collector = Collector::start([Answer::Status(400)]);
    let (report, _) = end(builder(collector.url()).build().unwrap(), 10);
    let spans = &report.signals()[0];
    assert_eq!(outcomes(spans), [0, 10, 0, 0]);
    assert_eq!(spans.reason(), Some(&*format!("HTTP 400 from {}/v1/traces", collector.url())));
    assert_eq!(collector.received().len(), 1);
}

#[test]
fn an_overloaded_collector_is_tried_again() {
    let collector = Collector::start([Answer::Status(503), Answer::Status(429), Answer::Accept]);
    let (report, _) = end(builder(collector.url()).build().unwrap(), 10);
    assert!(report.is_complete(), "{report}");
    assert_eq!(collector.received().len(), 3);
}

#[test]
fn retry_after_is_obeyed() {
    let collector = Collector::start([Answer::RetryAfter(503, 0), Answer::Accept]);
    let (report, _) = end(builder(collector.url()).build().unwrap(), 10);
    assert!(report.is_complete(), "{report}");
}

#[test]
fn a_retry_after_beyond_the_time_limit_gives_the_batch_up_at_once() {
    let collector = Collector::start([Answer::RetryAfter(503, 600)]);
    let (report, took) = end(builder(collector.url()).build().unwrap(), 10);
    assert_eq!(outcomes(&report.signals()[0]), [0, 10, 0, 0]);
    assert_eq!(collector.received().len(), 1);
    assert!(took < FAR_TOO_LONG, "{took:?}");
}

#[test]
fn a_partly_rejected_batch_counts_in_part() {
    let collector = Collector::start([Answer::Reject(3)]);
    let (report, _) = end(builder(collector.url()).build().unwrap(), 10);
    assert_eq!(
        report.to_string(),
        "spans to otlp: 7 exported, 3 failed (the collector rejected them: too old)"
    );
}

#[test]
fn a_burst_beyond_the_queue_is_counted_while_running() {
    let collector = Collector::start([Answer::Hang]);
    let telemetry = builder(collector.url())
        .traces(Traces::new().batching(Batching::new().queue_size(64)))
        .build()
        .unwrap();
    record(&telemetry, 3_000);
    let running = telemetry.report();
    let spans = &running.signals()[0];
    // At most sixteen batches are under way and one queue is full.
    assert!(spans.dropped() >= 3_000 - 17 * 64, "{running}");
    assert_eq!(outcomes(spans).iter().sum::<u64>(), 3_000);
    assert_eq!(spans.reason(), Some("the queue is full, see OTEL_BSP_MAX_QUEUE_SIZE"));
    let report = telemetry.shutdown_timeout(Duration::from_millis(100));
    assert_eq!(outcomes(&report.signals()[0]).iter().sum::<u64>(), 3_000);
}

/// Keeps what is said at level WARN.
struct Ears(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Ears {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN && metadata.target() == "tracewire"
    }

    fn event(&self, event: &tracing::Event<'_>) {
        struct Message<'a>(&'a mut Vec<String>);

        impl tracing::field::Visit for Message<'_> {
            fn record_debug(&mut self, _: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push(format!("{value:?}"));
            }
        }

        event.record(&mut Message(&mut self.0.lock().unwrap()));
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// Spans in the bodies that a Zipkin server got.
#[cfg(feature = "zipkin")]
fn zipkin_spans(collector: &Collector) -> usize {
    let received = collector.received();
    let lists = received.iter().map(|request| {
        serde_json::from_slice::<Vec<serde_json::Value>>(&request.body).unwrap().len()
    });
    lists.sum()
}

/// Long enough for what does not hang, on a busy machine too.
#[cfg(feature = "zipkin")]
const DEADLINE: Duration = Duration::from_secs(2);

#[cfg(feature = "zipkin")]
#[test]
fn a_hanging_exporter_of_spans_does_not_keep_the_other_one() {
    use TracesExporter as To;
    for exporters in [[To::otlp(), To::zipkin()], [To::zipkin(), To::otlp()]] {
        let (hanging, zipkin) =
            (Collector::start([Answer::Hang]), Collector::start([Answer::Accept]));
        let telemetry = builder(hanging.url())
            .traces(Traces::new().exporters(exporters))
            .traces(Traces::new().zipkin(Zipkin::new().endpoint(zipkin.url())))
            .shutdown_timeout(DEADLINE)
            .build()
            .unwrap();
        record(&telemetry, 20);
        telemetry.flush();
        assert_eq!(zipkin_spans(&zipkin), 20);
        let (report, took) = end(telemetry, 10);
        assert_eq!(zipkin_spans(&zipkin), 30, "{report}");
        assert!(took < FAR_TOO_LONG, "{took:?}");
    }
}

/// What is written to the console.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Screen {
    fn lines_with(&self, text: &str) -> usize {
        let shown = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        shown.lines().filter(|line| line.contains(text)).count()
    }
}

#[test]
fn a_hanging_exporter_of_metrics_does_not_keep_the_other_one() {
    use MetricsExporter as To;
    for exporters in [[To::otlp(), To::console()], [To::console(), To::otlp()]] {
        let (hanging, screen) = (Collector::start([Answer::Hang]), Screen::default());
        let telemetry = builder(hanging.url())
            .traces(Traces::new().exporters([]))
            .metrics(Metrics::new().exporters(exporters))
            .console(Console::new().writer(screen.clone()))
            .shutdown_timeout(Duration::from_secs(2))
            .build()
            .unwrap();
        let meter = telemetry.meter_provider().unwrap().meter("test");
        meter.u64_counter("orders").build().add(1, &[]);
        telemetry.flush();
        assert_eq!(screen.lines_with("orders"), 1);
        let report = telemetry.shutdown();
        assert_eq!(screen.lines_with("orders"), 2, "{report}");
        let console = report.signals().iter().find(|signal| signal.exporter() == "console");
        assert_eq!(outcomes(console.unwrap()), [2, 0, 0, 0], "{report}");
    }
}

#[cfg(feature = "logs")]
#[test]
fn a_hanging_exporter_of_logs_does_not_keep_the_other_one() {
    use LogsExporter as To;
    use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _};
    for exporters in [[To::otlp(), To::console()], [To::console(), To::otlp()]] {
        let (hanging, screen) = (Collector::start([Answer::Hang]), Screen::default());
        let telemetry = builder(hanging.url())
            .traces(Traces::new().exporters([]))
            .logs(Logs::new().exporters(exporters))
            .console(Console::new().writer(screen.clone()))
            .shutdown_timeout(Duration::from_millis(300))
            .build()
            .unwrap();
        let logger = telemetry.logger_provider().unwrap().logger("test");
        let mut record = logger.create_log_record();
        record.set_body(AnyValue::from("sold"));
        logger.emit(record);
        let report = telemetry.shutdown();
        assert_eq!(screen.lines_with("sold"), 1, "{report}");
        assert_eq!(report.lost(), 1, "{report}");
    }
}

#[test]
fn metrics_that_wait_for_a_hanging_export_are_counted() {
    let hanging = Collector::start([Answer::Hang]);
    let telemetry = builder(hanging.url())
        .traces(Traces::new().exporters([]))
        .metrics(Metrics::new().exporters([MetricsExporter::otlp(), MetricsExporter::console()]))
        .console(Console::new().writer(Screen::default()))
        .shutdown_timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    let meter = telemetry.meter_provider().unwrap().meter("test");
    meter.u64_counter("orders").build().add(1, &[]);
    for _ in 0..5 {
        telemetry.flush();
    }
    let report = telemetry.shutdown();
    let otlp = &report.signals()[0];
    assert_eq!((otlp.exporter(), otlp.exported()), ("otlp", 0), "{report}");
    assert!(otlp.dropped() >= 2, "{report}");
    assert_eq!(otlp.reason(), Some("an earlier export is still under way"));
}

#[test]
fn an_overflow_is_told_at_once_and_not_for_each_span() {
    let collector = Collector::start([Answer::Hang]);
    let telemetry = builder(collector.url())
        .traces(Traces::new().batching(Batching::new().queue_size(64)))
        .build()
        .unwrap();
    let heard = Arc::default();
    tracing::subscriber::with_default(Ears(Arc::clone(&heard)), || record(&telemetry, 1_000));
    assert_eq!(
        *heard.lock().unwrap(),
        ["spans to otlp: 1 dropped (the queue is full, see OTEL_BSP_MAX_QUEUE_SIZE)"]
    );
    telemetry.shutdown_timeout(Duration::from_millis(100));
}

#[test]
fn a_burst_within_the_queue_arrives_whole() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = builder(collector.url())
        .traces(Traces::new().batching(Batching::new().queue_size(32_768)))
        .build()
        .unwrap();
    let (report, _) = end(telemetry, 20_000);
    assert_eq!(outcomes(&report.signals()[0]), [20_000, 0, 0, 0]);
    assert_eq!(collector.spans(), 20_000);
}

#[test]
fn hostile_attributes_fill_the_queue_by_their_bytes() {
    let collector = Collector::start([Answer::Hang]);
    let telemetry = builder(collector.url()).build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    let query = "x".repeat(60_000);
    for _ in 0..1_000 {
        let attribute = KeyValue::new(Key::from_static_str("url.query"), query.clone());
        tracer.span_builder("span").with_attributes([attribute]).start(&tracer);
    }
    let report = telemetry.shutdown_timeout(Duration::from_millis(100));
    let spans = &report.signals()[0];
    let kept = spans.failed() + spans.unknown();
    assert!(kept * 60_000 <= 10 * 1024 * 1024, "{report}");
    assert!(kept > 100, "{report}");
    assert_eq!(kept + spans.dropped(), 1_000);
}

const LONG: usize = 60_000;

fn long() -> String {
    "x".repeat(LONG)
}

/// The trace state is as long as one may be: 32 members of 512 characters.
fn with_state() -> SpanContext {
    let members = (10..42).map(|number| (format!("{number:k<256}"), "v".repeat(256)));
    let state = TraceState::from_key_value(members).unwrap();
    SpanContext::new(TraceId::from(1), SpanId::from(1), TraceFlags::SAMPLED, true, state)
}

type Record = fn(&SdkTracer);

/// Each makes one span that holds about 60 KB, or as much as trace state may hold.
const LARGE: [(&str, Record); 7] = [
    ("name", |tracer| drop(tracer.start(long()))),
    ("status", |tracer| tracer.start("span").set_status(Status::error(long()))),
    ("key", |tracer| tracer.start("span").set_attribute(KeyValue::new(long(), 1))),
    ("event", |tracer| tracer.start("span").add_event(long(), vec![])),
    ("link", |tracer| {
        let links = vec![Link::with_context(with_state()); 4];
        tracer.span_builder("span").with_links(links).start(tracer);
    }),
    ("trace state", |tracer| {
        let parent = Context::new().with_remote_span_context(with_state());
        tracer.start_with_context("span", &parent);
    }),
    ("list", |tracer| {
        let texts = vec![StringValue::from("x".to_owned()); LONG / 56];
        tracer.start("span").set_attribute(KeyValue::new("key", Value::Array(texts.into())));
    }),
];

#[test]
fn whatever_a_span_holds_fills_the_queue_by_its_bytes() {
    for (what, record) in LARGE {
        let collector = Collector::start([Answer::Hang]);
        let telemetry = builder(collector.url()).build().unwrap();
        let tracer = telemetry.tracer_provider().unwrap().tracer("test");
        (0..1_500).for_each(|_| record(&tracer));
        let report = telemetry.shutdown_timeout(Duration::from_millis(100));
        let spans = &report.signals()[0];
        let kept = spans.failed() + spans.unknown();
        let (waiting, under_way) = match what {
            "trace state" => (16_384, 16_384),
            // Far less as a body, which is what is under way.
            "list" => (60_000, 12_000),
            _ => (60_000, 60_000),
        };
        assert!(kept * under_way <= 10 * 1024 * 1024, "{what}: {report}");
        assert!(kept * waiting * 3 > 10 * 1024 * 1024, "{what}: {report}");
    }
}

/// Each number of a list takes many times as much in memory as on the wire.
#[cfg(feature = "logs")]
#[test]
fn whatever_a_log_record_holds_fills_the_queue_by_its_bytes() {
    use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _};
    type Make = fn() -> AnyValue;
    let bodies: [Make; 3] = [
        || AnyValue::from(long()),
        || AnyValue::ListAny(Box::new(vec![AnyValue::Int(1); LONG / 32])),
        || AnyValue::Map(Box::new([(Key::new("key"), AnyValue::from(long()))].into())),
    ];
    for (number, make) in bodies.into_iter().enumerate() {
        let collector = Collector::start([Answer::Hang]);
        let telemetry = builder(collector.url())
            .traces(Traces::new().exporters([]))
            .logs(Logs::new().exporters([LogsExporter::otlp()]))
            .build()
            .unwrap();
        let logger = telemetry.logger_provider().unwrap().logger("test");
        for _ in 0..1_000 {
            let mut record = logger.create_log_record();
            record.set_body(make());
            logger.emit(record);
        }
        let report = telemetry.shutdown_timeout(Duration::from_millis(100));
        let logs = &report.signals()[0];
        assert_eq!(logs.exported(), 0);
        // What is under way is a body, which is smaller where it is numbers.
        let most = if number == 1 { 720 } else { 10 * 1024 * 1024 / LONG as u64 };
        let kept = logs.failed() + logs.unknown();
        assert!((60..=most).contains(&kept), "{number}: {report}");
    }
}

#[test]
fn no_body_is_larger_than_a_mebibyte_unless_a_single_span_is() {
    let escapes = || KeyValue::new("key", "\u{1}".repeat(LONG));
    for (name, make) in ways() {
        let collector = Collector::start([Answer::Accept]);
        let telemetry = make(collector.url()).build().unwrap();
        let tracer = telemetry.tracer_provider().unwrap().tracer("test");
        for _ in 0..5 {
            LARGE.iter().for_each(|(_, record)| record(&tracer));
            tracer.start("span").set_attribute(escapes());
        }
        let report = telemetry.flush();
        assert_eq!(report.signals()[0].exported(), 40, "{name}: {report}");
        let largest = collector.received().iter().map(|request| request.body.len()).max();
        assert!(largest.unwrap() <= 1024 * 1024, "{name}: {largest:?}");
        tracer.start("span").set_attribute(KeyValue::new("key", "x".repeat(2_000_000)));
        assert!(telemetry.shutdown().is_complete());
        assert!(collector.received().last().unwrap().body.len() > 2_000_000, "{name}");
    }
}

type Make = fn(String) -> Builder;

/// Each way of spans over HTTP/1.1.
fn ways() -> Vec<(&'static str, Make)> {
    vec![
        ("protobuf", builder),
        #[cfg(feature = "otlp-json")]
        ("json", |url| builder(url).otlp(Otlp::new().protocol(tracewire_init::Protocol::HttpJson))),
        #[cfg(feature = "zipkin")]
        ("zipkin", |url| {
            builder(url.clone())
                .traces(Traces::new().exporters([TracesExporter::zipkin()]))
                .traces(Traces::new().zipkin(Zipkin::new().endpoint(url)))
        }),
    ]
}

#[test]
fn a_collector_that_asks_for_no_pause_is_not_flooded() {
    for answer in [
        Answer::RetryAfter(503, 0),
        Answer::RetryAfter(429, 0),
        Answer::RetryAt(503, "Sun, 06 Nov 1994 08:49:27 GMT"),
        Answer::RetryAt(504, "-1"),
    ] {
        for (name, make) in ways() {
            let collector = Collector::start([answer]);
            // Our own pauses are of at least 160, 320 and 640 milliseconds.
            let limit = Duration::from_secs(1);
            let telemetry = make(collector.url())
                .traces(Traces::new().batching(Batching::new().timeout(limit)))
                .metrics(Metrics::new().exporters([MetricsExporter::otlp()]))
                .otlp(Otlp::new().endpoint(collector.url()))
                .otlp(Otlp::new().timeout(limit))
                .build()
                .unwrap();
            record(&telemetry, 1);
            let meter = telemetry.meter_provider().unwrap().meter("test");
            meter.u64_counter("orders").build().add(1, &[]);
            let report = telemetry.flush();
            assert_eq!(report.lost(), 2, "{name} {answer:?}: {report}");
            let posts = collector.received().len();
            assert!((4..=6).contains(&posts), "{name} {answer:?}: {posts} posts");
        }
    }
}

#[test]
fn a_value_beyond_the_limit_is_cut_before_it_is_sent() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry =
        builder(collector.url()).traces(Traces::new().attribute_value_length(4)).build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    let attribute = KeyValue::new("key", "abcdef");
    tracer.span_builder("span").with_attributes([attribute]).start(&tracer);
    telemetry.shutdown();
    let spans = collector.received()[0].traces().resource_spans.remove(0).scope_spans.remove(0);
    let value = spans.spans[0].attributes[0].value.clone().unwrap().value;
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    assert_eq!(value, Some(Value::StringValue("abcd".to_owned())));
}

#[test]
fn a_forgotten_guard_exports_while_the_process_lives() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = builder(collector.url())
        .traces(Traces::new().batching(Batching::new().delay(Duration::from_millis(10))))
        .build()
        .unwrap();
    record(&telemetry, 3);
    std::mem::forget(telemetry);
    collector.wait();
    // All three may or may not have made the first batch.
    while collector.spans() < 3 {
        collector.wait();
    }
}

/// An exporter of somebody else's that does one thing at its first export.
#[derive(Debug)]
struct Odd {
    first: Mutex<Option<Oddity>>,
    exported: Sender<usize>,
    suppressed: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Oddity {
    Panic,
    /// Until the channel is closed.
    Hang(Receiver<()>),
}

impl SpanExporter for Odd {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.suppressed.store(Context::is_current_telemetry_suppressed(), Ordering::Relaxed);
        let first = self.first.lock().unwrap().take();
        match first {
            Some(Oddity::Panic) => panic!("out of luck"),
            Some(Oddity::Hang(release)) => drop(release.recv()),
            None => self.exported.send(batch.len()).unwrap(),
        }
        Ok(())
    }
}

fn odd(first: Option<Oddity>) -> (Builder, Receiver<usize>) {
    let (exported, received) = channel();
    let builder = Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::custom(Odd {
            first: Mutex::new(first),
            exported,
            suppressed: Arc::default(),
        })]))
        .metrics(Metrics::new().exporters([]));
    (builder, received)
}

#[test]
fn what_an_exporter_does_is_not_recorded() {
    let suppressed = Arc::new(AtomicBool::new(false));
    let (exported, _received) = channel();
    let odd = Odd { first: Mutex::default(), exported, suppressed: Arc::clone(&suppressed) };
    let telemetry = Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::custom(odd)]))
        .metrics(Metrics::new().exporters([]))
        .build()
        .unwrap();
    assert!(end(telemetry, 1).0.is_complete());
    assert!(suppressed.load(Ordering::Relaxed));
}

#[test]
fn an_exporter_that_panics_costs_one_batch() {
    let (builder, received) = odd(Some(Oddity::Panic));
    let telemetry = builder.build().unwrap();
    record(&telemetry, 3);
    let flushed = telemetry.flush();
    assert_eq!(
        flushed.to_string(),
        "spans to exporter: 0 exported, 3 failed (the exporter panicked: out of luck)"
    );
    let (report, _) = end(telemetry, 2);
    assert_eq!(outcomes(&report.signals()[0]), [2, 3, 0, 0]);
    assert_eq!(received.try_iter().sum::<usize>(), 2);
}

#[test]
fn an_exporter_that_hangs_costs_the_batches_of_that_time() {
    let (release, hanging) = channel::<()>();
    let (builder, received) = odd(Some(Oddity::Hang(hanging)));
    let telemetry = builder
        .traces(Traces::new().batching(Batching::new().timeout(Duration::from_millis(50))))
        .build()
        .unwrap();
    record(&telemetry, 3);
    let report = telemetry.flush();
    assert!(report.to_string().contains("the exporter did not end within"), "{report}");
    record(&telemetry, 2);
    let report = telemetry.flush();
    assert_eq!(
        report.to_string(),
        "spans to exporter: 0 exported, 5 failed (the exporter hangs in an earlier export)"
    );
    drop(release);
    // The thread comes back when it is scheduled, so batches are offered until one is taken.
    let mut offered = 0;
    while received.try_recv().is_err() {
        offered += 1;
        record(&telemetry, 1);
        telemetry.flush();
    }
    let report = telemetry.shutdown();
    assert_eq!(outcomes(&report.signals()[0]), [1, 5 + offered - 1, 0, 0]);
}

#[test]
fn an_exporter_that_hangs_for_ever_does_not_hang_the_shutdown() {
    let (_release, hanging) = channel::<()>();
    let (builder, _received) = odd(Some(Oddity::Hang(hanging)));
    let telemetry = builder.build().unwrap();
    record(&telemetry, 3);
    let begun = Instant::now();
    let report = telemetry.shutdown_timeout(Duration::from_millis(300));
    assert!(begun.elapsed() < FAR_TOO_LONG);
    assert_eq!(report.lost(), 3);
}

#[test]
fn a_span_after_shutdown_breaks_nothing() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = builder(collector.url()).build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    let open = tracer.start("open");
    telemetry.shutdown();
    drop(open);
    tracer.start("late");
    assert_eq!(collector.spans(), 0);
}

//! What people see.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{
    SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;
use serde_json::{Value, json};
use tracewire_init::{
    Console, ConsoleFormat, Metrics, MetricsExporter, Telemetry, Traces, TracesExporter,
};

/// A screen to look at.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Screen {
    /// The lines without durations and ids, which differ each time.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                let is_time = |index: usize| {
                    let unit = |word: &&str| ["µs", "ms", "s"].contains(word);
                    unit(&words[index])
                        || (words.get(index + 1).is_some_and(unit)
                            && words[index].parse::<f64>().is_ok())
                };
                let is_id = |word: &str| {
                    [16, 32].contains(&word.len()) && word.chars().all(|c| c.is_ascii_hexdigit())
                };
                let indent = line.chars().take_while(|&c| c == ' ').count();
                let kept = (0..words.len()).filter(|&i| !is_time(i) && !is_id(words[i]));
                let kept: Vec<&str> = kept.map(|index| words[index]).collect();
                format!("{:indent$}{}", "", kept.join(" "))
            })
            .collect()
    }
}

fn telemetry(screen: &Screen) -> Telemetry {
    Telemetry::builder()
        .service_name("shop")
        .traces(Traces::new().exporters([TracesExporter::console()]))
        .metrics(Metrics::new().exporters([MetricsExporter::console()]))
        .console(Console::new().writer(screen.clone()))
        .build()
        .unwrap()
}

/// Waits until everything is on the screen.
fn show(telemetry: &Telemetry) {
    telemetry.tracer_provider().unwrap().force_flush().unwrap();
}

fn tracer(telemetry: &Telemetry) -> SdkTracer {
    telemetry.tracer_provider().unwrap().tracer("test")
}

/// The context that arrives at the next service.
fn sent(context: &Context) -> Context {
    let sent = context.span().span_context().clone();
    Context::new().with_remote_span_context(SpanContext::new(
        sent.trace_id(),
        sent.span_id(),
        sent.trace_flags(),
        true,
        sent.trace_state().clone(),
    ))
}

fn start(tracer: &SdkTracer, kind: SpanKind, name: &'static str, parent: &Context) -> Context {
    let span = tracer.span_builder(name).with_kind(kind).start_with_context(tracer, parent);
    parent.with_span(span)
}

#[test]
fn two_services_of_one_process_are_one_tree() {
    let screen = Screen::default();
    let telemetry = telemetry(&screen);
    let tracer = tracer(&telemetry);
    let shop = start(&tracer, SpanKind::Server, "GET /orders/{id}", &Context::new());
    let order = start(&tracer, SpanKind::Internal, "price the order", &shop);
    let call = start(&tracer, SpanKind::Client, "GET", &order);
    let inventory = start(&tracer, SpanKind::Server, "GET /items/{id}", &sent(&call));
    inventory.span().set_status(Status::error("no such item"));
    inventory.span().end();
    call.span().end();
    order.span().end();
    assert_eq!(screen.lines(), Vec::<String>::new());
    shop.span().end();
    show(&telemetry);

    assert_eq!(
        screen.lines(),
        [
            "trace · shop · 4 spans ·",
            "└─ SERVER GET /orders/{id}",
            "   └─ price the order",
            "      └─ CLIENT GET",
            "         └─ SERVER GET /items/{id} ✗ no such item",
            "",
        ]
    );
    assert_eq!(telemetry.shutdown().signals()[0].to_string(), "spans to console: 4 exported");
}

#[test]
fn a_span_that_comes_late_is_a_tree_of_its_own() {
    let screen = Screen::default();
    let telemetry = telemetry(&screen);
    let tracer = tracer(&telemetry);
    let root = start(&tracer, SpanKind::Server, "GET /", &Context::new());
    root.span().end();
    start(&tracer, SpanKind::Internal, "send mail", &root).span().end();
    show(&telemetry);
    assert_eq!(
        screen.lines(),
        [
            "trace · shop · 1 span ·",
            "└─ SERVER GET /",
            "",
            "trace · shop · 1 span ·",
            "└─ send mail parent",
            "",
        ]
    );
    telemetry.shutdown();
}

#[test]
fn shutdown_shows_what_waits_for_a_span_that_is_still_open() {
    let screen = Screen::default();
    let telemetry = telemetry(&screen);
    let tracer = tracer(&telemetry);
    let root = start(&tracer, SpanKind::Server, "GET /", &Context::new());
    start(&tracer, SpanKind::Internal, "done", &root).span().end();
    let report = telemetry.shutdown();
    assert_eq!(screen.lines(), ["trace · shop · 1 span ·", "└─ done parent", ""]);
    assert!(report.is_complete());
}

#[test]
fn metrics_are_short_lines() {
    let screen = Screen::default();
    let telemetry = telemetry(&screen);
    let meter = telemetry.meter_provider().unwrap().meter("test");
    meter
        .u64_counter("orders")
        .with_unit("{order}")
        .build()
        .add(2, &[KeyValue::new("kind", "a\u{1b}b")]);
    meter.f64_histogram("duration").with_unit("s").build().record(0.1 + 0.2, &[]);
    telemetry.shutdown();
    assert_eq!(
        String::from_utf8(screen.0.lock().unwrap().clone()).unwrap(),
        "\
metrics
  orders {order}
    2  kind=a\\u{1b}b
  duration s
    count 1  sum 0.3  min 0.3  max 0.3

"
    );
}

#[test]
fn json_is_one_line_for_each_span_and_series() {
    let screen = Screen::default();
    let telemetry = Telemetry::builder()
        .service_name("shop")
        .traces(Traces::new().exporters([TracesExporter::console()]))
        .metrics(Metrics::new().exporters([MetricsExporter::console()]))
        .console(Console::new().writer(screen.clone()))
        .console(Console::new().format(ConsoleFormat::Json))
        .build()
        .unwrap();
    tracer(&telemetry).start("span");
    let meter = telemetry.meter_provider().unwrap().meter("test");
    meter.u64_counter("orders").build().add(2, &[]);
    meter.u64_histogram("size").with_boundaries(vec![1.0]).build().record(3, &[]);
    telemetry.shutdown();
    let text = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shown: Vec<_> = lines.iter().map(|line| (&line["type"], &line["name"])).collect();
    assert_eq!(
        shown,
        [("span", "span"), ("metric", "orders"), ("metric", "size")]
            .map(|(kind, name)| (json!(kind), json!(name)))
            .iter()
            .map(|(kind, name)| (kind, name))
            .collect::<Vec<_>>()
    );
    assert!(lines.iter().all(|line| line["resource"]["service.name"] == "shop"));
    assert_eq!(lines[1]["value"], 2);
    assert_eq!(
        lines[2]["value"],
        json!({
            "count": 1, "sum": 3, "min": 3, "max": 3, "bounds": [1.0], "bucket_counts": [0, 1],
        })
    );
}

/// A pipe whose reader went away.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_broken_pipe_is_counted_and_breaks_nothing() {
    let telemetry = Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::console()]))
        .metrics(Metrics::new().exporters([]))
        .console(Console::new().writer(Broken))
        .build()
        .unwrap();
    tracer(&telemetry).start("span");
    let report = telemetry.shutdown();
    assert_eq!((report.signals()[0].failed(), report.lost()), (1, 1));
}

/// A terminal that is paused, until the sender is dropped.
struct Paused(Receiver<()>);

impl Write for Paused {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_paused_terminal_holds_up_neither_spans_nor_shutdown() {
    for format in [ConsoleFormat::Tree, ConsoleFormat::Json] {
        let (resume, paused) = channel();
        let telemetry = Telemetry::builder()
            .traces(Traces::new().exporters([TracesExporter::console()]))
            .metrics(Metrics::new().exporters([MetricsExporter::console()]))
            .console(Console::new().writer(Paused(paused)))
            .console(Console::new().format(format))
            .build()
            .unwrap();
        telemetry.meter_provider().unwrap().meter("test").u64_counter("orders").build().add(1, &[]);
        for _ in 0..1_000 {
            tracer(&telemetry).start("span");
        }
        let limit = Duration::from_millis(50);
        let report = telemetry.shutdown_timeout(limit);
        let spans = &report.signals()[0];
        assert_eq!((spans.exported(), spans.lost()), (0, 1_000), "{report}");
        assert!(!report.is_complete() && report.to_string().contains("not done after"));
        drop(resume);
    }
}

#[test]
fn what_a_paused_terminal_has_no_room_for_is_counted_as_failed() {
    let (resume, paused) = channel();
    let telemetry = Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::console()]))
        .metrics(Metrics::new().exporters([]))
        .console(Console::new().writer(Paused(paused)))
        .console(Console::new().format(ConsoleFormat::Json))
        .build()
        .unwrap();
    let megabyte = "x".repeat(1024 * 1024);
    for _ in 0..10 {
        let span = tracer(&telemetry).span_builder("span");
        span.with_attributes([KeyValue::new("text", megabyte.clone())]).start(&tracer(&telemetry));
    }
    let waiting = telemetry.report();
    assert_eq!((waiting.signals()[0].failed(), waiting.signals()[0].unknown()), (7, 3));
    drop(resume);
    let report = telemetry.shutdown();
    let spans = &report.signals()[0];
    assert_eq!((spans.exported(), spans.failed(), spans.unknown()), (3, 7, 0));
    assert!(spans.reason().unwrap().contains("not being read"), "{report}");
}

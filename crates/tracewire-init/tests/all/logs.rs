//! Log records: from `tracing` events to a collector, with the ids of the trace around them.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::collector::{Answer, Collector};
use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use tracewire_init::{
    Batching, Builder, Console, ConsoleFormat, Logs, LogsExporter, Metrics, Otlp, Telemetry,
    Traces, TracesExporter,
};
use tracing_subscriber::prelude::*;

fn builder(collector: &Collector) -> Builder {
    Telemetry::builder()
        .service_name("shop")
        .traces(Traces::new().exporters([]))
        .metrics(Metrics::new().exporters([]))
        .logs(Logs::new().exporters([LogsExporter::otlp()]))
        .otlp(Otlp::new().endpoint(collector.url()))
}

/// Runs `work` with the layer as the subscriber of this thread.
fn logging(telemetry: &Telemetry, work: impl FnOnce()) {
    let subscriber = tracing_subscriber::registry().with(telemetry.log_layer());
    tracing::subscriber::with_default(subscriber, work);
}

/// The scope and the record of each log that arrived.
fn records(collector: &Collector) -> Vec<(String, LogRecord)> {
    let received = collector.received();
    assert!(received.iter().all(|request| request.path == "/v1/logs"));
    let scopes = received
        .iter()
        .flat_map(|request| request.logs().resource_logs)
        .flat_map(|resource| resource.scope_logs);
    scopes
        .flat_map(|scope| {
            let name = scope.scope.unwrap().name;
            scope.log_records.into_iter().map(move |record| (name.clone(), record))
        })
        .collect()
}

fn attributes(record: &LogRecord) -> Vec<(String, Value)> {
    let pairs = record.attributes.iter();
    pairs.map(|pair| (pair.key.clone(), pair.value.clone().unwrap().value.unwrap())).collect()
}

#[test]
fn a_record_below_an_excluded_request_arrives_and_its_span_does_not() {
    let collector = Collector::start([Answer::Accept]);
    let exporters = Traces::new().exporters([TracesExporter::otlp()]);
    let telemetry = builder(&collector).traces(exporters).build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    logging(&telemetry, || {
        let _excluded = tracewire_propagation::untraced(&Context::new()).attach();
        tracer.in_span("probe", |_| tracing::warn!("still here"));
    });
    let report = telemetry.shutdown().to_string();
    assert!(report.contains("log records to otlp: 1 exported"), "{report}");
    let records = records(&collector); // and nothing but records
    assert_eq!(records.len(), 1);
}

#[test]
fn an_event_arrives_with_its_fields_and_the_ids_of_its_span() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = builder(&collector).build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    let mut ids = None;
    logging(&telemetry, || {
        tracer.in_span("order", |context| {
            let span = context.span().span_context().clone();
            ids = Some((span.trace_id().to_bytes().to_vec(), span.span_id().to_bytes().to_vec()));
            tracing::warn!(target: "shop::cart", item = 13, who = "ann", "no price");
        });
    });
    assert_eq!(telemetry.shutdown().to_string(), "log records to otlp: 1 exported");
    let (scope, record) = records(&collector).remove(0);
    assert_eq!(scope, "shop::cart");
    assert_eq!(record.body.clone().unwrap().value, Some(Value::StringValue("no price".to_owned())));
    assert_eq!(record.severity_text, "WARN");
    assert_eq!(
        attributes(&record),
        [
            ("item".to_owned(), Value::IntValue(13)),
            ("who".to_owned(), Value::StringValue("ann".to_owned()))
        ]
    );
    assert_eq!(ids, Some((record.trace_id, record.span_id)));
}

#[test]
fn values_are_cut_and_attributes_counted() {
    let collector = Collector::start([Answer::Accept]);
    let telemetry = builder(&collector)
        .logs(Logs::new().attribute_value_length(3).attributes(1))
        .build()
        .unwrap();
    logging(&telemetry, || tracing::info!(who = "annabel", item = 13, "sold"));
    assert!(telemetry.shutdown().is_complete());
    let (_, record) = records(&collector).remove(0);
    assert_eq!(attributes(&record), [("who".to_owned(), Value::StringValue("ann".to_owned()))]);
    assert_eq!(record.dropped_attributes_count, 1);
}

#[test]
fn what_telemetry_says_is_not_exported() {
    let collector = Collector::start([Answer::Status(400)]);
    let telemetry = builder(&collector)
        .logs(Logs::new().batching(Batching::new().delay(Duration::ZERO)))
        .build()
        .unwrap();
    logging(&telemetry, || {
        tracing::warn!(target: "tracewire", "log records to otlp: 1 failed");
        tracing::info!("sold");
    });
    let report = telemetry.shutdown();
    assert_eq!((report.signals()[0].failed(), collector.received().len()), (1, 1), "{report}");
}

#[test]
fn a_burst_beyond_the_queue_is_counted() {
    let collector = Collector::start([Answer::Hang]);
    let telemetry = builder(&collector)
        .logs(Logs::new().batching(Batching::new().queue_size(16)))
        .build()
        .unwrap();
    logging(&telemetry, || (0..1_000).for_each(|number| tracing::info!(number, "sold")));
    let running = telemetry.report();
    let logs = &running.signals()[0];
    assert_eq!(logs.reason(), Some("the queue is full, see OTEL_BLRP_MAX_QUEUE_SIZE"));
    // At most sixteen batches are under way and one queue is full.
    assert!(logs.dropped() >= 1_000 - 17 * 16, "{running}");
    let report = telemetry.shutdown_timeout(Duration::from_millis(100));
    assert_eq!(report.lost(), 1_000);
}

#[test]
fn the_console_shows_a_line_for_each_record() {
    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    for (format, expected) in [
        (ConsoleFormat::Tree, "log INFO shop: sold  item=13\n"),
        (ConsoleFormat::Json, r#""body":"sold""#),
    ] {
        let screen = Screen::default();
        let telemetry = Telemetry::builder()
            .traces(Traces::new().exporters([]))
            .metrics(Metrics::new().exporters([]))
            .logs(Logs::new().exporters([LogsExporter::console()]))
            .console(Console::new().format(format))
            .console(Console::new().writer(screen.clone()))
            .build()
            .unwrap();
        logging(&telemetry, || tracing::info!(target: "shop", item = 13, "sold"));
        assert_eq!(telemetry.shutdown().to_string(), "log records to console: 1 exported");
        let text = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains(expected), "{text}");
    }
}

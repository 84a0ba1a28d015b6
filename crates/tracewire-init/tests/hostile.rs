//! The SDK's own builders read variables too. What code says holds whatever they find.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::process::Command;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::metrics::InMemoryMetricExporter;
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SpanLimits};
use tracewire_init::{Batching, Metrics, MetricsExporter, Telemetry, Traces, TracesExporter};

/// Each would lose something if it counted.
const HOSTILE: [(&str, &str); 22] = [
    ("OTEL_TRACES_SAMPLER", "always_off"),
    ("OTEL_TRACES_SAMPLER_ARG", "0"),
    ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "0"),
    ("OTEL_ATTRIBUTE_COUNT_LIMIT", "0"),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "0"),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", "0"),
    ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "0"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
    ("OTEL_BSP_SCHEDULE_DELAY", "1"),
    ("OTEL_BSP_EXPORT_TIMEOUT", "1"),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", "1"),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "1"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "1"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "1"),
    ("OTEL_METRIC_EXPORT_TIMEOUT", "1"),
    ("OTEL_SERVICE_NAME", "hostile"),
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
    ("OTEL_SDK_DISABLED", "true"),
    ("OTEL_PROPAGATORS", "none"),
];

const SPANS: usize = 50;

#[test]
fn hostile_variables_change_nothing_that_code_says() {
    const CHILD: &str = "TRACEWIRE_TEST_HOSTILE";
    if std::env::var_os(CHILD).is_some() {
        return set_up_in_code();
    }
    let test = "hostile_variables_change_nothing_that_code_says";
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1"])
        .env(CHILD, "1")
        .envs(HOSTILE)
        .status();
    assert!(status.unwrap().success());
}

fn set_up_in_code() {
    const HOUR: Duration = Duration::from_secs(3600);
    let (spans, metrics) = (InMemorySpanExporter::default(), InMemoryMetricExporter::default());
    let batching = || {
        let batching = Batching::new().queue_size(1000).batch_size(1000);
        batching.delay(HOUR).timeout(Duration::from_secs(10))
    };
    let builder = Telemetry::builder()
        .disabled(false)
        .service_name("mine")
        .traces(
            Traces::new()
                .exporters([TracesExporter::custom(spans.clone())])
                .sampler(Sampler::AlwaysOn)
                .limits(SpanLimits::default())
                .batching(batching()),
        )
        .metrics(
            Metrics::new()
                .exporters([MetricsExporter::custom(metrics.clone())])
                .interval(HOUR)
                .timeout(HOUR),
        );
    #[cfg(feature = "logs")]
    let logs = opentelemetry_sdk::logs::InMemoryLogExporter::default();
    #[cfg(feature = "logs")]
    let builder = builder.logs(
        tracewire_init::Logs::new()
            .exporters([tracewire_init::LogsExporter::custom(logs.clone())])
            .batching(batching()),
    );
    let telemetry = builder.build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    for number in 0..SPANS {
        let mut span = tracer.start("work");
        span.set_attribute(KeyValue::new("number", i64::try_from(number).unwrap()));
        span.add_event("event", vec![KeyValue::new("key", 1)]);
    }
    telemetry.meter_provider().unwrap().meter("test").u64_counter("orders").build().add(1, &[]);
    #[cfg(feature = "logs")]
    {
        use opentelemetry::logs::{Logger as _, LoggerProvider as _};
        let logger = telemetry.logger_provider().unwrap().logger("test");
        (0..SPANS).for_each(|_| logger.emit(logger.create_log_record()));
    }
    let report = telemetry.flush();
    assert!(report.is_complete(), "{report}");
    let spans = spans.get_finished_spans().unwrap();
    assert_eq!(spans.len(), SPANS);
    assert!(spans.iter().all(|span| span.attributes.len() == 1 && span.events.events.len() == 1));
    assert!(spans.iter().all(|span| span.events.events[0].attributes.len() == 1));
    // A reader that exports each millisecond would have done so before the flush.
    let exported = metrics.get_finished_metrics().unwrap();
    assert_eq!(exported.len(), 1);
    assert_eq!(exported[0].resource().get(&"service.name".into()), Some("mine".into()));
    #[cfg(feature = "logs")]
    assert_eq!(logs.get_emitted_logs().unwrap().len(), SPANS);
}

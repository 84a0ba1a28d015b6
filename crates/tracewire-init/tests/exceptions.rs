//! Exceptions as log records, in a process of its own: `init` sets where they go.
#![allow(clippy::unwrap_used)] // a test fails by panicking
#![cfg(feature = "logs")]

use opentelemetry::logs::{AnyValue, Severity};
use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SimpleSpanProcessor};
use std::sync::{Arc, Mutex};
use tracewire_init::{Exceptions, Logs, Metrics, Telemetry, Traces};

#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<SdkLogRecord>>>);

impl LogProcessor for Kept {
    fn emit(&self, record: &mut SdkLogRecord, _scope: &opentelemetry::InstrumentationScope) {
        self.0.lock().unwrap().push(record.clone());
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
}

#[test]
fn exceptions_are_log_records_with_the_ids_of_their_span() {
    for (exceptions, events) in
        [(Exceptions::SpanEvents, 2), (Exceptions::LogRecords, 0), (Exceptions::Both, 2)]
    {
        let (kept, exporter) = (Kept::default(), InMemorySpanExporter::default());
        let logs = Logs::new().exporters([]).processor(kept.clone()).exceptions(exceptions);
        let spans = SimpleSpanProcessor::new(exporter.clone());
        let telemetry = Telemetry::builder()
            .traces(Traces::new().exporters([]).processor(spans))
            .metrics(Metrics::new().exporters([]))
            .logs(logs)
            .init()
            .unwrap();
        let failed = tracewire_span::span("work").in_scope(|| {
            tracewire_span::current().record_error_with("retried", [KeyValue::new("attempt", 2)]);
            "x".parse::<i32>()
        });
        assert!(failed.is_err());
        let span = exporter.get_finished_spans().unwrap().remove(0);
        assert_eq!(span.events.len(), events, "{exceptions:?}");
        let records = std::mem::take(&mut *kept.0.lock().unwrap());
        if exceptions == Exceptions::SpanEvents {
            assert!(records.is_empty(), "{records:?}");
            continue;
        }
        let [handled, failure] = &records[..] else { panic!("{records:?}") };
        for record in &records {
            let ids = record.trace_context().unwrap();
            assert_eq!(ids.trace_id, span.span_context.trace_id());
            assert_eq!(ids.span_id, span.span_context.span_id());
            assert_eq!(record.event_name(), Some("exception"));
            assert!(record.timestamp().is_some());
        }
        let has = |record: &SdkLogRecord, key: &'static str, value: AnyValue| {
            record.attributes_iter().any(|pair| pair.0 == Key::new(key) && pair.1 == value)
        };
        assert_eq!(handled.severity_number(), Some(Severity::Warn));
        assert!(has(handled, "exception.message", "retried".into()));
        assert!(has(handled, "attempt", 2.into()));
        assert_eq!(failure.severity_number(), Some(Severity::Error));
        assert!(has(failure, "exception.type", "core::num::error::ParseIntError".into()));
        telemetry.shutdown();
        // What fails after the end is on no record, and panics nothing.
        tracewire_span::current().record_error("late");
    }
}

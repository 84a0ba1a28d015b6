//! Exceptions as log records.

use std::sync::Arc;

use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Array, StringValue, Value, time};
use opentelemetry_sdk::logs::SdkLogger;
use tracewire_propagation::{Exception, ExceptionLog, ExceptionLogs, current, set_exception_logs};

use crate::builder::Exceptions;
use crate::running::Running;

/// Makes log records of the exceptions of this process, if that was asked for.
pub(crate) fn take_exceptions(running: Option<&Running>) {
    let logs = running.and_then(|running| {
        let logger = running.providers.logger.as_ref()?;
        let log = || ExceptionLogs::new(Arc::new(Log(logger.logger("tracewire"))));
        match running.exceptions {
            Exceptions::SpanEvents => None,
            Exceptions::LogRecords => Some(log()),
            Exceptions::Both => Some(log().also_on_spans(true)),
        }
    });
    set_exception_logs(logs);
}

struct Log(SdkLogger);

impl ExceptionLog for Log {
    fn emit(&self, exception: &Exception<'_>) {
        // The SDK asks for the current context, and panics while a thread ends.
        if !current::is_reachable() {
            return;
        }
        let span = exception.context.span();
        let span = span.span_context();
        let (severity, text) = match exception.kind.is_error() {
            true => (Severity::Error, "ERROR"),
            false => (Severity::Warn, "WARN"),
        };
        let mut record = self.0.create_log_record();
        record.set_event_name(exception.kind.event_name());
        record.set_timestamp(time::now());
        record.set_severity_number(severity);
        record.set_severity_text(text);
        record.set_trace_context(span.trace_id(), span.span_id(), Some(span.trace_flags()));
        for attribute in exception.attributes {
            record.add_attribute(attribute.key.clone(), any(&attribute.value));
        }
        self.0.emit(record);
    }
}

fn any(value: &Value) -> AnyValue {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::I64(value) => (*value).into(),
        Value::F64(value) => (*value).into(),
        Value::String(value) => value.clone().into(),
        Value::Array(Array::Bool(values)) => values.iter().copied().collect(),
        Value::Array(Array::I64(values)) => values.iter().copied().collect(),
        Value::Array(Array::F64(values)) => values.iter().copied().collect(),
        Value::Array(Array::String(values)) => values.iter().cloned().collect(),
        other => StringValue::from(other.to_string()).into(),
    }
}

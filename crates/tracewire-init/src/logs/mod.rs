//! The way of log records to an exporter: limits, then the queue, or the console at once.
//!
//! A record is turned into OTLP's form where it is emitted, because the SDK's own form can be read
//! but not cut.

mod console;
mod layer;
mod limits;
mod weight;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};

pub(crate) use self::console::ConsoleLogs;
pub(crate) use self::layer::layer;
pub(crate) use self::limits::{Limits, Settings as LimitSettings};
use crate::batching::Batching;
use crate::body::{Scoped, Source};
use crate::count::Counts;
use crate::error::InitError;
use crate::otlp::{Buffer, Write};
#[cfg(feature = "otlp-json")]
use crate::otlp::{WriteJson, json};
use crate::queue::{Deliver, Queue};

/// A record and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Log {
    scope: InstrumentationScope,
    /// Stands for the scope's name, as a `tracing` target does.
    target: Option<Cow<'static, str>>,
    record: LogRecord,
}

impl Log {
    fn new(record: &SdkLogRecord, scope: &InstrumentationScope, limits: Limits) -> Self {
        let target = record.target().cloned();
        let mut record = LogRecord::from(record);
        limits.apply(&mut record);
        Self { scope: scope.clone(), target, record }
    }

    fn source(&self) -> &str {
        self.target.as_deref().unwrap_or_else(|| self.scope.name())
    }
}

impl Scoped for Log {
    fn source(&self) -> Source<'_> {
        (&self.scope, self.target.as_deref())
    }
}

impl Write for Log {
    fn write(&self, buffer: &mut Buffer<'_>) {
        buffer.message_of(&self.record);
    }
}

#[cfg(feature = "otlp-json")]
impl WriteJson for Log {
    fn write_json(&self, body: &mut Vec<u8>) {
        json(body, &self.record);
    }
}

/// Puts records into the queue.
#[derive(Debug)]
pub(crate) struct BatchLogs {
    queue: Queue<Log>,
    limits: Limits,
}

impl BatchLogs {
    /// Starts the threads that take batches to `sink`.
    pub(crate) fn start(
        batching: Batching,
        sink: impl Deliver<Log>,
        counts: Arc<Counts>,
        limits: Limits,
    ) -> Result<Self, InitError> {
        Ok(Self { queue: Queue::start(batching, sink, counts)?, limits })
    }
}

impl LogProcessor for BatchLogs {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        self.queue.push(Log::new(record, scope, self.limits));
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.queue.flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.queue.shutdown(timeout)
    }
}

#[cfg(test)]
impl Log {
    /// A record of which only the severity has a text.
    pub(crate) fn sample(scope: &'static str, target: Option<&'static str>, text: &str) -> Self {
        let record = LogRecord { severity_text: text.to_owned(), ..LogRecord::default() };
        let scope = InstrumentationScope::builder(scope).with_version("1").build();
        Self { scope, target: target.map(Cow::Borrowed), record }
    }
}

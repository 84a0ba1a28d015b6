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
use crate::queue::{Deliver, Queue, flush_all, shutdown_all};

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

/// All exporters of log records, as one processor, for the reason that
/// [`SpanProcessors`](crate::batch::SpanProcessors) has.
#[derive(Debug, Default)]
pub(crate) struct LogProcessors {
    queues: Vec<BatchLogs>,
    others: Vec<ConsoleLogs>,
}

impl LogProcessors {
    pub(crate) fn add(&mut self, queue: BatchLogs) {
        self.queues.push(queue);
    }

    pub(crate) fn add_console(&mut self, console: ConsoleLogs) {
        self.others.push(console);
    }

    fn queues(&self) -> impl Iterator<Item = &Queue<Log>> + Clone {
        self.queues.iter().map(|processor| &processor.queue)
    }

    /// Does something to all that are no queues, even if one fails.
    fn others(&self, work: impl Fn(&ConsoleLogs) -> OTelSdkResult) -> OTelSdkResult {
        self.others.iter().map(work).fold(Ok(()), OTelSdkResult::and)
    }
}

impl LogProcessor for LogProcessors {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        self.others.iter().for_each(|other| other.emit(record, scope));
        for processor in &self.queues {
            processor.queue.push(Log::new(record, scope, processor.limits));
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        flush_all(self.queues(), || self.others(LogProcessor::force_flush))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        shutdown_all(self.queues(), timeout, || {
            self.others(|other| other.shutdown_with_timeout(timeout))
        })
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

//! The way of log records to an exporter: limits, then the queue, or the console at once.
//!
//! A record is turned into OTLP's form where it is emitted, because the SDK's own form can be read
//! but not cut.

mod console;
mod heap_size;
mod limits;
mod otlp;
mod processor;

pub use self::{limits::LogLimits, processor::BatchLogProcessor};

#[cfg(feature = "otlp-json")]
use crate::otlp::{WriteJson, json};
use crate::{
    otlp::{Buffer, Write},
    pipeline::body::{Scoped, Source},
};
use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_sdk::logs::SdkLogRecord;
use std::borrow::Cow;

/// A record and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Log {
    scope: InstrumentationScope,
    /// Stands for the scope's name, as a `tracing` target does.
    target: Option<Cow<'static, str>>,
    record: LogRecord,
}

impl Log {
    fn new(record: &SdkLogRecord, scope: &InstrumentationScope, limits: LogLimits) -> Self {
        let target = record.target().cloned();
        let mut record = LogRecord::from(record);
        limits.apply(&mut record);
        Self { scope: scope.clone(), target, record }
    }

    /// A record that is in OTLP's form already.
    #[cfg(any(test, all(feature = "otlp-grpc", feature = "otlp-json")))]
    pub(crate) fn of(
        scope: InstrumentationScope,
        target: Option<Cow<'static, str>>,
        record: LogRecord,
    ) -> Self {
        Self { scope, target, record }
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

#[cfg(test)]
impl Log {
    /// A record of which only the severity has a text.
    pub(crate) fn sample(scope: &'static str, target: Option<&'static str>, text: &str) -> Self {
        let record = LogRecord { severity_text: text.to_owned(), ..LogRecord::default() };
        let scope = InstrumentationScope::builder(scope).with_version("1").build();
        Self::of(scope, target.map(Cow::Borrowed), record)
    }
}

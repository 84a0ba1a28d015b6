//! The way of log records to an exporter: limits, then the queue, or the console at once.
//!
//! A record is turned into OTLP's form where it is emitted, because the SDK's own form can be read
//! but not cut.

mod console;
mod layer;
mod limits;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ScopeLogs};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};
use prost::Message;

pub(crate) use self::console::ConsoleLogs;
pub(crate) use self::layer::layer;
pub(crate) use self::limits::{Limits, Settings as LimitSettings};
use crate::batching::Batching;
use crate::count::Counts;
use crate::error::InitError;
use crate::queue::{Deliver, Queue, Weigh};

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

impl Weigh for Log {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.record.encoded_len()
    }
}

/// The records of each scope together.
pub(crate) fn by_scope(logs: Vec<Log>) -> Vec<ScopeLogs> {
    let mut scopes: HashMap<_, Vec<LogRecord>> = HashMap::new();
    for Log { scope, target, record } in logs {
        scopes.entry((scope, target)).or_default().push(record);
    }
    scopes
        .into_iter()
        .map(|((scope, target), log_records)| ScopeLogs {
            schema_url: scope.schema_url().unwrap_or_default().to_owned(),
            scope: Some((&scope, target).into()),
            log_records,
        })
        .collect()
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
mod tests {
    use super::*;

    fn log(scope: &'static str, target: Option<&'static str>, text: &str) -> Log {
        let record = LogRecord { severity_text: text.to_owned(), ..LogRecord::default() };
        let scope = InstrumentationScope::builder(scope).with_version("1").build();
        Log { scope, target: target.map(Cow::Borrowed), record }
    }

    #[test]
    fn a_target_is_the_scope_of_its_records() {
        let logs = vec![
            log("bridge", Some("shop"), "a"),
            log("bridge", Some("shop"), "b"),
            log("bridge", Some("shop::cart"), "c"),
            log("own", None, "d"),
        ];
        let mut found: Vec<_> = by_scope(logs)
            .into_iter()
            .map(|logs| {
                let scope = logs.scope.unwrap();
                let texts: String = logs.log_records.into_iter().map(|r| r.severity_text).collect();
                (scope.name, scope.version, texts)
            })
            .collect();
        found.sort();
        let expected = [("own", "1", "d"), ("shop", "1", "ab"), ("shop::cart", "1", "c")];
        assert_eq!(found, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
    }

    #[test]
    fn a_long_body_is_heavy() {
        let weight = |text: &str| log("x", None, text).weight();
        let heavier = weight(&"x".repeat(1_000)) - weight("");
        assert!((1_000..1_100).contains(&heavier), "{heavier}");
    }
}

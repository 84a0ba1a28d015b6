//! Log records, with assertions.

use crate::{
    span::{span_id, trace_id},
    text::{dedent, difference},
    value::{attributes, value, written},
};
use opentelemetry::{
    KeyValue,
    trace::{SpanId, TraceId},
};
use opentelemetry_proto::tonic::logs::v1 as proto;
use std::{fmt, ops::Deref};

/// Log records in the order they were emitted. A slice of [`Log`]s.
///
/// ```
/// use tracewire_testing::Capture;
///
/// let capture = Capture::new();
/// // ... give `capture.logger_provider()` to the code under test ...
/// assert!(capture.logs().is_empty());
/// ```
#[derive(Clone, Default)]
pub struct Logs(pub(crate) Vec<Log>);

/// One log record.
///
/// ```no_run
/// use tracewire_testing::Capture;
///
/// let capture = Capture::new();
/// // ... give `capture.logger_provider()` to the code under test ...
/// let logs = capture.logs();
/// let log = logs.one("price not found");
/// assert_eq!(log.severity, "WARN");
/// assert!(log.trace_id.is_some());
/// ```
#[derive(Clone, PartialEq)]
pub struct Log {
    /// The severity as the source calls it: `INFO`.
    pub severity: String,
    /// The severity as a number: 9 for `INFO`.
    pub severity_number: i32,
    /// The message.
    pub body: String,
    /// The name of the event, or nothing.
    pub event_name: String,
    /// The attributes, sorted by key.
    pub attributes: Vec<KeyValue>,
    /// The trace during which it was emitted, if any.
    pub trace_id: Option<TraceId>,
    /// The span during which it was emitted, if any.
    pub span_id: Option<SpanId>,
    /// The name of the library that emitted it.
    pub scope: String,
}

impl Logs {
    /// The one record with this message.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn one(&self, body: &str) -> &Log {
        let mut found = self.iter().filter(|log| log.body == body);
        match (found.next(), found.next()) {
            (Some(log), None) => log,
            (None, _) => panic!("expected a log record {body:?}\n\nall logs:\n{self}"),
            (Some(_), Some(_)) => {
                panic!("expected one log record {body:?}, but found several\n\nall logs:\n{self}")
            }
        }
    }

    /// All records as text, without ids and times.
    pub fn snapshot(&self) -> String {
        self.to_string()
    }

    /// Asserts the [`snapshot`](Self::snapshot). The indentation that all expected lines share does
    /// not count.
    ///
    /// # Panics
    ///
    /// If it is another.
    #[track_caller]
    pub fn assert_snapshot(&self, expected: &str) {
        if let Some(difference) = difference(&dedent(expected), &self.snapshot()) {
            panic!("{difference}");
        }
    }
}

impl Log {
    pub(crate) fn from_proto(log: proto::LogRecord, scope: String) -> Self {
        Self {
            severity: log.severity_text,
            severity_number: log.severity_number,
            body: value(log.body).to_string(),
            event_name: log.event_name,
            attributes: attributes(log.attributes),
            trace_id: Some(trace_id(&log.trace_id)).filter(|id| *id != TraceId::INVALID),
            span_id: Some(span_id(&log.span_id)).filter(|id| *id != SpanId::INVALID),
            scope,
        }
    }
}

impl Deref for Logs {
    type Target = [Log];

    fn deref(&self) -> &[Log] {
        &self.0
    }
}

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logs: Vec<_> = self.iter().map(ToString::to_string).collect();
        f.write_str(&logs.join("\n"))
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outside = if self.span_id.is_none() { " (outside of a span)" } else { "" };
        write!(f, "{} {}{outside}", self.severity, self.body.escape_debug())?;
        for attribute in &self.attributes {
            write!(f, "\n| {}", written(attribute))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

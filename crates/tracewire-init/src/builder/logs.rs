//! Settings of log records.

use std::fmt;

use tracewire_export::OtlpFile;

use crate::builder::traces::over;
use crate::builder::{Batching, Otlp};
use crate::log_records::{AddExporter, AddProcessor, LogRules};
use crate::settings::{Setting, in_code, settings};

settings! {
    /// Settings of log records, for [`Builder::logs`](crate::Builder::logs). They need the cargo feature
    /// `logs`; exporters in code are an error of [`init`](crate::Builder::init) without.
    ///
    /// ```
    /// use tracewire_init::{Batching, Logs, LogsExporter};
    ///
    /// let logs = Logs::new()
    ///     .exporters([LogsExporter::otlp()])
    ///     .batching(Batching::new().queue_size(10_000));
    /// # drop(logs);
    /// ```
    pub struct Logs {
        exporters: Setting<Vec<LogsExporter>>,
        otlp: Otlp,
        batching: Batching,
        attributes: Setting<usize>,
        value_length: Setting<usize>,
        processors: Vec<AddProcessor>,
        exceptions: Setting<Exceptions>,
        /// Which records a configuration file keeps.
        rules: Setting<LogRules>,
    }
}

impl Logs {
    /// Makes settings of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets where log records go (`OTEL_LOGS_EXPORTER`); OTLP unless set, and an empty list is nowhere.
    pub fn exporters(mut self, exporters: impl IntoIterator<Item = LogsExporter>) -> Self {
        self.exporters = in_code(exporters.into_iter().collect());
        self
    }

    /// Sets whether exceptions are log records or events of their spans
    /// (`OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN`); events unless set.
    ///
    /// If log records have no exporter, they stay events.
    pub fn exceptions(mut self, exceptions: Exceptions) -> Self {
        self.exceptions = in_code(exceptions);
        self
    }

    /// Sets how log records are sent over OTLP (`OTEL_EXPORTER_OTLP_LOGS_*`), before what
    /// [`Builder::otlp`](crate::Builder::otlp) says.
    pub fn otlp(mut self, otlp: Otlp) -> Self {
        self.otlp = over(otlp, self.otlp);
        self
    }

    /// Sets how log records wait for their export (`OTEL_BLRP_*`).
    pub fn batching(mut self, batching: Batching) -> Self {
        self.batching = over(batching, self.batching);
        self
    }

    /// Sets how many attributes a log record may have (`OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT`); 128
    /// unless set.
    pub fn attributes(mut self, number: usize) -> Self {
        self.attributes = in_code(number);
        self
    }

    /// Sets the longest attribute value, in characters; the rest is cut off
    /// (`OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT`). No limit unless set.
    pub fn attribute_value_length(mut self, characters: usize) -> Self {
        self.value_length = in_code(characters);
        self
    }
}

/// What becomes of the errors and panics of custom spans, of database calls, of requests and calls over HTTP and
/// gRPC, and of spans that are made of `tracing`'s.
///
/// As a log record an exception has the attributes `exception.type` and `exception.message`, the ids of its span,
/// and the severity ERROR; or WARN if it is that of a call, or its span did not fail. Its event name is `exception`
/// for custom spans, and for others says what failed, as `http.server.request.exception` does. It is recorded even if
/// its span is not sampled. Those of `tracing` are the log records of its events.
///
/// Spans of HTTP and gRPC have no exceptions unless it is [`Both`](Self::Both): the text of an error may hold a URL.
/// Messages have at most 4 KiB, without the credentials and queries of URLs.
///
/// Follows OpenTelemetry's "Semantic conventions for exceptions in logs".
///
/// ```
/// use tracewire_init::{Exceptions, Logs, LogsExporter};
///
/// let logs = Logs::new().exporters([LogsExporter::otlp()]).exceptions(Exceptions::LogRecords);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exceptions {
    /// Events of their spans.
    #[default]
    SpanEvents,
    /// Log records (`logs`).
    LogRecords,
    /// Both (`logs/dup`).
    Both,
}

impl Exceptions {
    /// Reads the comma-separated list of the variable. `logs/dup` goes before `logs`.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut found = Self::SpanEvents;
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word.to_ascii_lowercase().as_str() {
                "logs/dup" => found = Self::Both,
                "logs" if found != Self::Both => found = Self::LogRecords,
                "logs" => {}
                _ => return Err("it must be logs or logs/dup".to_owned()),
            }
        }
        Ok(found)
    }

    /// The value of the variable.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SpanEvents => "none",
            Self::LogRecords => "logs",
            Self::Both => "logs/dup",
        }
    }
}

/// An exporter of log records, with settings of its own or none.
///
/// ```
/// use tracewire_init::{LogsExporter, Telemetry};
///
/// let builder = Telemetry::builder().logs([LogsExporter::otlp(), LogsExporter::console()]);
/// ```
pub struct LogsExporter {
    pub(crate) kind: LogsKind,
    pub(crate) batching: Batching,
}

pub(crate) enum LogsKind {
    Otlp(Box<Otlp>),
    OtlpFile(Box<Otlp>),
    Console,
    #[allow(dead_code, reason = "made with the cargo feature `logs` alone")]
    Custom(AddExporter),
}

impl LogsExporter {
    /// Over the network, in OpenTelemetry's own protocol, with the settings of [`Logs::otlp`] and
    /// [`Builder::otlp`](crate::Builder::otlp).
    pub fn otlp() -> Self {
        Self::otlp_with(Otlp::new())
    }

    /// The same with settings of its own before those.
    pub fn otlp_with(otlp: Otlp) -> Self {
        Self::new(LogsKind::Otlp(Box::new(otlp)))
    }

    /// To a file or stdout, as OTLP in lines of JSON, which a Collector's receiver `otlpjsonfile` reads. The
    /// file is that of [`Otlp::file`](crate::Otlp::file). It needs the cargo feature `otlp-json`, and is an
    /// error of [`init`](crate::Builder::init) without.
    pub fn otlp_file() -> Self {
        Self::otlp_file_with(Otlp::new())
    }

    /// The same with a file of its own.
    pub fn otlp_file_at(file: OtlpFile) -> Self {
        Self::otlp_file_with(Otlp::new().file(file))
    }

    pub(crate) fn otlp_file_with(otlp: Otlp) -> Self {
        Self::new(LogsKind::OtlpFile(Box::new(otlp)))
    }

    pub(crate) fn otlp_stdout() -> Self {
        Self::otlp_file_at(OtlpFile::Stdout)
    }

    /// To stdout, for people or as JSON: see [`Console`](crate::Console).
    pub fn console() -> Self {
        Self::new(LogsKind::Console)
    }

    /// Sets how log records wait for this exporter, before what [`Logs::batching`] says; the console
    /// has no batches.
    pub fn batching(mut self, batching: Batching) -> Self {
        self.batching = batching;
        self
    }

    pub(crate) fn new(kind: LogsKind) -> Self {
        Self { kind, batching: Batching::default() }
    }

    /// Its name in `OTEL_LOGS_EXPORTER`, where it has one.
    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            LogsKind::Otlp(_) => "otlp",
            LogsKind::OtlpFile(_) => "otlp_file",
            LogsKind::Console => "console",
            LogsKind::Custom(_) => "custom",
        }
    }
}

impl fmt::Debug for LogsExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogsExporter").field(&self.name()).finish()
    }
}

/// These exporters, and nothing else set.
impl<const N: usize> From<[LogsExporter; N]> for Logs {
    fn from(exporters: [LogsExporter; N]) -> Self {
        Self::new().exporters(exporters)
    }
}

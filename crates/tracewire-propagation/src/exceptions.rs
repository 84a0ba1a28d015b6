//! Exceptions: events of spans, log records, or both, for the whole process.

use crate::untraced::is_untraced;
use opentelemetry::{Context, KeyValue, trace::TraceContextExt};
use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// The name of the event of a span.
const EXCEPTION: &str = "exception";

/// What failed. It decides the name and the severity of the log record.
///
/// ```
/// use tracewire_propagation::ExceptionKind;
///
/// assert_eq!(ExceptionKind::HttpClient.event_name(), "http.client.request.exception");
/// assert!(!ExceptionKind::HttpClient.is_error()); // WARN: the caller may go on
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExceptionKind {
    /// A call to a database: `db.client.operation.exception`, WARN.
    Database,
    /// The work of a custom span: `exception`, ERROR.
    Failed,
    /// An error that the work of a custom span went on after: `exception`, WARN.
    Handled,
    /// A call over HTTP: `http.client.request.exception`, WARN.
    HttpClient,
    /// A request that a server answers: `http.server.request.exception`, ERROR.
    HttpServer,
    /// A call over gRPC: `rpc.client.call.exception`, WARN.
    RpcClient,
    /// A call over gRPC that a server answers: `rpc.server.call.exception`, ERROR.
    RpcServer,
}

impl ExceptionKind {
    /// Returns the name of the log record.
    #[must_use]
    pub fn event_name(self) -> &'static str {
        match self {
            Self::Database => "db.client.operation.exception",
            Self::Failed | Self::Handled => EXCEPTION,
            Self::HttpClient => "http.client.request.exception",
            Self::HttpServer => "http.server.request.exception",
            Self::RpcClient => "rpc.client.call.exception",
            Self::RpcServer => "rpc.server.call.exception",
        }
    }

    /// Returns whether the severity is ERROR, and not WARN.
    #[must_use]
    pub fn is_error(self) -> bool {
        matches!(self, Self::Failed | Self::HttpServer | Self::RpcServer)
    }
}

/// An error or a panic, with the span that it belongs to.
///
/// ```
/// use tracewire_propagation::Exception;
///
/// fn level(exception: &Exception<'_>) -> &'static str {
///     if exception.kind.is_error() { "ERROR" } else { "WARN" }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Exception<'a> {
    /// The context of the span.
    pub context: &'a Context,
    /// `exception.type`, `exception.message` and what the application adds.
    pub attributes: &'a [KeyValue],
    /// What failed.
    pub kind: ExceptionKind,
}

/// Records exceptions as log records.
///
/// ```
/// use tracewire_propagation::{Exception, ExceptionLog};
///
/// struct Count(std::sync::atomic::AtomicU64);
///
/// impl ExceptionLog for Count {
///     fn emit(&self, _exception: &Exception<'_>) {
///         self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
///     }
/// }
/// ```
pub trait ExceptionLog: Send + Sync {
    /// Records one exception. It must not panic, and must not block.
    fn emit(&self, exception: &Exception<'_>);
}

/// Where the exceptions of the process are recorded.
///
/// ```
/// use std::sync::Arc;
/// use tracewire_propagation::{Exception, ExceptionLog, ExceptionLogs};
///
/// struct Stderr;
///
/// impl ExceptionLog for Stderr {
///     fn emit(&self, exception: &Exception<'_>) {
///         eprintln!("{:?}", exception.attributes);
///     }
/// }
///
/// let both = ExceptionLogs::new(Arc::new(Stderr)).also_on_spans(true);
/// # let _ = both;
/// ```
#[derive(Clone)]
pub struct ExceptionLogs {
    log: Arc<dyn ExceptionLog>,
    also_on_spans: bool,
}

impl ExceptionLogs {
    /// Records exceptions in `log`, and not on their spans.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tracewire_propagation::{Exception, ExceptionLog, ExceptionLogs, set_exception_logs};
    ///
    /// struct Nowhere;
    ///
    /// impl ExceptionLog for Nowhere {
    ///     fn emit(&self, _exception: &Exception<'_>) {}
    /// }
    ///
    /// set_exception_logs(Some(ExceptionLogs::new(Arc::new(Nowhere)).also_on_spans(true)));
    /// ```
    #[must_use]
    pub fn new(log: Arc<dyn ExceptionLog>) -> Self {
        Self { log, also_on_spans: false }
    }

    /// Sets whether exceptions are events of their spans too. Default: no.
    #[must_use]
    pub fn also_on_spans(self, also: bool) -> Self {
        Self { also_on_spans: also, ..self }
    }
}

impl fmt::Debug for ExceptionLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExceptionLogs")
            .field("also_on_spans", &self.also_on_spans)
            .finish_non_exhaustive()
    }
}

/// Sets where exceptions are recorded from now on; `None` is on their spans.
///
/// `init` sets it, as `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` says.
///
/// ```
/// tracewire_propagation::set_exception_logs(None);
/// ```
pub fn set_exception_logs(logs: Option<ExceptionLogs>) {
    let mut slot = LOGS.write().unwrap_or_else(PoisonError::into_inner);
    ARE_SET.store(logs.is_some(), Ordering::Release);
    *slot = logs;
}

/// Returns whether exceptions are log records, on their spans too or not.
///
/// HTTP layers record exceptions only then: their spans have had none before there were log records for them.
///
/// ```
/// use tracewire_propagation::{logs_exceptions, set_exception_logs};
///
/// set_exception_logs(None);
/// assert!(!logs_exceptions());
/// ```
#[must_use]
pub fn logs_exceptions() -> bool {
    ARE_SET.load(Ordering::Acquire)
}

/// Returns whether exceptions of the span in `context` are recorded: it records itself, or they are log
/// records, which do not depend on its sampling.
///
/// ```
/// use opentelemetry::Context;
/// use tracewire_propagation::records_exceptions;
///
/// assert!(!records_exceptions(&Context::new())); // there is no span
/// ```
#[must_use]
pub fn records_exceptions(context: &Context) -> bool {
    let span = context.span();
    // One that was sampled and does not record has ended.
    let is_dropped = || span.span_context().is_valid() && !span.span_context().is_sampled();
    span.is_recording() || (logs_exceptions() && is_dropped() && !is_untraced(context))
}

/// Records an exception of the span in `context`, as [`set_exception_logs`] says: as an event of the
/// span, unless set.
///
/// ```
/// use opentelemetry::{Context, KeyValue};
/// use tracewire_propagation::{ExceptionKind, record_exception};
///
/// let message = KeyValue::new("exception.message", "no connection");
/// record_exception(&Context::current(), vec![message], ExceptionKind::Failed);
/// ```
pub fn record_exception(context: &Context, attributes: Vec<KeyValue>, kind: ExceptionKind) {
    if !records_exceptions(context) {
        return;
    }
    if logs_exceptions() {
        // Cloned, so that nothing is locked while other people's code runs.
        let logs = LOGS.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(logs) = logs {
            logs.log.emit(&Exception { context, attributes: &attributes, kind });
            if !logs.also_on_spans {
                return;
            }
        }
    }
    context.span().add_event(EXCEPTION, attributes);
}

static LOGS: RwLock<Option<ExceptionLogs>> = RwLock::new(None);
/// Whether there is one: nearly always not, and then nothing is locked.
static ARE_SET: AtomicBool = AtomicBool::new(false);

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

/// The name of the event, and of the log record.
const EXCEPTION: &str = "exception";

/// An error or a panic, with the span that it belongs to.
///
/// ```
/// use tracewire_propagation::Exception;
///
/// fn level(exception: &Exception<'_>) -> &'static str {
///     if exception.is_handled { "WARN" } else { "ERROR" }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Exception<'a> {
    /// The context of the span.
    pub context: &'a Context,
    /// `exception.type`, `exception.message` and what the application adds.
    pub attributes: &'a [KeyValue],
    /// Whether the work went on: the error did not make the span fail.
    pub is_handled: bool,
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
    span.is_recording()
        || (ARE_SET.load(Ordering::Acquire) && is_dropped() && !is_untraced(context))
}

/// Records an exception of the span in `context`, as [`set_exception_logs`] says: as an event of the
/// span, unless set.
///
/// ```
/// use opentelemetry::{Context, KeyValue};
/// use tracewire_propagation::record_exception;
///
/// let message = KeyValue::new("exception.message", "no connection");
/// record_exception(&Context::current(), vec![message], false);
/// ```
pub fn record_exception(context: &Context, attributes: Vec<KeyValue>, is_handled: bool) {
    if !records_exceptions(context) {
        return;
    }
    if ARE_SET.load(Ordering::Acquire) {
        // Cloned, so that nothing is locked while other people's code runs.
        let logs = LOGS.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(logs) = logs {
            logs.log.emit(&Exception { context, attributes: &attributes, is_handled });
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

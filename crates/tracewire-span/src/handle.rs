//! A span that is open: the current one, or one started to end later.

use crate::{
    Carried, Event, limit,
    value::{IntoAttribute, IntoValue, attribute, attributes},
};
use opentelemetry::{
    Context, Key, KeyValue, StringValue,
    trace::{SpanContext, Status, TraceContextExt},
};
use std::{any::Any, borrow::Cow, fmt::Display, time::SystemTime};
use tracewire_propagation::{ExceptionKind, current, record_exception, records_exceptions};
use tracewire_text::type_path;

/// Returns the current span, so that you can enrich it from anywhere.
///
/// If there is none, the handle accepts everything and does nothing.
///
/// ```
/// use tracewire_span::{Event, Status, current};
///
/// let span = current();
/// span.set_attribute("cart.items", 3).add_event("priced");
/// span.if_recording(|span| {
///     // runs only if the span is sampled
///     span.set_attribute("cart.total", [1.5, 2.5].iter().sum::<f64>());
/// });
/// span.set_status(Status::error("card refused"));
/// ```
#[must_use]
pub fn current() -> Span {
    Span { context: current::get() }
}

/// A handle to a span and its context, including baggage.
///
/// Handles are cheap to clone and can be sent to other tasks and threads. They may outlive the span:
/// what is set after its end is ignored. A span from [`start`](crate::SpanBuilder::start) ends with
/// [`end`](Self::end), or when its last handle is dropped.
///
/// ```
/// use std::thread;
/// use tracewire_span::{Span, current, span};
///
/// fn work() {
///     current().set_attribute("items", 3).add_event("half done");
/// }
///
/// let job: Span = span("nightly job").start();
/// let handle = job.clone();
/// thread::spawn(move || handle.in_scope(work)).join().unwrap();
/// job.end();
/// ```
#[derive(Clone, Debug)]
pub struct Span {
    context: Context,
}

impl Span {
    pub(crate) fn from_context(context: Context) -> Self {
        Self { context }
    }

    /// Returns whether the span records what is set on it: it is sampled and has not ended.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.context.span().is_recording()
    }

    /// Runs the closure only if the span [is recording](Self::is_recording), for values that are
    /// expensive to compute.
    pub fn if_recording(&self, set: impl FnOnce(&Self)) -> &Self {
        if self.is_recording() {
            set(self);
        }
        self
    }

    /// Sets an attribute.
    pub fn set_attribute(&self, key: impl Into<Key>, value: impl IntoValue) -> &Self {
        self.if_recording(|span| {
            if let Some(attribute) = attribute(key, value) {
                span.context.span().set_attribute(attribute);
            }
        })
    }

    /// Sets several attributes.
    ///
    /// ```
    /// # use tracewire_span::{KeyValue, current};
    /// current().set_attributes([("width", 3), ("height", 4)]);
    /// current().set_attributes([KeyValue::new("shape", "square"), KeyValue::new("area", 12)]);
    /// ```
    pub fn set_attributes<I>(&self, several: I) -> &Self
    where
        I: IntoIterator,
        I::Item: IntoAttribute,
    {
        self.if_recording(|span| {
            for attribute in attributes(several) {
                span.context.span().set_attribute(attribute);
            }
        })
    }

    /// Adds an event: a name, or an [`Event`] with attributes and a timestamp.
    pub fn add_event(&self, event: impl Into<Event>) -> &Self {
        self.if_recording(|span| {
            let Event { name, attributes, timestamp } = event.into();
            let timestamp = timestamp.unwrap_or_else(opentelemetry::time::now);
            span.context.span().add_event_with_timestamp(name, timestamp, attributes);
        })
    }

    /// Adds an `exception` event with the type and the message of an error that was handled.
    ///
    /// It is a log record instead if `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` says so, even where the span is
    /// not sampled.
    ///
    /// The status stays as it is. If the error makes the work fail, use [`fail`](Self::fail) instead;
    /// [`run`](crate::SpanBuilder::run) does so automatically.
    ///
    /// ```
    /// # use tracewire_span::current;
    /// if let Err(error) = "seven".parse::<i32>() {
    ///     current().record_error(&error);
    /// }
    /// ```
    pub fn record_error<E: Display + ?Sized>(&self, error: &E) -> &Self {
        self.record_error_with(error, [] as [KeyValue; 0])
    }

    /// Adds an `exception` event as [`record_error`](Self::record_error) does, with more attributes.
    ///
    /// Attributes named `exception.type` and `exception.message` replace the default ones.
    ///
    /// ```
    /// # use tracewire_span::current;
    /// # let error = std::fmt::Error;
    /// current().record_error_with(&error, [("status", "failed")]);
    /// ```
    pub fn record_error_with<E, I>(&self, error: &E, several: I) -> &Self
    where
        E: Display + ?Sized,
        I: IntoIterator,
        I::Item: IntoAttribute,
    {
        if !records_exceptions(&self.context) {
            return self;
        }
        let mut event: Vec<KeyValue> = attributes(several).collect();
        let has = |event: &[KeyValue], key| event.iter().any(|own| own.key.as_str() == key);
        if let Some(kind) = type_path::<E>()
            && !has(&event, EXCEPTION_TYPE)
        {
            event.push(KeyValue::new(EXCEPTION_TYPE, kind));
        }
        if !has(&event, EXCEPTION_MESSAGE) {
            event.push(KeyValue::new(EXCEPTION_MESSAGE, limit::display(error)));
        }
        record_exception(&self.context, event, ExceptionKind::Handled);
        self
    }

    /// Records an error that makes the span's work fail.
    ///
    /// [`run`](crate::SpanBuilder::run) does this with an `Err` automatically: an `exception` event with
    /// type and message, the status Error with the message, and `error.type`, which is the path of the
    /// error's type without generic arguments, or `_OTHER` for texts and `dyn Error`.
    pub fn fail<E: Display + ?Sized>(&self, error: &E) -> &Self {
        self.if_failures_count(|span| {
            let kind = type_path::<E>();
            span.fail_as(ExceptionKind::Failed, kind, named(kind), Some(limit::display(error)));
        })
    }

    /// Runs the closure only if a failure is recorded: on the span, or as a log record.
    pub(crate) fn if_failures_count(&self, fail: impl FnOnce(&Self)) -> &Self {
        if records_exceptions(&self.context) {
            fail(self);
        }
        self
    }

    /// Records the panic that ended the span's work.
    pub(crate) fn fail_by_panic(&self, payload: &(dyn Any + Send)) {
        self.if_failures_count(|span| {
            let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
                (Some(message), _) => limit::display(message),
                (_, Some(message)) => limit::display(message),
                _ => String::from("panicked with a payload that is not text"),
            };
            span.fail_as(ExceptionKind::Failed, Some("panic"), "panic".into(), Some(message));
        });
    }

    /// Records a failure: what failed, the type of the error, what `error.type` says of it, and its message if that
    /// may be exported.
    pub(crate) fn fail_as(
        &self,
        failed: ExceptionKind,
        exception: Option<&'static str>,
        error_type: StringValue,
        message: Option<String>,
    ) {
        let mut event = Vec::with_capacity(2);
        event.extend(exception.map(|kind| KeyValue::new(EXCEPTION_TYPE, kind)));
        event.extend(message.clone().map(|text| KeyValue::new(EXCEPTION_MESSAGE, text)));
        let span = self.context.span();
        // An exception has a type or a message.
        if !event.is_empty() {
            record_exception(&self.context, event, failed);
        }
        span.set_attribute(KeyValue::new(ERROR_TYPE, error_type));
        span.set_status(Status::error(message.unwrap_or_default()));
    }

    /// Sets the status. `Ok` is final, and wins over `Error`.
    pub fn set_status(&self, status: Status) -> &Self {
        let status = match status {
            Status::Error { description } => Status::error(limit::text(description)),
            other => other,
        };
        self.context.span().set_status(status);
        self
    }

    /// Changes the name of the span. Samplers have seen only the first one.
    pub fn update_name(&self, name: impl Into<Cow<'static, str>>) -> &Self {
        self.if_recording(|span| span.context.span().update_name(limit::name(name.into())))
    }

    /// Links the span to another one. Samplers see only the links given
    /// [at the start](crate::SpanBuilder::link).
    pub fn add_link(&self, other: SpanContext) -> &Self {
        self.context.span().add_link(other, Vec::new());
        self
    }

    /// Ends the span now. What is set later is ignored, another `end` included.
    pub fn end(&self) {
        current::finish(|| self.context.span().end());
    }

    /// Ends the span if it records. One that does not may be another's: that of the parent.
    pub(crate) fn close(&self) {
        if self.is_recording() {
            self.end();
        }
    }

    /// Ends the span with this end time.
    pub fn end_at(&self, timestamp: SystemTime) {
        current::finish(|| self.context.span().end_with_timestamp(timestamp));
    }

    /// Runs a closure with this span as the current one, without ending it.
    ///
    /// ```
    /// # use tracewire_span::{current, span};
    /// let request = current();
    /// std::thread::spawn(move || request.in_scope(|| span("resize").in_scope(|| "done")));
    /// ```
    pub fn in_scope<T>(&self, scope: impl FnOnce() -> T) -> T {
        let _attached = current::attach(self.context.clone());
        scope()
    }

    /// Wraps a future, a stream or a sink so that this span is current in it, without ending it. What
    /// the work owns is dropped in the span too.
    ///
    /// ```
    /// # use tracewire_span::{current, span};
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let import = span("import").start();
    /// let rows = tokio::spawn(import.carry(async { current().add_event("read"); 3 }));
    /// assert_eq!(rows.await.unwrap(), 3);
    /// import.set_attribute("rows", 3).end();
    /// # });
    /// ```
    pub fn carry<T>(&self, work: T) -> Carried<T> {
        Carried::new(work, self.context.clone())
    }

    /// Returns the trace id, the span id and the flags.
    #[must_use]
    pub fn span_context(&self) -> SpanContext {
        self.context.span().span_context().clone()
    }

    /// Returns the OpenTelemetry context with this span in it.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }
}

impl From<Span> for Context {
    fn from(span: Span) -> Self {
        span.context
    }
}

impl From<&Span> for Context {
    fn from(span: &Span) -> Self {
        span.context.clone()
    }
}

const EXCEPTION_TYPE: &str = "exception.type";
const EXCEPTION_MESSAGE: &str = "exception.message";
pub(crate) const ERROR_TYPE: &str = "error.type";

/// The conventions' name for an error whose type is not known is `_OTHER`.
fn named(kind: Option<&'static str>) -> StringValue {
    kind.unwrap_or("_OTHER").into()
}

//! A future or a closure inside its span.

use crate::{Span, SpanBuilder, database::Prepared};
use opentelemetry::Context;
use pin_project_lite::pin_project;
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    task::{Poll, ready},
    thread,
};
use tracewire_propagation::current;

/// What a future may assume of its caller.
pub(crate) const NOT_DONE: &str = "not polled after it was done";

/// What records an output on the span.
pub(crate) type Record<T> = fn(&T, &Span);

/// A span that was started.
pub(crate) struct Started {
    pub(crate) span: Span,
    /// One that does not record is not ended: it may be another's, that of the parent.
    records: bool,
}

impl Started {
    pub(crate) fn new((context, records): (Context, bool)) -> Self {
        Self { span: Span::from_context(context), records }
    }
}

/// Runs the closure with the span current, and ends it.
pub(crate) fn in_scope<T>(started: &Started, scope: impl FnOnce() -> T, record: Record<T>) -> T {
    let Started { span, records } = started;
    let output = enter(span, scope);
    record(&output, span);
    if *records {
        span.end();
    }
    output
}

/// Runs the closure with the span current; a panic ends the span and goes on.
pub(crate) fn enter<T>(span: &Span, scope: impl FnOnce() -> T) -> T {
    catch(span, false, scope).unwrap_or_else(|payload| {
        span.close();
        resume_unwind(payload)
    })
}

/// Polls what is inside with the span current, which it may be already; a panic drops it there, ends the
/// span and goes on.
pub(crate) fn poll<T, R>(
    span: &Span,
    is_current: bool,
    mut inner: Pin<&mut Option<T>>,
    poll: impl FnOnce(Pin<&mut Option<T>>) -> R,
) -> R {
    let polled = catch(span, is_current, || poll(inner.as_mut()));
    polled.unwrap_or_else(|payload| {
        // The first panic is the one to tell of.
        let _ = catch_unwind(AssertUnwindSafe(|| span.in_scope(|| inner.set(None))));
        span.close();
        resume_unwind(payload)
    })
}

/// Runs the closure with the span current, which it may be already, and records a panic on it.
fn catch<T>(span: &Span, is_current: bool, scope: impl FnOnce() -> T) -> thread::Result<T> {
    // Nothing of ours is left half done by the panic, and the caller sees it as if we were not here.
    let output = catch_unwind(AssertUnwindSafe(|| {
        let _attached = (!is_current).then(|| current::attach(span.context().clone())).flatten();
        scope()
    }));
    output.inspect_err(|payload| span.fail_by_panic(&**payload))
}

/// A span around a future or a stream, started when that is first polled.
pub(crate) enum Lazy {
    /// A custom span, and the context where the work was made.
    Custom(SpanBuilder, Context),
    /// A call to a database.
    Call(Prepared, Context),
    /// A span that records.
    Started(Span),
    /// There is nothing to end: the span does not record, or there is none, and the work runs in the
    /// parent.
    Passed(Span),
    Ended,
}

impl Lazy {
    pub(crate) fn custom(builder: SpanBuilder) -> Self {
        Self::Custom(builder, current::get())
    }

    pub(crate) fn call(call: Prepared) -> Self {
        Self::Call(call, current::get())
    }

    /// Starts the span, if it was not. Returns whether the context of the work is the current one.
    pub(crate) fn start(&mut self) -> bool {
        // Both are started where they are: to move them costs more.
        let started = match self {
            Self::Custom(builder, made_in) => builder.start_polled(made_in),
            Self::Call(call, made_in) => match call.start_polled(made_in) {
                Ok(started) => started,
                Err((parent, is_current)) => {
                    *self = Self::Passed(Span::from_context(parent));
                    return is_current;
                }
            },
            Self::Started(_) | Self::Passed(_) | Self::Ended => return false,
        };
        let Started { span, records } = started;
        *self = if records { Self::Started(span) } else { Self::Passed(span) };
        false
    }

    pub(crate) fn started(&self) -> Option<&Span> {
        match self {
            Self::Started(span) | Self::Passed(span) => Some(span),
            Self::Custom(..) | Self::Call(..) | Self::Ended => None,
        }
    }

    /// Ends the span even if clones of its context live on elsewhere.
    pub(crate) fn end(&mut self) {
        match self {
            Self::Ended => return,
            Self::Started(span) => span.end(),
            Self::Custom(..) | Self::Call(..) | Self::Passed(_) => {}
        }
        *self = Self::Ended;
    }
}

pin_project! {
    /// The future of [`SpanBuilder::run`].
    ///
    /// The span starts at the first poll, and ends when the future is done, panics or is dropped.
    #[must_use = "futures do nothing unless awaited"]
    pub struct InSpan<F: Future> {
        // `None` once dropped, which happens inside the span.
        #[pin]
        inner: Option<F>,
        span: Lazy,
        record: Record<F::Output>,
    }

    impl<F: Future> PinnedDrop for InSpan<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(span) = this.span.started() {
                enter(span, || this.inner.set(None));
            }
            this.span.end();
        }
    }
}

impl<F: Future> InSpan<F> {
    pub(crate) fn new(span: Lazy, future: F, record: Record<F::Output>) -> Self {
        Self { inner: Some(future), span, record }
    }
}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let is_current = this.span.start();
        let span = this.span.started().expect(NOT_DONE);
        let record = this.record;
        // Done with in the same scope, because to enter it again costs as much as the first time.
        let output = ready!(poll(span, is_current, this.inner.as_mut(), |mut inner| {
            let output = ready!(inner.as_mut().as_pin_mut().expect(NOT_DONE).poll(cx));
            record(&output, span);
            inner.set(None);
            Poll::Ready(output)
        }));
        this.span.end();
        Poll::Ready(output)
    }
}

impl<F: Future> fmt::Debug for InSpan<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InSpan").field("span", &self.span.started()).finish_non_exhaustive()
    }
}

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

/// Runs the closure with the span current, and ends it.
pub(crate) fn in_scope<T>(span: &Span, scope: impl FnOnce() -> T, record: Record<T>) -> T {
    let output = enter(span, scope);
    record(&output, span);
    span.close();
    output
}

/// Runs the closure with the span current; a panic ends the span and goes on.
pub(crate) fn enter<T>(span: &Span, scope: impl FnOnce() -> T) -> T {
    catch(span, scope).unwrap_or_else(|payload| {
        span.close();
        resume_unwind(payload)
    })
}

/// Polls what is inside with the span current; a panic drops it there, ends the span and goes on.
pub(crate) fn poll<T, R>(
    span: &Span,
    mut inner: Pin<&mut Option<T>>,
    poll: impl FnOnce(Pin<&mut Option<T>>) -> R,
) -> R {
    let polled = catch(span, || poll(inner.as_mut()));
    polled.unwrap_or_else(|payload| {
        // The first panic is the one to tell of.
        let _ = catch_unwind(AssertUnwindSafe(|| span.in_scope(|| inner.set(None))));
        span.close();
        resume_unwind(payload)
    })
}

/// Runs the closure with the span current, and records a panic on it.
fn catch<T>(span: &Span, scope: impl FnOnce() -> T) -> thread::Result<T> {
    // Nothing of ours is left half done by the panic, and the caller sees it as if we were not here.
    let output = catch_unwind(AssertUnwindSafe(|| span.in_scope(scope)));
    output.inspect_err(|payload| span.fail_by_panic(&**payload))
}

/// A span around a future or a stream, started when that is first polled.
pub(crate) enum Lazy {
    /// A custom span, and the context where the work was made.
    Custom(SpanBuilder, Context),
    /// A call to a database.
    Call(Prepared, Context),
    Started(Span),
    /// There is no span of its own: the work runs in the parent.
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

    /// The span, started if it was not; `None` once it has ended.
    pub(crate) fn start(&mut self) -> Option<&Span> {
        // A call is started where it is: to move it costs more.
        if let Self::Call(call, made_in) = self {
            *self = match call.start_polled(made_in) {
                Ok(span) => Self::Started(span),
                Err(parent) => Self::Passed(Span::from_context(parent)),
            };
        } else if let Self::Custom(..) = self
            && let Self::Custom(builder, made_in) = std::mem::replace(self, Self::Ended)
        {
            *self = Self::Started(builder.start_polled(&made_in));
        }
        self.started()
    }

    pub(crate) fn started(&self) -> Option<&Span> {
        match self {
            Self::Started(span) | Self::Passed(span) => Some(span),
            Self::Custom(..) | Self::Call(..) | Self::Ended => None,
        }
    }

    /// Ends the span even if clones of its context live on elsewhere.
    pub(crate) fn end(&mut self) {
        if let Self::Started(span) = self {
            span.close();
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
        let span = this.span.start().expect(NOT_DONE);
        let record = this.record;
        // Done with in the same scope, because to enter it again costs as much as the first time.
        let output = ready!(poll(span, this.inner.as_mut(), |mut inner| {
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

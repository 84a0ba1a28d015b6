//! Futures, streams and sinks that keep a context wherever they are polled and dropped.

use futures_core::Stream;
use futures_sink::Sink;
use opentelemetry::Context;
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{self, Poll, ready},
};
use tracewire_propagation::current;

pin_project! {
    /// The future, stream or sink of [`Span::carry`](crate::Span::carry) and
    /// [`Change::run`](crate::baggage::Change::run).
    ///
    /// The context is current in every poll, and while the inner work is dropped.
    #[must_use = "futures, streams and sinks do nothing unless polled"]
    pub struct Carried<T> {
        // `None` once it is done.
        #[pin]
        inner: Option<T>,
        context: Context,
    }

    impl<T> PinnedDrop for Carried<T> {
        fn drop(this: Pin<&mut Self>) {
            this.drop_inner();
        }
    }
}

impl<T> Carried<T> {
    pub(crate) fn new(inner: T, context: Context) -> Self {
        Self { inner: Some(inner), context }
    }

    fn run<R>(self: Pin<&mut Self>, work: impl FnOnce(Pin<&mut T>) -> R) -> R {
        let this = self.project();
        let inner = this.inner.as_pin_mut().expect("not polled after it was done");
        let _attached = current::attach(this.context.clone());
        work(inner)
    }

    fn drop_inner(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.inner.is_some() {
            let _attached = current::attach(this.context.clone());
            this.inner.set(None);
        }
    }
}

impl<F: Future> Future for Carried<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let output = ready!(self.as_mut().run(|inner| inner.poll(cx)));
        self.drop_inner();
        Poll::Ready(output)
    }
}

impl<S: Stream> Stream for Carried<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        if self.inner.is_none() {
            return Poll::Ready(None);
        }
        let next = ready!(self.as_mut().run(|inner| inner.poll_next(cx)));
        if next.is_none() {
            self.drop_inner();
        }
        Poll::Ready(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

impl<I, S: Sink<I>> Sink<I> for Carried<S> {
    type Error = S::Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.run(|inner| inner.poll_ready(cx))
    }

    fn start_send(self: Pin<&mut Self>, item: I) -> Result<(), S::Error> {
        self.run(|inner| inner.start_send(item))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.run(|inner| inner.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.run(|inner| inner.poll_close(cx))
    }
}

impl<T> fmt::Debug for Carried<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carried").field("context", &self.context).finish_non_exhaustive()
    }
}

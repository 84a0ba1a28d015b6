//! A stream inside its span.

use crate::run::{Lazy, NOT_DONE, Record, enter, poll};
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Poll, ready},
};

pin_project! {
    /// The stream of [`SpanBuilder::stream`].
    ///
    /// The span starts at the first poll, and ends when the stream is over, panics or is dropped.
    #[must_use = "streams do nothing unless polled"]
    pub struct StreamInSpan<S: Stream> {
        // `None` once over, and dropped inside the span.
        #[pin]
        inner: Option<S>,
        span: Lazy,
        record: Record<S::Item>,
    }

    impl<S: Stream> PinnedDrop for StreamInSpan<S> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(span) = this.span.started() {
                enter(span, || this.inner.set(None));
            }
            this.span.end();
        }
    }
}

impl<S: Stream> StreamInSpan<S> {
    pub(crate) fn new(span: Lazy, stream: S, record: Record<S::Item>) -> Self {
        Self { inner: Some(stream), span, record }
    }
}

impl<S: Stream> Stream for StreamInSpan<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let is_current = this.span.start();
        // Over; after a panic there is nothing left to ask.
        let (Some(span), true) = (this.span.started(), this.inner.is_some()) else {
            return Poll::Ready(None);
        };
        let next = ready!(poll(span, is_current, this.inner.as_mut(), |inner| {
            inner.as_pin_mut().expect(NOT_DONE).poll_next(cx)
        }));
        match &next {
            Some(item) => (this.record)(item, span),
            None => {
                enter(span, || this.inner.set(None));
                this.span.end();
            }
        }
        Poll::Ready(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

impl<S: Stream> fmt::Debug for StreamInSpan<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamInSpan").field("span", &self.span.started()).finish_non_exhaustive()
    }
}

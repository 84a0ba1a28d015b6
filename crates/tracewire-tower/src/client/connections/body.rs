//! The body of a response, whose end frees the connection.

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tracewire_http::wiring::InUse;

pin_project! {
    /// The body of a response, until whose end its connection is in use.
    #[derive(Debug)]
    pub struct ConnectionBody<B> {
        #[pin]
        inner: B,
        in_use: Option<InUse>,
    }
}

impl<B: Body> ConnectionBody<B> {
    pub(super) fn new(inner: B, in_use: Option<InUse>) -> Self {
        let in_use = in_use.filter(|_| !inner.is_end_stream());
        Self { inner, in_use }
    }
}

impl<B: Body> Body for ConnectionBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) || this.inner.is_end_stream() {
            *this.in_use = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

//! The body of a response, carrying the call to its end where that is asked for.

use super::ClientCall;
use crate::{ErrorType, Outcome, Remaining};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

pin_project! {
    /// The body of a response to a [`ClientCall`].
    ///
    /// Passes every frame untouched, and ends the call, if it was not over with the head, once: at
    /// the last frame, at an error, or as cancelled when it is dropped before.
    #[derive(Debug)]
    pub struct CallBody<B>
    where
        B: Body,
    {
        #[pin]
        inner: B,
        // `None` once the call has ended.
        call: Option<ClientCall>,
        remaining: Remaining,
        classify: fn(&B::Error) -> ErrorType,
    }
}

impl<B: Body> CallBody<B> {
    /// Carries `call`, or nothing, to the end of `inner`, whose errors are named by `classify`.
    pub fn new(inner: B, call: Option<ClientCall>, classify: fn(&B::Error) -> ErrorType) -> Self {
        let remaining = Remaining::new(inner.size_hint().exact());
        let mut body = Self { inner, call, remaining, classify };
        if let Some(call) = &mut body.call {
            call.read(0);
        }
        if remaining.is_over(&body.inner) {
            end(&mut body.call, Outcome::Complete);
        }
        body
    }
}

impl<B: Body> Body for CallBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = {
            let _attached = this.call.as_ref().map(|call| call.context().clone().attach());
            ready!(this.inner.as_mut().poll_frame(cx))
        };
        match &frame {
            None => end(this.call, Outcome::Complete),
            Some(Err(error)) => end(this.call, Outcome::Failed((this.classify)(error))),
            Some(Ok(frame)) => {
                let size = this.remaining.count(frame);
                if let Some(call) = this.call {
                    call.read(size);
                    if let Some(trailers) = frame.trailers_ref() {
                        call.trailers(trailers);
                    }
                }
                if this.remaining.is_over(&*this.inner) {
                    end(this.call, Outcome::Complete);
                }
            }
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

fn end(call: &mut Option<ClientCall>, outcome: Outcome) {
    if let Some(call) = call.take() {
        call.end(outcome);
    }
}

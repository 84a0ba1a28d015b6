//! Waits: from the request to the response's head.

use super::{error::error_type, response};
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tracewire_http::{CallBody, ClientCall, ErrorType, Outcome};

pin_project! {
    /// Response future of [`ClientService`](super::ClientService).
    ///
    /// Dropping it before it is ready ends the call as cancelled.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        // `None` where the request is left alone.
        call: Option<ClientCall>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, call: Option<ClientCall>) -> Self {
        Self { inner, call }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: 'static,
{
    type Output = Result<Response<CallBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = {
            let _attached = this.call.as_ref().map(|call| call.context().clone().attach());
            ready!(this.inner.poll(cx))
        };
        let mut call = this.call.take();
        Poll::Ready(match result {
            Ok(response) => {
                if let Some(call) = &mut call {
                    call.respond(&response::describe(&response));
                }
                if let Some(call) = call.take_if(|call| !call.ends_at_body()) {
                    call.end(Outcome::Complete);
                }
                Ok(response.map(|body| CallBody::new(body, call, |_| ErrorType::Body)))
            }
            Err(error) => {
                if let Some(call) = call {
                    call.end(Outcome::Failed(error_type(&error)));
                }
                Err(error)
            }
        })
    }
}

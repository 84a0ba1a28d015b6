//! Waits: from the request to the response's head.

use super::ResponseBody;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tracewire_http::wiring::{Scope, Scoped, ServerCall};

pin_project! {
    /// Response future of [`ServerService`](super::ServerService).
    ///
    /// Dropping it before it is ready ends the exchange as cancelled.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        work: Scoped<F, ServerCall>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, scope: Scope<ServerCall>) -> Self {
        Self { work: Scoped::new(inner, scope) }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: 'static,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (result, scope) = ready!(self.project().work.poll(cx));
        Poll::Ready(match result {
            Ok(response) => Ok(ServerCall::respond(scope, response)),
            Err(error) => {
                ServerCall::fail(scope, &error);
                Err(error)
            }
        })
    }
}

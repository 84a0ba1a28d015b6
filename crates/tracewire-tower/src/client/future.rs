//! Waits: from the request to the response's head.

use super::{
    error::{error_type, known},
    response,
};
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tracewire_http::{
    ErrorType, Outcome,
    wiring::{ClientBody, ClientCall, Scope, Scoped, Traced},
};

pin_project! {
    /// Response future of [`ClientService`](super::ClientService).
    ///
    /// Dropping it before it is ready ends the call as cancelled.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        work: Scoped<F, ClientCall>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, scope: Scope<ClientCall>) -> Self {
        Self { work: Scoped::new(inner, scope) }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: 'static,
{
    type Output = Result<Response<ClientBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (result, scope) = ready!(self.project().work.poll(cx));
        // `None` where the request is left alone.
        let call = scope.into_traced();
        Poll::Ready(match result {
            Ok(response) => Ok(carry(response, call)),
            Err(error) => {
                if let Some(mut call) = call {
                    call.exchange_mut().set_error::<E>(known(&error));
                    call.end(Outcome::Failed(error_type(&error)));
                }
                Err(error)
            }
        })
    }
}

/// Ends the call with the head of `response`, or has the body end it.
fn carry<B: Body>(response: Response<B>, call: Option<ClientCall>) -> Response<ClientBody<B>> {
    let Some(mut call) = call else { return response.map(ClientBody::untraced) };
    call.set_response(&response::describe(&response));
    if call.ends_at_body() {
        return response.map(|body| ClientBody::of_call(body, call, |_| ErrorType::Body));
    }
    call.end(Outcome::Complete);
    response.map(ClientBody::untraced)
}

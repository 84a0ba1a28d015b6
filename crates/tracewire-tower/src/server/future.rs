//! Waits: from the request to the response's head.

use super::{ResponseBody, inside::inside};
use http::{Method, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use std::{
    any::Any,
    error::Error,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tracewire_http::{ErrorType, Exchange, Outcome};

pin_project! {
    /// Response future of [`ServerService`](super::ServerService).
    ///
    /// Dropping it before it is ready ends the exchange as cancelled.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        // `None` inside another layer of ours.
        exchange: Option<Exchange>,
        method: Method,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn traced(inner: F, exchange: Option<Exchange>, method: Method) -> Self {
        Self {
            inner,
            exchange,
            method,
        }
    }

    pub(super) fn untraced(inner: F) -> Self {
        Self {
            inner,
            exchange: None,
            method: Method::GET,
        }
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
        let this = self.project();
        let result = ready!(inside(this.exchange, || this.inner.poll(cx)));
        let exchange = this.exchange.take();
        Poll::Ready(match result {
            Ok(response) => {
                let (head, body) = response.into_parts();
                let body = ResponseBody::new(body, exchange, this.method, &head);
                Ok(Response::from_parts(head, body))
            }
            Err(error) => {
                if let Some(exchange) = exchange {
                    exchange.end(Outcome::Failed(error_type(&error)));
                }
                Err(error)
            }
        })
    }
}

/// A service's error by its kind; boxed errors are looked into.
fn error_type<E: 'static>(error: &E) -> ErrorType {
    let error: &dyn Any = error;
    error
        .downcast_ref::<Box<dyn Error + Send + Sync>>()
        .and_then(|error| ErrorType::from_io(error.as_ref()))
        .unwrap_or(ErrorType::Service)
}

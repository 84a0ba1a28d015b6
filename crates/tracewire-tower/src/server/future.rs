//! Waits: from the request to the response's head.

use super::{ResponseBody, ResponseHead, layer::Config, scope::Scope};
use http::{Method, Response, StatusCode, response};
use http_body::Body;
use pin_project_lite::pin_project;
use std::{
    any::Any,
    error::Error,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tracewire_http::{ErrorType, Exchange, Outcome};
use tracewire_propagation::inject_response;

pin_project! {
    /// Response future of [`ServerService`](super::ServerService).
    ///
    /// Dropping it before it is ready ends the exchange as cancelled.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        scope: Scope,
        method: Method,
        config: Arc<Config>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, scope: Scope, method: Method, config: Arc<Config>) -> Self {
        Self { inner, scope, method, config }
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
        let result = ready!(this.scope.run(|| this.inner.poll(cx)));
        Poll::Ready(match result {
            Ok(response) => {
                let (mut head, body) = response.into_parts();
                if let Some(exchange) = this.scope.exchange() {
                    this.config.respond(exchange, &mut head);
                }
                if this.config.follow_upgrades && head.status == StatusCode::SWITCHING_PROTOCOLS {
                    this.scope.hand_over();
                }
                let body = ResponseBody::new(body, this.scope.take(), this.method, &head);
                Ok(Response::from_parts(head, body))
            }
            Err(error) => {
                this.scope.end(Outcome::Failed(error_type(&error)));
                Err(error)
            }
        })
    }
}

impl Config {
    fn respond(&self, exchange: &mut Exchange, head: &mut response::Parts) {
        exchange.respond(head.status);
        exchange.response_headers(&self.instrumentation, &head.headers);
        if exchange.is_recorded()
            && let Some(added) = self.hooks.on_response(&ResponseHead::new(head))
        {
            exchange.add_attributes(added.span);
            exchange.add_metric_attributes(added.metric);
        }
        if self.response_headers {
            inject_response(exchange.context(), &mut head.headers);
        }
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

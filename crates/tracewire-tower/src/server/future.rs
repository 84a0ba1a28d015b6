//! Waits: from the request to the response's head.

use super::{ResponseBody, ResponseHead, body, layer::Config};
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
use tracewire_http::{ErrorType, Exchange, Outcome, Scope, Scoped, is_event_stream};
use tracewire_propagation::inject_response;

pin_project! {
    /// Response future of [`ServerService`](super::ServerService).
    ///
    /// Dropping it before it is ready ends the exchange as cancelled.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        work: Scoped<F, Exchange>,
        method: Method,
        config: Arc<Config>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(
        inner: F,
        scope: Scope<Exchange>,
        method: Method,
        config: Arc<Config>,
    ) -> Self {
        Self { work: Scoped::new(inner, scope), method, config }
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
        let (result, mut scope) = ready!(this.work.poll(cx));
        Poll::Ready(match result {
            Ok(response) => {
                let (mut head, body) = response.into_parts();
                if let Some(exchange) = scope.exchange() {
                    this.config.respond(exchange, &mut head);
                }
                if this.config.follow_upgrades && is_upgrade(this.method, head.status) {
                    scope = hand_over(scope);
                }
                let body = body::carry(body, scope, this.method, &head);
                Ok(Response::from_parts(head, body))
            }
            Err(error) => {
                scope.end(Outcome::Failed(error_type(&error)));
                Err(error)
            }
        })
    }
}

/// Whether the connection, or the stream of HTTP/2, now speaks another protocol: a 101 in HTTP/1.1,
/// a success to `CONNECT` in every version.
fn is_upgrade(method: &Method, status: StatusCode) -> bool {
    status == StatusCode::SWITCHING_PROTOCOLS || (method == Method::CONNECT && status.is_success())
}

/// Leaves the exchange to those who hold its handle. What is left to drop stays in its context.
fn hand_over(scope: Scope<Exchange>) -> Scope<Exchange> {
    match scope {
        Scope::Traced(exchange) => {
            let context = exchange.context().clone();
            exchange.hand_over();
            Scope::Context(context)
        }
        other => other,
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
        if exchange.is_recorded()
            && let Some(stream) = self.is_stream(exchange, head)
        {
            exchange.set_stream(stream);
        }
        if self.response_headers {
            inject_response(exchange.context(), &mut head.headers);
        }
    }

    /// Whether the response is a stream. A call over gRPC shows it by its messages.
    fn is_stream(&self, exchange: &Exchange, head: &response::Parts) -> Option<bool> {
        let hook = self.hooks.is_stream(&ResponseHead::new(head));
        hook.or_else(|| (!exchange.is_rpc() && is_event_stream(&head.headers)).then_some(true))
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

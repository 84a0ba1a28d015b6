//! Ends: carries the exchange to the end of the response.

use super::{request::declared_length, scope::Scope};
use http::{Method, StatusCode, response::Parts};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tracewire_http::{ErrorType, Outcome, Remaining};

pin_project! {
    /// Response body of [`ServerService`](super::ServerService).
    ///
    /// Passes every frame untouched and ends the exchange once, by the rule of the
    /// [module docs](crate::server#when-it-ends).
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        inner: B,
        // `Bare` once the exchange has ended.
        scope: Scope,
        remaining: Remaining,
    }
}

impl<B: Body> ResponseBody<B> {
    pub(super) fn new(inner: B, scope: Scope, method: &Method, head: &Parts) -> Self {
        let mut body = Self { inner, scope, remaining: Remaining::default() };
        if let Some(exchange) = body.scope.exchange() {
            exchange.add_response_size(0);
            let declared = declared_length(&head.headers);
            body.remaining = Remaining::new(declared.or_else(|| body.inner.size_hint().exact()));
            if never_polled(method, head.status) || body.remaining.is_over(&body.inner) {
                body.scope.end(Outcome::Complete);
            }
        }
        body
    }
}

/// The body of a response that belongs to no exchange, as layers outside make one up.
impl<B: Default> Default for ResponseBody<B> {
    fn default() -> Self {
        Self { inner: B::default(), scope: Scope::Bare, remaining: Remaining::default() }
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.scope.run(|| this.inner.as_mut().poll_frame(cx)));
        match &frame {
            None => this.scope.end(Outcome::Complete),
            Some(Err(_)) => this.scope.end(Outcome::Failed(ErrorType::Body)),
            Some(Ok(frame)) => {
                let size = this.remaining.count(frame);
                if let Some(exchange) = this.scope.exchange() {
                    exchange.add_response_size(size);
                    if let Some(trailers) = frame.trailers_ref() {
                        exchange.trailers(trailers);
                    }
                }
                if this.remaining.is_over(&*this.inner) {
                    this.scope.end(Outcome::Complete);
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

/// Responses whose body, if they have one, nobody sends (RFC 9112, section 6.3).
fn never_polled(method: &Method, status: StatusCode) -> bool {
    method == Method::HEAD
        || (method == Method::CONNECT && status.is_success())
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

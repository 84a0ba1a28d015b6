//! The body of a response, which carries the exchange to its end.

use super::{Remaining, Scope, Scoped, Traced};
use crate::outcome::{ErrorType, Outcome};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

pin_project! {
    /// The body of a response that ends its exchange, if the exchange is not over with the head.
    ///
    /// It passes every frame untouched, and drops the inner body inside the exchange's context,
    /// before the exchange ends. That happens once:
    ///
    /// - after the last frame: the end of the stream, or trailers;
    /// - on a client, after the last byte of a declared length, except of a gRPC call, whose status
    ///   comes after it;
    /// - when the body is dropped. It is complete if as many bytes have come as were declared, or
    ///   if nothing reads the body of such a response; it failed if a frame was an error; else it
    ///   is [cancelled](Outcome::Cancelled).
    ///
    /// A body of fewer or more bytes than declared has failed (`error.type` `body`).
    ///
    /// ```
    /// use http_body::Body;
    /// use tracewire_http::ErrorType;
    /// use tracewire_http::wiring::{ClientCall, ExchangeBody};
    ///
    /// /// The body of a response, which ends its call.
    /// fn body<B: Body>(body: B, call: ClientCall) -> ExchangeBody<B, ClientCall> {
    ///     ExchangeBody::of_call(body, call, |_error| ErrorType::Body)
    /// }
    /// ```
    pub struct ExchangeBody<B, E>
    where
        B: Body,
        E: Traced,
    {
        #[pin]
        work: Scoped<B, E>,
        remaining: Remaining,
        // What is known before the end: the body failed, or need not be read.
        known: Option<Outcome>,
        over: bool,
        classify: fn(&B::Error) -> ErrorType,
    }

    impl<B, E> PinnedDrop for ExchangeBody<B, E>
    where
        B: Body,
        E: Traced,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let over = this.work.inner().is_some_and(|inner| this.remaining.is_over(inner));
            let known = this.known.or_else(|| over.then(|| this.remaining.outcome()));
            this.work.close(known.unwrap_or(Outcome::Cancelled));
        }
    }
}

impl<B: Body, E: Traced> ExchangeBody<B, E> {
    /// Carries the exchange of `scope` to the end of `inner`.
    ///
    /// `length` is the number of bytes that the response's head declares, if it declares one; else
    /// the body's own is taken. `classify` names the body's errors.
    pub fn new(
        inner: B,
        scope: impl Into<Scope<E>>,
        length: Option<u64>,
        classify: fn(&B::Error) -> ErrorType,
    ) -> Self {
        let mut scope = scope.into();
        if let Some(exchange) = scope.exchange() {
            exchange.add_response_size(0);
        }
        let remaining = Remaining::new(length.or_else(|| inner.size_hint().exact()));
        let over = inner.is_end_stream();
        let work = if over {
            scope.run(|| drop(inner));
            scope.end(remaining.outcome());
            Scoped::done()
        } else {
            // A decoder around a body that is declared empty does not know that it is at its end.
            if remaining.has_all() && ends_at_last_byte(&mut scope) {
                scope.end_early(remaining.outcome());
            }
            Scoped::new(inner, scope)
        };
        Self { work, remaining, known: None, over, classify }
    }

    /// Carries an exchange that is complete without a byte of the body, as that of a response to
    /// `HEAD`: its body is dropped unread.
    pub fn unread(
        inner: B,
        scope: impl Into<Scope<E>>,
        classify: fn(&B::Error) -> ErrorType,
    ) -> Self {
        let mut scope = scope.into();
        if E::ENDS_AT_LAST_BYTE {
            scope.end_early(Outcome::Complete);
        }
        let mut body = Self::new(inner, scope, None, classify);
        body.known = Some(Outcome::Complete);
        body
    }
}

/// Whether the exchange of `scope` ends with the last byte that was declared. gRPC has its status in
/// the trailers behind it.
fn ends_at_last_byte<E: Traced>(scope: &mut Scope<E>) -> bool {
    E::ENDS_AT_LAST_BYTE && scope.exchange().is_some_and(|exchange| !exchange.is_rpc())
}

impl<B: Body, E: Traced> Body for ExchangeBody<B, E> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        if *this.over {
            return Poll::Ready(None);
        }
        let over = this.over;
        let polled = this.work.as_mut().poll_to_end(|mut inner, done| {
            let polled = inner.as_mut().poll_frame(cx);
            *done = match &polled {
                Poll::Ready(Some(Ok(frame))) => frame.is_trailers() || inner.is_end_stream(),
                Poll::Ready(Some(Err(_))) | Poll::Pending => false,
                Poll::Ready(None) => true,
            };
            *over = *done;
            polled
        });
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let size = this.remaining.count(frame);
                if let Some(exchange) = this.work.as_mut().scope().exchange() {
                    exchange.response_frame(frame, size);
                }
                if !*over && this.remaining.has_all() {
                    let scope = this.work.as_mut().scope();
                    if ends_at_last_byte(scope) {
                        scope.end_early(this.remaining.outcome());
                    }
                }
            }
            Poll::Ready(Some(Err(error))) => {
                *this.known = Some(Outcome::Failed((this.classify)(error)));
                if let Some(exchange) = this.work.as_mut().scope().exchange() {
                    exchange.set_error::<B::Error>(None);
                }
            }
            Poll::Ready(None) | Poll::Pending => {}
        }
        if *over {
            this.work.close(this.known.unwrap_or_else(|| this.remaining.outcome()));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.work.inner().map_or(self.over, Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.work.inner().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

/// The body of a response that belongs to no exchange, as layers outside make one up.
impl<B: Body + Default, E: Traced> Default for ExchangeBody<B, E> {
    fn default() -> Self {
        Self::new(B::default(), Scope::Bare, None, |_| ErrorType::Body)
    }
}

impl<B: Body, E: Traced> fmt::Debug for ExchangeBody<B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeBody")
            .field("remaining", &self.remaining)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

//! Sends: one request as one call, from the request to its response's head.

use crate::{error, request, response};
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Next, Result};
use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tracewire_http::{
    ErrorType, Outcome,
    wiring::{ClientCall, ClientSettings, Scope, Scoped, Traced},
};

/// A call whose response or error is there, and which has not ended yet.
pub(crate) struct Answered {
    /// `None` where the request is left alone.
    pub(crate) call: Option<ClientCall>,
    pub(crate) result: Result<Response>,
}

impl Answered {
    /// Ends the call, or has the body end it.
    pub(crate) fn end(self) -> Result<Response> {
        let Self { call, result } = self;
        let Some(mut call) = call else { return result };
        match result {
            Ok(response) if call.ends_at_body() => Ok(response::carry(response, call)),
            Ok(response) => {
                call.end(Outcome::Complete);
                Ok(response)
            }
            Err(error) => {
                if let Some(status) = error::status(&error) {
                    call.set_status(status);
                }
                error::note(&error, call.exchange_mut());
                call.end(Outcome::Failed(error::error_type(&error)));
                Err(error)
            }
        }
    }

    /// Ends the call with the head of its response.
    pub(crate) fn end_at_head(call: Option<ClientCall>, error: Option<ErrorType>) {
        if let Some(call) = call {
            call.end(error.map_or(Outcome::Complete, Outcome::Failed));
        }
    }
}

/// Sends one request, as one call that starts when this is first polled.
///
/// An `async fn` would do the same in three times the space: it keeps a request where it came in and
/// once more where it is used.
pub(crate) struct Sending<'a> {
    started: bool,
    work: Scoped<Rest<'a>, ClientCall>,
}

/// Nothing to send yet.
impl Default for Sending<'_> {
    fn default() -> Self {
        Self { started: false, work: Scoped::new(Rest::Taken, Scope::Bare) }
    }
}

impl<'a> Sending<'a> {
    /// Sends `request`, once this is polled.
    ///
    /// It is filled in where the future stays, because a request is too large to be moved through
    /// each layer of it.
    pub(crate) fn fill(
        &mut self,
        settings: &'a Arc<ClientSettings>,
        request: Request,
        extensions: &'a mut Extensions,
        next: Next<'a>,
    ) {
        if let Some(rest) = Pin::new(&mut self.work).inner_mut() {
            *rest.get_mut() = Rest::Unsent { settings, request, extensions, next };
        }
    }

    fn start(&mut self) {
        let mut work = Pin::new(&mut self.work);
        let rest = work.as_mut().inner_mut().map(Pin::get_mut);
        if let Some(Rest::Unsent { settings, request, extensions, .. }) = rest {
            let call = request::start(settings, request, extensions);
            *work.scope() = Scope::from(call);
        }
    }
}

impl Future for Sending<'_> {
    type Output = Answered;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answered> {
        if !self.started {
            self.started = true;
            self.start();
        }
        let (result, scope) = ready!(Pin::new(&mut self.work).poll(cx));
        let mut call = scope.into_traced();
        if let (Some(call), Ok(response)) = (&mut call, &result) {
            call.set_response(&response::describe(response, call));
        }
        Poll::Ready(Answered { call, result })
    }
}

/// The same, to the end of the call.
#[derive(Default)]
pub(crate) struct Call<'a>(pub(crate) Sending<'a>);

impl Future for Call<'_> {
    type Output = Result<Response>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Response>> {
        Poll::Ready(ready!(Pin::new(&mut self.0).poll(cx)).end())
    }
}

/// The rest of the middlewares and the client.
#[allow(clippy::large_enum_variant)] // a box would be an allocation for every request
enum Rest<'a> {
    Unsent {
        settings: &'a Arc<ClientSettings>,
        request: Request,
        extensions: &'a mut Extensions,
        next: Next<'a>,
    },
    Sent(BoxFuture<'a>),
    /// Before there is a request, and where a middleware panicked.
    Taken,
}

/// What a middleware returns.
pub(crate) type BoxFuture<'a> = Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;

impl Future for Rest<'_> {
    type Output = Result<Response>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Response>> {
        if let Self::Unsent { .. } = *self
            && let Self::Unsent { request, extensions, next, .. } =
                mem::replace(&mut *self, Self::Taken)
        {
            *self = Self::Sent(next.run(request, extensions));
        }
        match &mut *self {
            Self::Sent(sent) => sent.as_mut().poll(cx),
            Self::Unsent { .. } | Self::Taken => unreachable!("not polled after a panic"),
        }
    }
}

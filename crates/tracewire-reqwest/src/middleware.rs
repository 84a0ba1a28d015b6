//! Configures and wraps: the middleware, from a request to its response's head.

use crate::{Redirects, error, redirect, request, response};
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};
use std::sync::Arc;
use tracewire_http::{
    ErrorType, Outcome,
    wiring::{ClientCall, ClientSettings, Scope, Scoped, client_options},
};

/// Gives every call a client span and a duration, and sends the trace with it.
///
/// See the [crate docs](crate) for what is recorded, when a span ends, and what retries and
/// redirects look like.
///
/// ```
/// use reqwest_middleware::ClientBuilder;
/// use tracewire_reqwest::ClientMiddleware;
///
/// let client =
///     ClientBuilder::new(reqwest::Client::new()).with(ClientMiddleware::new()).build();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a middleware does nothing until it is added to a client"]
pub struct ClientMiddleware {
    settings: Arc<ClientSettings>,
    redirects: Option<Redirects>,
}

impl ClientMiddleware {
    /// A middleware with the defaults: the process's providers and propagator, looked up at the
    /// first request.
    pub fn new() -> Self {
        let settings = ClientSettings::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self { settings: Arc::new(settings), redirects: None }
    }

    /// Follows redirects to the same origin here, each hop a span with headers of its own. Default:
    /// no, reqwest follows all redirects.
    ///
    /// The client below must leave redirects alone: see [`Redirects`] for how, for what differs, and
    /// for redirects to other origins.
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = Some(redirects);
        self
    }

    client_options!();

    fn configure(mut self, set: impl FnOnce(&mut ClientSettings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }
}

impl Default for ClientMiddleware {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait::async_trait]
impl Middleware for ClientMiddleware {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        match self.redirects {
            None => send(&self.settings, request, extensions, next).await.end(),
            Some(limit) => redirect::follow(&self.settings, limit, request, extensions, next).await,
        }
    }
}

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

/// Sends one request, as one call.
pub(crate) async fn send(
    settings: &Arc<ClientSettings>,
    mut request: Request,
    extensions: &mut Extensions,
    next: Next<'_>,
) -> Answered {
    let mut scope = Scope::from(request::start(settings, &mut request, extensions));
    let sending = scope.run(|| next.run(request, extensions));
    let (result, scope) = Scoped::new(sending, scope).await;
    let mut call = scope.into_traced();
    if let (Some(call), Ok(response)) = (&mut call, &result) {
        call.set_response(&response::describe(response));
    }
    Answered { call, result }
}

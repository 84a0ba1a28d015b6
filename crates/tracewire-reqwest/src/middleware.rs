//! Configures: the middleware and its options.

use crate::{
    follow::follow,
    redirects::Redirects,
    send::{BoxFuture, Call},
};
use http::Extensions;
use reqwest::Request;
use reqwest_middleware::{Middleware, Next};
use std::{pin::Pin, sync::Arc};
use tracewire_http::wiring::{ClientSettings, client_options};

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
    pub(crate) settings: Arc<ClientSettings>,
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

    pub(crate) fn configure(mut self, set: impl FnOnce(&mut ClientSettings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }
}

impl Default for ClientMiddleware {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for ClientMiddleware {
    // As `async_trait` writes it, but for the size of what is boxed.
    fn handle<'middleware, 'extensions, 'next, 'call>(
        &'middleware self,
        request: Request,
        extensions: &'extensions mut Extensions,
        next: Next<'next>,
    ) -> BoxFuture<'call>
    where
        'middleware: 'call,
        'extensions: 'call,
        'next: 'call,
    {
        match self.redirects {
            None => {
                // `Box::default` makes it where it stays, which `Box::pin` does not.
                let mut call = Pin::from(Box::<Call<'_>>::default());
                call.0.fill(&self.settings, request, extensions, next);
                call
            }
            Some(limit) => Box::pin(follow(&self.settings, limit, request, extensions, next)),
        }
    }
}

//! Configures and wraps: the middleware, from a request to its response's head.

use crate::{error, request, response};
use http::Extensions;
use opentelemetry::{Context, trace::FutureExt};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};
use std::sync::Arc;
use tracewire_http::{ClientSettings, Outcome, client_options};

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
pub struct ClientMiddleware {
    settings: Arc<ClientSettings>,
}

impl ClientMiddleware {
    /// A middleware with the defaults: the process's providers and propagator, looked up at the
    /// first request.
    #[must_use]
    pub fn new() -> Self {
        let settings = ClientSettings::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self { settings: Arc::new(settings) }
    }

    client_options!();

    fn configure(self, set: impl FnOnce(ClientSettings) -> ClientSettings) -> Self {
        let settings = set(Arc::unwrap_or_clone(self.settings));
        Self { settings: Arc::new(settings) }
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
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let Some(mut call) = request::start(&self.settings, &mut request, extensions) else {
            return next.run(request, extensions).await;
        };
        let context: Context = call.context().clone();
        let result = next.run(request, extensions).with_context(context).await;
        match &result {
            Ok(response) => {
                call.respond(&response::describe(response));
                call.end(Outcome::Complete);
            }
            Err(error) => {
                if let Some(status) = error::status(error) {
                    call.respond_with_status(status);
                }
                call.end(Outcome::Failed(error::error_type(error)));
            }
        }
        result
    }
}

//! Configures: the layer and its options.

use super::ClientService;
use std::sync::Arc;
use tower_layer::Layer;
use tracewire_http::wiring::{ClientSettings, client_options};

/// Gives every call a client span and a duration, and sends the trace with it.
///
/// See the [module docs](crate::client) for what is recorded. A layer inside another one of ours
/// starts no second span: it only counts how often the request is sent.
///
/// Clones share everything, and [`layer`](Layer::layer) allocates nothing.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Empty;
/// use hyper_util::client::legacy::{Client, connect::HttpConnector};
/// use hyper_util::rt::TokioExecutor;
/// use tower::{ServiceBuilder, ServiceExt};
/// use tracewire_tower::ClientLayer;
///
/// let client: Client<HttpConnector, Empty<Bytes>> =
///     Client::builder(TokioExecutor::new()).build_http();
/// let client = ServiceBuilder::new().layer(ClientLayer::new()).service(client);
/// # async fn call<S: tower::Service<http::Request<Empty<Bytes>>>>(client: S, request: http::Request<Empty<Bytes>>) -> Result<(), S::Error> {
/// let response = client.oneshot(request).await?; // a client span, `traceparent` in the request
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct ClientLayer {
    settings: Arc<ClientSettings>,
}

impl ClientLayer {
    /// A layer with the defaults: the process's providers and propagator, looked up at the first
    /// request.
    pub fn new() -> Self {
        let settings = ClientSettings::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self { settings: Arc::new(settings) }
    }

    client_options!();

    fn configure(mut self, set: impl FnOnce(&mut ClientSettings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }
}

impl Default for ClientLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ClientService::new(inner, self.settings.clone())
    }
}

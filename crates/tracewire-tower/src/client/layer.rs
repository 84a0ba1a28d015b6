//! Configures: the layer and its options.

use super::ClientService;
use std::sync::Arc;
use tower_layer::Layer;
use tracewire_http::wiring::{ClientSettings, client_options};

/// Gives every call a client span and a duration, and sends the trace with it.
///
/// The module `client` documents what is recorded. A layer inside another one of ours
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

    /// Builds hyper-util's client so that its connections are traced: what a call spent on looking
    /// its host up, on connecting, on TLS, and on waiting for a connection.
    ///
    /// Put this layer around the client that is returned. `connector` puts the connector together;
    /// [`Connections::http`] is one for `http`, and [`Connections::tcp`] goes below a connector that
    /// adds TLS. The module `client` documents what is recorded, under "Connections".
    ///
    /// [`Connections::http`]: super::connections::Connections::http
    /// [`Connections::tcp`]: super::connections::Connections::tcp
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body_util::Empty;
    /// use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    /// use tower_layer::Layer;
    /// use tracewire_tower::ClientLayer;
    ///
    /// let mut layer = ClientLayer::new();
    /// let builder = Client::builder(TokioExecutor::new());
    /// let client = layer.trace_connections(&builder, |connections| connections.http());
    /// let client = layer.layer(client);
    /// # fn is_a_client<S: tower_service::Service<http::Request<Empty<Bytes>>>>(_: S) {}
    /// # is_a_client(client);
    /// ```
    #[cfg(feature = "connections")]
    pub fn trace_connections<C, B>(
        &mut self,
        builder: &hyper_util::client::legacy::Builder,
        connector: impl FnOnce(&super::connections::Connections) -> C,
    ) -> super::connections::TracedClient<super::connections::TracedConnector<C>, B>
    where
        super::connections::TracedConnector<C>:
            hyper_util::client::legacy::connect::Connect + Clone,
        B: http_body::Body + Send,
        B::Data: Send,
    {
        let connections = self.connections();
        connections.client(builder.build(connections.connector(connector(&connections))))
    }

    /// Traces the connections of this layer's calls, and returns the pieces to put a client together
    /// with. [`trace_connections`](Self::trace_connections) puts them together.
    #[cfg(feature = "connections")]
    pub fn connections(&mut self) -> super::connections::Connections {
        Arc::make_mut(&mut self.settings).trace_connections(true);
        super::connections::Connections::new(self.settings.clone())
    }

    /// Measures lookups, connections and waiting for them, if connections are traced: see the
    /// documentation of the module `client`, under "Connections". Default: no, because every host is a series.
    ///
    /// Call it before [`trace_connections`](Self::trace_connections).
    #[cfg(feature = "connections")]
    pub fn connection_metrics(self, measure: bool) -> Self {
        self.configure(|settings| settings.measure_connections(measure))
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

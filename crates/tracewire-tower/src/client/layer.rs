//! Configures: the layer and its options.

use super::ClientService;
use std::sync::Arc;
use tower_layer::Layer;
use tracewire_http::{ClientSettings, client_options};

/// Gives every call a client span and a duration, and sends the trace with it.
///
/// See the [module docs](crate::client) for what is recorded. A layer inside another one of ours
/// starts no second span: it only counts how often the request is sent.
///
/// Clones share everything, and [`layer`](Layer::layer) allocates nothing.
#[derive(Clone, Debug)]
pub struct ClientLayer {
    settings: Arc<ClientSettings>,
}

impl ClientLayer {
    /// A layer with the defaults: the process's providers and propagator, looked up at the first
    /// request.
    #[must_use]
    pub fn new() -> Self {
        let settings = ClientSettings::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self { settings: Arc::new(settings) }
    }

    /// Records gRPC calls by the conventions for remote procedure calls instead of HTTP's.
    ///
    /// Requests of content type `application/grpc` become spans named `package.Service/Method`
    /// with `rpc.*` attributes, measured by `rpc.client.call.duration`; they end with the trailers.
    /// Other requests stay HTTP.
    ///
    /// Every method is recorded by name, because your own code names what it calls. For a proxy that
    /// passes on the calls of others, list the methods with [`grpc_methods`](Self::grpc_methods).
    ///
    /// A tonic channel adds host and port below this layer. Make the generated client with
    /// `with_origin`, so that `server.address` is known and baggage goes where it may.
    #[cfg(feature = "grpc")]
    #[must_use]
    pub fn grpc(self) -> Self {
        self.grpc_methods(tracewire_http::RpcMethods::any())
    }

    /// Records gRPC calls as [`grpc`](Self::grpc) does, and methods that are not among `methods` as
    /// `_OTHER`.
    #[cfg(feature = "grpc")]
    #[must_use]
    pub fn grpc_methods(self, methods: tracewire_http::RpcMethods) -> Self {
        self.configure(|settings| settings.instrument(|settings| settings.grpc(methods)))
    }

    client_options!();

    fn configure(self, set: impl FnOnce(ClientSettings) -> ClientSettings) -> Self {
        let settings = set(Arc::unwrap_or_clone(self.settings));
        Self { settings: Arc::new(settings) }
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

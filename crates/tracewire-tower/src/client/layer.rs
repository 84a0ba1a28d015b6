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

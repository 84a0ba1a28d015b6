//! Configures: the layer and its options.

use super::ServerService;
use std::sync::Arc;
use tower_layer::Layer;
use tracewire_http::{Instrumentation, Scheme, instrumentation_options};

/// Gives every request a server span and a duration.
///
/// See the [module docs](crate::server) for what is recorded. A layer inside another one of ours
/// starts no second span: it only tells the outer one which route matched.
///
/// Clones share everything, and [`layer`](Layer::layer) allocates nothing.
#[derive(Clone, Debug)]
pub struct ServerLayer {
    config: Arc<Config>,
}

/// What the service reads; absent options cost nothing.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) instrumentation: Instrumentation,
    pub(super) scheme: Scheme,
}

impl ServerLayer {
    /// A layer with the defaults: the process's providers and propagator, looked up at the first
    /// request.
    #[must_use]
    pub fn new() -> Self {
        let instrumentation =
            Instrumentation::server(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self {
            config: Arc::new(Config {
                instrumentation,
                scheme: Scheme::Http,
            }),
        }
    }

    /// The scheme of requests whose target names none, as HTTP/1.1's usually do. Default: `http`.
    ///
    /// Set it where this server itself terminates TLS.
    #[must_use]
    pub fn scheme(mut self, scheme: Scheme) -> Self {
        Arc::make_mut(&mut self.config).scheme = scheme;
        self
    }

    instrumentation_options!();

    fn instrument(mut self, set: impl FnOnce(Instrumentation) -> Instrumentation) -> Self {
        let mut config = Arc::unwrap_or_clone(self.config);
        config.instrumentation = set(config.instrumentation);
        self.config = Arc::new(config);
        self
    }
}

impl Default for ServerLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServerService::new(inner, self.config.clone())
    }
}

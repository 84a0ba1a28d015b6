//! Configures: the layer and its options.

use super::ServerService;
use std::sync::Arc;
use tower_layer::Layer;
use tracewire_http::wiring::{ServerSettings, server_options};

/// Gives every request a server span and a duration.
///
/// Add it after the routes, with [`Router::layer`](axum::Router::layer), or put it
/// [around](crate::server::wrap_router) the whole router; serve the router with
/// `into_make_service_with_connect_info::<SocketAddr>()`, so that the client's address is known. The
/// module docs say [where to put it](crate::server#where-to-put-it) in other cases.
///
/// See the [module docs](crate::server) for what is recorded. A layer inside another one of ours
/// starts no second span: it only tells the outer one which route matched.
///
/// Clones share everything, and [`layer`](Layer::layer) allocates nothing. Hooks run for every
/// request: keep them short. One that panics counts as absent, except
/// [`trust_by`](Self::trust_by), and the request goes on.
///
/// ```
/// # #[cfg(feature = "axum")]
/// # fn example() {
/// use axum::{Router, routing::get};
/// use tracewire_tower::ServerLayer;
///
/// let app: Router = Router::new()
///     .route("/users/{id}", get(|| async { "Ada" }))
///     .layer(ServerLayer::new().exclude_paths(["/healthz"]));
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct ServerLayer {
    settings: Arc<ServerSettings>,
}

impl ServerLayer {
    /// A layer with the defaults: the process's providers and propagator, looked up at the first
    /// request.
    pub fn new() -> Self {
        let settings = ServerSettings::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self { settings: Arc::new(settings) }
    }

    server_options!("tracewire_tower::ServerLayer::new()");

    fn configure(mut self, set: impl FnOnce(&mut ServerSettings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
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
        ServerService::new(inner, self.settings.clone())
    }
}

//! The layer around a whole axum router.

use super::ServerLayer;
use axum::Router;
use tower_layer::Layer;

/// Puts `layer` around all of `app`, and keeps the routes known. Call it last, on the router that is
/// served.
///
/// A layer added with [`Router::layer`] sees the route of each request but none of the requests
/// that another layer around the router answers or rewrites. One that is simply wrapped around the
/// router sees them all but never learns a route, because nothing leaves the router by itself.
/// This function does both: `layer` goes around, and a second one inside leaves the route for it.
///
/// The router that it returns has a fallback. So axum panics where two of them are merged, and does
/// not reach all of them where they are nested: merge and nest first, then call this once.
///
/// The route is known only when the request has been routed, so samplers do not see `http.route`,
/// and the span gets its final name when it ends.
///
/// ```
/// use axum::{Router, routing::get};
/// use tracewire_tower::{ServerLayer, server::wrap_router};
///
/// let app = Router::new().route("/users/{id}", get(|| async { "Ada" }));
/// let app: Router = wrap_router(app, ServerLayer::new());
/// ```
pub fn wrap_router(app: Router, layer: ServerLayer) -> Router {
    let app = app.layer(layer.clone());
    Router::new().fallback_service(layer.layer(app))
}

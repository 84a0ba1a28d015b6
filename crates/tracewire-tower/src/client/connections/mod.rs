//! What the connections of hyper-util's client cost: lookup, connecting, TLS, and waiting for one.
//!
//! [`ClientLayer::trace_connections`](crate::ClientLayer::trace_connections) builds the client with
//! all of it. The types here are the pieces, for clients that are put together in another way.
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Empty;
//! use hyper_util::client::legacy::Client;
//! use hyper_util::rt::TokioExecutor;
//! use tower::Layer;
//! use tracewire_tower::ClientLayer;
//!
//! let mut layer = ClientLayer::new();
//! let connections = layer.connections();
//! let builder = Client::builder(TokioExecutor::new());
//! let client: Client<_, Empty<Bytes>> = builder.build(connections.connector(connections.http()));
//! let client = layer.layer(connections.client(client));
//! ```

mod body;
mod client;
mod connect;
mod connector;
mod io;
mod resolver;

pub use self::{
    body::ConnectionBody,
    client::{ResponseFuture, TracedClient},
    connect::TracedConnect,
    connector::TracedConnector,
    io::TracedIo,
    resolver::TracedResolver,
};

use hyper_util::client::legacy::{
    Client,
    connect::{HttpConnector, dns::GaiResolver},
};
use std::sync::Arc;
use tracewire_http::wiring::{self, ClientSettings};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The connections of one client, traced by the options of its [`ClientLayer`].
///
/// From the inside out: [`resolver`](Self::resolver) sees lookups, [`connect`](Self::connect) the end
/// of connecting, [`connector`](Self::connector) the whole setup and the end of the connection, and
/// [`client`](Self::client) how long calls wait. Clones share everything.
///
/// [`ClientLayer`]: crate::ClientLayer
///
/// ```
/// use tracewire_tower::ClientLayer;
///
/// let connections = ClientLayer::new().connections();
/// // For a connector around it that adds TLS, and then `connections.connector(tls)`.
/// let tcp = connections.tcp();
/// ```
#[derive(Clone, Debug)]
pub struct Connections(wiring::Connections);

impl Connections {
    pub(super) fn new(settings: Arc<ClientSettings>) -> Self {
        Self(wiring::Connections::new(settings))
    }

    /// Connects over TCP for `http` URLs, and refuses others. Names are resolved by the system.
    pub fn http(&self) -> TracedConnect<HttpConnector<TracedResolver<GaiResolver>>> {
        self.connect(self.http_connector())
    }

    /// Connects over TCP for any URL, for a connector around it that adds TLS.
    ///
    /// On its own it would send requests to `https` URLs in the clear.
    pub fn tcp(&self) -> TracedConnect<HttpConnector<TracedResolver<GaiResolver>>> {
        let mut http = self.http_connector();
        http.enforce_http(false);
        self.connect(http)
    }

    /// Traces the lookups of `resolver`, which goes into [`HttpConnector::new_with_resolver`].
    pub fn resolver<R>(&self, resolver: R) -> TracedResolver<R> {
        TracedResolver::new(resolver, self.0.clone())
    }

    /// Takes what `connector` does for connecting, and what a connector around it does for TLS.
    ///
    /// Put it around the tunnel of a proxy if there is one, else around the [`HttpConnector`].
    pub fn connect<C>(&self, connector: C) -> TracedConnect<C> {
        TracedConnect::new(connector)
    }

    /// Traces all that `connector` does, and the connections it makes. It goes right into the client.
    pub fn connector<C>(&self, connector: C) -> TracedConnector<C> {
        TracedConnector::new(connector, self.0.clone())
    }

    /// Traces how long calls of `client` wait for a connection, and which connections are in use. It
    /// goes right inside the layer.
    pub fn client<C, B>(&self, client: Client<C, B>) -> TracedClient<C, B> {
        TracedClient::new(client, self.0.clone())
    }

    fn http_connector(&self) -> HttpConnector<TracedResolver<GaiResolver>> {
        HttpConnector::new_with_resolver(self.resolver(GaiResolver::new()))
    }
}

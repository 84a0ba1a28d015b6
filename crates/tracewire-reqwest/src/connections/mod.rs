//! Traces the connections of reqwest's client, through the hooks of its builder.

mod connector;
#[cfg(feature = "rustls")]
mod handshakes;
mod resolver;

use self::{connector::ConnectorLayer, resolver::TracedResolver};
use crate::ClientMiddleware;
use reqwest::{ClientBuilder, dns::Resolve};
use std::sync::Arc;
use tracewire_http::wiring::Connections;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl ClientMiddleware {
    /// Adds to `builder` what traces the connections of this middleware's calls: what a call spent on
    /// looking its host up, on connecting and on TLS.
    ///
    /// Put the middleware around the client that is built. See the [crate docs](crate#connections)
    /// for what is recorded.
    ///
    /// **It replaces the builder's resolver** by one that asks the system, as reqwest's default does,
    /// and traces the lookups. For a resolver of your own use
    /// [`trace_connections_with`](Self::trace_connections_with), and to keep reqwest's `hickory-dns`
    /// [`trace_setups`](Self::trace_setups). Call it last, when the middleware has its options: it then
    /// covers the connector layers that the builder has.
    ///
    /// The hook costs every call about 5,500 instructions and 6 allocations in reqwest, even if it
    /// reuses a connection: with any connector layer reqwest boxes its connector, and clones it for
    /// each request.
    ///
    /// ```
    /// use reqwest_middleware::ClientBuilder;
    /// use tracewire_reqwest::ClientMiddleware;
    ///
    /// # fn client() -> reqwest::Result<()> {
    /// let mut middleware = ClientMiddleware::new();
    /// let client = middleware.trace_connections(reqwest::Client::builder()).build()?;
    /// let client = ClientBuilder::new(client).with(middleware).build();
    /// # Ok(())
    /// # }
    /// ```
    pub fn trace_connections(&mut self, builder: ClientBuilder) -> ClientBuilder {
        let resolver = TracedResolver::of_system(self.connections());
        self.trace_setups(builder).dns_resolver(resolver)
    }

    /// Adds what [`trace_connections`](Self::trace_connections) adds, with lookups by `resolver`.
    ///
    /// ```
    /// use reqwest::dns::{Addrs, Name, Resolve, Resolving};
    /// use std::net::SocketAddr;
    /// use tracewire_reqwest::ClientMiddleware;
    ///
    /// struct Loopback;
    ///
    /// impl Resolve for Loopback {
    ///     fn resolve(&self, _: Name) -> Resolving {
    ///         let addresses = [SocketAddr::from(([127, 0, 0, 1], 0))];
    ///         Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    ///     }
    /// }
    ///
    /// let mut middleware = ClientMiddleware::new();
    /// let builder = middleware.trace_connections_with(reqwest::Client::builder(), Loopback);
    /// # let _ = builder;
    /// ```
    pub fn trace_connections_with(
        &mut self,
        builder: ClientBuilder,
        resolver: impl Resolve + 'static,
    ) -> ClientBuilder {
        let resolver = TracedResolver::new(Arc::new(resolver), self.connections());
        self.trace_setups(builder).dns_resolver(resolver)
    }

    /// Adds what [`trace_connections`](Self::trace_connections) adds, and leaves the resolver alone:
    /// a lookup is part of connecting.
    pub fn trace_setups(&mut self, builder: ClientBuilder) -> ClientBuilder {
        builder.connector_layer(ConnectorLayer::new(self.connections()))
    }

    /// Measures lookups and the setup of connections, if they are traced: see the
    /// [crate docs](crate#connections). Default: no, because every host is a series.
    ///
    /// Call it before [`trace_connections`](Self::trace_connections).
    pub fn connection_metrics(self, measure: bool) -> Self {
        self.configure(|settings| settings.measure_connections(measure))
    }

    fn connections(&mut self) -> Connections {
        Arc::make_mut(&mut self.settings).trace_connections(true);
        Connections::new(self.settings.clone())
    }
}

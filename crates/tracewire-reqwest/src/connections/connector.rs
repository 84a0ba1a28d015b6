//! Sets connections up.

use super::BoxError;
use hyper_util::client::legacy::connect::{Connection, HttpInfo};
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;
use tracewire_http::wiring::{Connecting, Connections, Peer, Setup, Target};

/// The layer around reqwest's connector. What is asked for has a type that tells nothing.
#[derive(Clone, Debug)]
pub(super) struct ConnectorLayer {
    connections: Connections,
}

impl ConnectorLayer {
    pub(super) fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

impl<C> Layer<C> for ConnectorLayer {
    type Service = TracedConnector<C>;

    fn layer(&self, inner: C) -> TracedConnector<C> {
        TracedConnector { inner, connections: self.connections.clone() }
    }
}

#[derive(Clone, Debug)]
pub(super) struct TracedConnector<C> {
    inner: C,
    connections: Connections,
}

impl<C, T> Service<T> for TracedConnector<C>
where
    C: Service<T, Error = BoxError>,
    C::Response: Connection,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Connecting<C::Future, C::Response, C::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, target: T) -> Self::Future {
        let setup = Setup::begin(&self.connections, Target::default());
        // The connection must be handed on as it is, so nothing sees its end.
        Connecting::new(setup, || self.inner.call(target), peer, |connection, _| connection)
    }
}

fn peer(connection: &impl Connection) -> Peer {
    let connected = connection.connected();
    let mut extras = http::Extensions::new();
    connected.get_extras(&mut extras);
    let address = extras.get::<HttpInfo>().map(HttpInfo::remote_addr);
    Peer { address, http2: connected.is_negotiated_h2() }
}

//! Sets connections up.

use super::{BoxError, TracedIo};
use http::{Uri, uri::Scheme};
use hyper_util::client::legacy::connect::{Connection, HttpInfo};
use std::task::{Context, Poll};
use tower_service::Service;
use tracewire_http::wiring::{Connecting, Connections, Peer, Setup, Target};

/// A connector whose connections are traced, from their setup to their end.
#[derive(Clone, Debug)]
pub struct TracedConnector<C> {
    inner: C,
    connections: Connections,
}

impl<C> TracedConnector<C> {
    pub(super) fn new(inner: C, connections: Connections) -> Self {
        Self { inner, connections }
    }
}

impl<C> Service<Uri> for TracedConnector<C>
where
    C: Service<Uri>,
    C::Response: Connection,
    C::Error: Into<BoxError>,
{
    type Response = TracedIo<C::Response>;
    type Error = BoxError;
    type Future = Connecting<C::Future, C::Response, TracedIo<C::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let setup = Setup::begin(&self.connections, describe(&target));
        Connecting::new(setup, || self.inner.call(target), peer, TracedIo::new)
    }
}

fn describe(target: &Uri) -> Target {
    let secure = target.scheme() == Some(&Scheme::HTTPS);
    let host = target.host().map(|host| host.trim_start_matches('[').trim_end_matches(']'));
    Target {
        host: host.map(Into::into),
        port: target.port_u16().or(Some(if secure { 443 } else { 80 })),
        secure,
    }
}

fn peer(connection: &impl Connection) -> Peer {
    let connected = connection.connected();
    let mut extras = http::Extensions::new();
    connected.get_extras(&mut extras);
    let address = extras.get::<HttpInfo>().map(HttpInfo::remote_addr);
    Peer { address, http2: connected.is_negotiated_h2() }
}

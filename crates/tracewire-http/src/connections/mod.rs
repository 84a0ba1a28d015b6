//! Where the time of a call goes before its request is sent: looking the host up, connecting, the
//! TLS handshake, and waiting for a connection.
//!
//! Hooks of the client library state facts: a lookup began, TCP is connected, the setup failed. One
//! [`Setup`] collects those of one connection, wherever it is set up, and tells at its end. The
//! context carries it to the hooks inside, and the [`Call`](call::Call) it belongs to.

mod call;
mod connecting;
mod instruments;
mod lookup;
mod open;
mod phase;
mod setup;
mod spans;
mod wait;

pub(crate) use self::{
    call::{marking, telling},
    instruments::{ConnectionInstruments, ConnectionSeries},
};
pub use self::{
    connecting::Connecting,
    lookup::Lookup,
    open::{ConnectionHandle, InUse, OpenConnection},
    setup::{Established, Peer, Setup, Target, connected, handshake_begins},
    wait::Wait,
};

use crate::{client::ClientSettings, settings::Resolved};
use std::sync::Arc;

/// The tracing of one client's connections, by the settings of its layer or middleware.
///
/// Clones share everything.
///
/// ```
/// use std::sync::Arc;
/// use tracewire_http::wiring::{ClientSettings, Connections};
///
/// let connections = Connections::new(Arc::new(ClientSettings::new("my-client", "1.0.0")));
/// ```
#[derive(Clone, Debug)]
pub struct Connections(Arc<ClientSettings>);

impl Connections {
    /// Traces connections by `settings`, which [`trace_connections`] is set in.
    ///
    /// [`trace_connections`]: ClientSettings::trace_connections
    pub fn new(settings: Arc<ClientSettings>) -> Self {
        Self(settings)
    }

    fn resolved(&self) -> Arc<Resolved> {
        self.0.resolved(Arc::clone)
    }
}

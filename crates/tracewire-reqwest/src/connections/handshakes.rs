//! Sees where TLS handshakes begin, for clients that bring their own rustls configuration.

use crate::ClientMiddleware;
use rustls::{
    ClientConfig, NamedGroup,
    client::{
        ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
        Tls13ClientSessionValue,
    },
    pki_types::ServerName,
};
use std::sync::Arc;
use tracewire_http::wiring::handshake_begins;

/// How many servers' sessions are kept: as many as rustls keeps by default.
const SESSIONS: usize = 256;

impl ClientMiddleware {
    /// Sees in `config` where TLS handshakes begin, which tells them apart from connecting.
    ///
    /// rustls asks for a session to resume right before it sends the first message. So the
    /// configuration's `resumption` is replaced by one in memory for 256 servers, which is rustls'
    /// default. Give the configuration to reqwest with `tls_backend_preconfigured`; it must name the
    /// protocols to negotiate, because reqwest then does not add them.
    ///
    /// ```
    /// # fn client(mut config: rustls::ClientConfig) -> reqwest::Result<()> {
    /// use tracewire_reqwest::ClientMiddleware;
    ///
    /// config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    /// ClientMiddleware::trace_handshakes(&mut config);
    /// let mut middleware = ClientMiddleware::new();
    /// let builder = reqwest::Client::builder().tls_backend_preconfigured(config);
    /// let client = middleware.trace_connections(builder).build()?;
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    pub fn trace_handshakes(config: &mut ClientConfig) {
        let store = Marking(ClientSessionMemoryCache::new(SESSIONS));
        config.resumption = Resumption::store(Arc::new(store));
    }
}

#[derive(Debug)]
struct Marking(ClientSessionMemoryCache);

impl ClientSessionStore for Marking {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(server, group);
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(server)
    }

    fn set_tls12_session(&self, server: ServerName<'static>, session: Tls12ClientSessionValue) {
        self.0.set_tls12_session(server, session);
    }

    fn tls12_session(&self, server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(server)
    }

    fn remove_tls12_session(&self, server: &ServerName<'static>) {
        self.0.remove_tls12_session(server);
    }

    fn insert_tls13_ticket(&self, server: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(server, ticket);
    }

    /// Called once a handshake, for any version of TLS, before its first message is written.
    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        handshake_begins();
        self.0.take_tls13_ticket(server)
    }
}

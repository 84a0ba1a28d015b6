//! The other end of a connection.

use std::net::SocketAddr;

/// The other end of the connection that a request arrived on, or that a response came from.
///
/// A server that knows it inserts it once into the extensions of each request, and every layer and page of
/// tracewire finds it there. It goes before axum's `ConnectInfo<SocketAddr>`.
///
/// ```
/// use tracewire_text::host::PeerAddress;
///
/// let peer = PeerAddress(([192, 0, 2, 7], 50_000).into());
/// // `request.extensions_mut().insert(peer)`, with the crate `http`
/// assert_eq!(peer.0.port(), 50_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

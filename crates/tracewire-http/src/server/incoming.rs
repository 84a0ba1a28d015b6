//! What a framework knows of a request that arrives.

pub use tracewire_text::host::PeerAddress;

use super::RequestHead;
use http::Request;
use std::{borrow::Cow, net::SocketAddr};

/// Tells the facts of a request that arrives, as its framework knows them.
///
/// `http::Request` tells its own head, and the peer from a [`PeerAddress`] in its extensions. A
/// framework that knows more wraps its request and says so:
///
/// ```
/// use std::{borrow::Cow, net::SocketAddr};
/// use tracewire_http::{RequestHead, wiring::IncomingRequest};
///
/// struct Routed<'a> {
///     request: &'a http::Request<()>,
///     peer: SocketAddr,
///     template: &'a str,
/// }
///
/// impl IncomingRequest for Routed<'_> {
///     fn head(&self) -> RequestHead<'_> {
///         self.request.head()
///     }
///
///     fn peer(&self) -> Option<SocketAddr> {
///         Some(self.peer)
///     }
///
///     fn route(&self) -> Option<Cow<'_, str>> {
///         Some(self.template.into())
///     }
/// }
/// ```
pub trait IncomingRequest {
    /// Returns the request without its body.
    ///
    /// Its extensions must have the [`ExchangeHandle`](crate::ExchangeHandle) that a layer around
    /// this one put into the request: that is how the two know of each other.
    fn head(&self) -> RequestHead<'_>;

    /// Returns the other end of the socket, if it is known.
    fn peer(&self) -> Option<SocketAddr> {
        self.head().extensions.get().map(|PeerAddress(address)| *address)
    }

    /// Returns the template of the route that matched, if the router has matched already: that of
    /// the whole path, and never the path itself.
    fn route(&self) -> Option<Cow<'_, str>> {
        None
    }
}

impl<B> IncomingRequest for Request<B> {
    fn head(&self) -> RequestHead<'_> {
        RequestHead {
            method: self.method(),
            uri: self.uri(),
            version: self.version(),
            headers: self.headers(),
            extensions: self.extensions(),
        }
    }
}

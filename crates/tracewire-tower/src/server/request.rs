//! Describes: what axum and hyper know of a request.

use super::route;
use http::Request;
use std::{borrow::Cow, net::SocketAddr};
use tracewire_http::{RequestHead, wiring::IncomingRequest};

/// A request, with what axum left in its extensions.
pub(super) struct Incoming<'a, B>(pub(super) &'a Request<B>);

impl<B> IncomingRequest for Incoming<'_, B> {
    fn head(&self) -> RequestHead<'_> {
        RequestHead { uri: route::original_uri(self.0), ..self.0.head() }
    }

    fn peer(&self) -> Option<SocketAddr> {
        let peer = self.0.peer();
        #[cfg(feature = "axum")]
        let peer = peer.or_else(|| {
            self.0.extensions().get().map(|axum::extract::ConnectInfo(address)| *address)
        });
        peer
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        route::of(self.0)
    }
}

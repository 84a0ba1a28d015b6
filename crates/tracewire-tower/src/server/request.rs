//! Describes: what axum and hyper know of a request.

use super::route;
use http::{Request, Uri};
use std::{borrow::Cow, net::SocketAddr};
use tracewire_http::{RequestHead, wiring::IncomingRequest};

/// A request, with what axum left in its extensions.
pub(super) struct Incoming<'a, B> {
    request: &'a Request<B>,
    original_uri: &'a Uri,
}

impl<'a, B> Incoming<'a, B> {
    pub(super) fn new(request: &'a Request<B>) -> Self {
        Self { request, original_uri: route::original_uri(request) }
    }
}

impl<B> IncomingRequest for Incoming<'_, B> {
    fn head(&self) -> RequestHead<'_> {
        RequestHead { uri: self.original_uri, ..self.request.head() }
    }

    fn peer(&self) -> Option<SocketAddr> {
        let peer = self.request.peer();
        #[cfg(feature = "axum")]
        let peer = peer.or_else(|| {
            self.request.extensions().get().map(|axum::extract::ConnectInfo(address)| *address)
        });
        peer
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        route::of(self.request, self.original_uri)
    }
}

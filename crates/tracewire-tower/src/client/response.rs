//! Describes: the facts of a response's head.

use http::{Extensions, Response};
use http_body::Body;
use std::net::SocketAddr;
use tracewire_http::{ClientResponse, PeerAddress};

pub(super) fn describe<B: Body>(response: &Response<B>) -> ClientResponse<'_> {
    let (status, version) = (response.status(), response.version());
    let mut facts = ClientResponse::new(status, version, response.headers());
    facts.peer = peer(response.extensions());
    facts.body_size = response.body().size_hint().exact();
    facts
}

fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    if let Some(PeerAddress(address)) = extensions.get() {
        return Some(*address);
    }
    #[cfg(feature = "hyper-util")]
    if let Some(info) = extensions.get::<hyper_util::client::legacy::connect::HttpInfo>() {
        return Some(info.remote_addr());
    }
    None
}

//! Describes: the facts of a response's head.

use crate::server::PeerAddress;
use http::{Extensions, Response};
use std::net::SocketAddr;
use tracewire_http::ClientResponse;

pub(super) fn describe<B>(response: &Response<B>) -> ClientResponse<'_> {
    let (status, version) = (response.status(), response.version());
    let mut facts = ClientResponse::new(status, version, response.headers());
    facts.peer = peer(response.extensions());
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

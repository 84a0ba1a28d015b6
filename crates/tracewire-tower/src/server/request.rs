//! Describes: the facts of a request, borrowed from where they stand.

use http::{HeaderMap, Request, Uri, header, uri::Authority};
use std::net::SocketAddr;
use tracewire_http::{Scheme, ServerRequest, TrustedProxies};

/// The other end of the connection, for servers that know it and do not use axum.
///
/// Insert it into the request's extensions; it goes before axum's `ConnectInfo<SocketAddr>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// The facts of `request`, whose original URI is `uri`.
pub(super) fn describe<'a, B>(
    request: &'a Request<B>,
    uri: &'a Uri,
    scheme: Scheme,
    proxies: &TrustedProxies,
) -> ServerRequest<'a> {
    let headers = request.headers();
    let peer = peer(request);
    let forwarded = proxies.forwarded(peer, headers);
    let own_scheme = || uri.scheme_str().and_then(Scheme::parse).unwrap_or(scheme);
    let scheme = forwarded.scheme.unwrap_or_else(own_scheme);
    let mut facts = ServerRequest::new(request.method(), scheme, uri.path(), request.version());
    facts.query = uri.query();
    facts.authority = forwarded
        .host
        .or_else(|| uri.authority().map(Authority::as_str))
        .or_else(|| headers.get(header::HOST)?.to_str().ok());
    facts.peer = peer;
    facts.client = forwarded.client;
    facts.headers = Some(headers);
    facts
}

/// The URI as it arrived: a nested router sees only its part of the path.
#[cfg(feature = "axum")]
pub(super) fn original_uri<B>(request: &Request<B>) -> &Uri {
    match request.extensions().get() {
        Some(axum::extract::OriginalUri(uri)) => uri,
        None => request.uri(),
    }
}

#[cfg(not(feature = "axum"))]
pub(super) fn original_uri<B>(request: &Request<B>) -> &Uri {
    request.uri()
}

/// The length of the body, where `Content-Length` declares one.
pub(super) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn peer<B>(request: &Request<B>) -> Option<SocketAddr> {
    if let Some(PeerAddress(address)) = request.extensions().get() {
        return Some(*address);
    }
    #[cfg(feature = "axum")]
    if let Some(axum::extract::ConnectInfo(address)) = request.extensions().get() {
        return Some(*address);
    }
    None
}

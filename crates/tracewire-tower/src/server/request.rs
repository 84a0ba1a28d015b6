//! Describes: the facts of a request, borrowed from where they stand.

use http::{HeaderMap, Request, Uri, header, uri};
use std::net::SocketAddr;
use tracewire_http::{Authority, Forwarded, Scheme, ServerRequest};

/// The other end of the connection, for servers that know it and do not use axum.
///
/// Insert it into the request's extensions; it goes before axum's `ConnectInfo<SocketAddr>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// The facts of `request`, whose original URI is `uri` and of which trusted proxies say what is in
/// `forwarded`. The scheme of the URI is the client's word, so it is not one of them.
pub(super) fn describe<'a, B>(
    request: &'a Request<B>,
    uri: &'a Uri,
    scheme: Scheme,
    forwarded: &'a Forwarded<'_>,
) -> ServerRequest<'a> {
    let scheme = forwarded.scheme.unwrap_or(scheme);
    let mut facts = ServerRequest::new(request.method(), scheme, uri.path(), request.version());
    facts.query = uri.query();
    facts.authority = forwarded
        .host
        .as_deref()
        .or_else(|| uri.authority().map(uri::Authority::as_str))
        .or_else(|| host(request.headers()));
    facts.peer = peer(request);
    facts.client = forwarded.client;
    facts.headers = Some(request.headers());
    facts
}

/// The `Host` header, unless it is too long to be read.
fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST).filter(|host| host.len() <= Authority::MAX_LEN)?;
    host.to_str().ok()
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

/// The other end of the connection, if the server says so.
pub(super) fn peer<B>(request: &Request<B>) -> Option<SocketAddr> {
    if let Some(PeerAddress(address)) = request.extensions().get() {
        return Some(*address);
    }
    #[cfg(feature = "axum")]
    if let Some(axum::extract::ConnectInfo(address)) = request.extensions().get() {
        return Some(*address);
    }
    None
}

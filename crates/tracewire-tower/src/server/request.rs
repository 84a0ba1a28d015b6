//! Describes: the facts of a request, borrowed from where they stand.

use http::{HeaderMap, Request, Uri, header, uri};
use std::net::SocketAddr;
use tracewire_http::{Authority, Forwarded, Scheme, ServerRequest};

/// The most digits of a number of 64 bits.
const MOST_DIGITS: usize = 20;

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
    facts.route = route(request);
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

/// The template of the route that matched, if a router has matched one.
#[cfg(feature = "axum")]
pub(super) fn route<B>(request: &Request<B>) -> Option<&str> {
    request.extensions().get().map(axum::extract::MatchedPath::as_str)
}

#[cfg(not(feature = "axum"))]
pub(super) fn route<B>(_request: &Request<B>) -> Option<&str> {
    None
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

/// The length of the body, where `Content-Length` declares one, in digits alone.
pub(super) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?.as_bytes();
    let is_number = length.len() <= MOST_DIGITS && length.iter().all(u8::is_ascii_digit);
    if is_number { str::from_utf8(length).ok()?.parse().ok() } else { None }
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

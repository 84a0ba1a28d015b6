//! Describes: the facts of a request, borrowed from where they stand.

use http::{Request, header};
use std::net::SocketAddr;
use tracewire_http::{Scheme, ServerRequest};

/// The other end of the connection, for servers that know it and do not use axum.
///
/// Insert it into the request's extensions; it goes before axum's `ConnectInfo<SocketAddr>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

pub(super) fn describe<B>(request: &Request<B>, scheme: Scheme) -> ServerRequest<'_> {
    let uri = original_uri(request);
    let scheme = uri.scheme_str().and_then(Scheme::parse).unwrap_or(scheme);
    let headers = request.headers();
    let mut facts = ServerRequest::new(request.method(), scheme, uri.path(), request.version());
    facts.query = uri.query();
    facts.authority = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok()),
    };
    facts.route = route(request);
    facts.peer = peer(request);
    facts.user_agent = headers.get(header::USER_AGENT);
    facts
}

/// The template of the route that matched, if a router has matched one.
#[cfg(feature = "axum")]
pub(super) fn route<B>(request: &Request<B>) -> Option<&str> {
    request
        .extensions()
        .get()
        .map(axum::extract::MatchedPath::as_str)
}

#[cfg(not(feature = "axum"))]
pub(super) fn route<B>(_request: &Request<B>) -> Option<&str> {
    None
}

/// The URI as it arrived: a nested router sees only its part of the path.
#[cfg(feature = "axum")]
fn original_uri<B>(request: &Request<B>) -> &http::Uri {
    match request.extensions().get() {
        Some(axum::extract::OriginalUri(uri)) => uri,
        None => request.uri(),
    }
}

#[cfg(not(feature = "axum"))]
fn original_uri<B>(request: &Request<B>) -> &http::Uri {
    request.uri()
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

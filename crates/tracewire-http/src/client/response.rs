//! The head of a response: the facts.

use http::{HeaderMap, StatusCode, Version};
use std::{fmt, net::SocketAddr};

/// What a client knows once the head of the response is there.
///
/// `Debug` leaves out the headers, which may hold credentials.
///
/// ```
/// use http::{HeaderMap, StatusCode, Version};
/// use tracewire_http::ClientResponse;
///
/// let headers = HeaderMap::new();
/// let mut response = ClientResponse::new(StatusCode::OK, Version::HTTP_11, &headers);
/// response.peer = Some(([10, 0, 0, 7], 8080).into());
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ClientResponse<'a> {
    /// The status code.
    pub status: StatusCode,
    /// The protocol version that was negotiated.
    pub version: Version,
    /// The response's headers.
    pub headers: &'a HeaderMap,
    /// The size of the response's body in bytes, if that is known from the start.
    pub body_size: Option<u64>,
    /// Whether what is read of the body may not be what was transferred, because it was decoded
    /// below. Its size is then not recorded. Default: no.
    pub may_be_decoded: bool,
    /// The other end of the socket.
    pub peer: Option<SocketAddr>,
}

impl fmt::Debug for ClientResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientResponse")
            .field("status", &self.status)
            .field("version", &self.version)
            .field("body_size", &self.body_size)
            .field("may_be_decoded", &self.may_be_decoded)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl<'a> ClientResponse<'a> {
    /// A response whose peer is unknown.
    pub fn new(status: StatusCode, version: Version, headers: &'a HeaderMap) -> Self {
        Self { status, version, headers, body_size: None, may_be_decoded: false, peer: None }
    }
}

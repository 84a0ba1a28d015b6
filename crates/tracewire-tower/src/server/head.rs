//! What hooks see: a request or a response without its body.

use super::request::original_uri;
use http::{Extensions, HeaderMap, Method, Request, StatusCode, Uri, Version, response};
use std::fmt;

/// A request as hooks see it.
///
/// `Debug` leaves out what may hold credentials: target, headers and extensions.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target as it arrived, also inside nested routers.
    pub uri: &'a Uri,
    /// The protocol version.
    pub version: Version,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What layers outside ours left.
    pub extensions: &'a Extensions,
}

/// A response as hooks see it.
///
/// `Debug` leaves out what may hold credentials: headers and extensions.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ResponseHead<'a> {
    /// The status code.
    pub status: StatusCode,
    /// The protocol version.
    pub version: Version,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What the service left.
    pub extensions: &'a Extensions,
}

impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", self.method)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ResponseHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl<'a> RequestHead<'a> {
    pub(super) fn new<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: original_uri(request),
            version: request.version(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }
}

impl<'a> ResponseHead<'a> {
    pub(super) fn new(head: &'a response::Parts) -> Self {
        Self {
            status: head.status,
            version: head.version,
            headers: &head.headers,
            extensions: &head.extensions,
        }
    }
}

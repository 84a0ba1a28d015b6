//! A server's request: the facts, and the attributes they become.

use crate::{
    Authority, Instrumentation, Scheme, conventions as c,
    method::OTHER,
    text::{header, limited},
};
use http::{HeaderValue, Method, Version};
use opentelemetry::{KeyValue, StringValue};
use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

/// What a server knows of a request when it arrives.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ServerRequest<'a> {
    /// The request method.
    pub method: &'a Method,
    /// The scheme the client used.
    pub scheme: Scheme,
    /// The path as the client sent it, without the query.
    pub path: &'a str,
    /// The query without its question mark.
    pub query: Option<&'a str>,
    /// The host and port asked for: `:authority`, or the `Host` header.
    pub authority: Option<&'a str>,
    /// The matched route template, if the router has matched already.
    pub route: Option<&'a str>,
    /// The protocol version of the connection.
    pub version: Version,
    /// The other end of the socket.
    pub peer: Option<SocketAddr>,
    /// The `User-Agent` header.
    pub user_agent: Option<&'a HeaderValue>,
}

impl<'a> ServerRequest<'a> {
    /// A request of which only the required facts are known.
    pub fn new(method: &'a Method, scheme: Scheme, path: &'a str, version: Version) -> Self {
        Self {
            method,
            scheme,
            path,
            query: None,
            authority: None,
            route: None,
            version,
            peer: None,
            user_agent: None,
        }
    }

    /// The attributes that are known when the span starts.
    pub(crate) fn attributes(
        &self,
        instrumentation: &Instrumentation,
        method: &StringValue,
        route: Option<&StringValue>,
    ) -> Vec<KeyValue> {
        let limit = instrumentation.value_limit;
        // 11 here and at most 3 at the end: the vector never grows.
        let mut attributes = Vec::with_capacity(14);
        attributes.push(KeyValue::new(c::HTTP_REQUEST_METHOD, method.clone()));
        if method.as_str() == OTHER {
            let original = limited(self.method.as_str().into(), limit);
            attributes.push(KeyValue::new(c::HTTP_REQUEST_METHOD_ORIGINAL, original));
        }
        attributes.push(KeyValue::new(c::URL_SCHEME, self.scheme.as_str()));
        attributes.push(KeyValue::new(c::URL_PATH, limited(self.path.into(), limit)));
        if let Some(query) = self.query {
            let query = instrumentation.sensitive_keys.redact_query(query);
            attributes.push(KeyValue::new(c::URL_QUERY, limited(query, limit)));
        }
        if let Some(route) = route {
            attributes.push(KeyValue::new(c::HTTP_ROUTE, route.clone()));
        }
        if let Some(authority) = self.authority.and_then(Authority::parse) {
            let host = limited(authority.host.into(), limit);
            attributes.push(KeyValue::new(c::SERVER_ADDRESS, host));
            if let Some(port) = authority.port {
                attributes.push(KeyValue::new(c::SERVER_PORT, i64::from(port)));
            }
        }
        if let Some(peer) = self.peer {
            let address: Arc<str> = peer.ip().to_canonical().to_string().into();
            attributes.push(KeyValue::new(c::CLIENT_ADDRESS, address.clone()));
            attributes.push(KeyValue::new(c::NETWORK_PEER_ADDRESS, address));
            attributes.push(KeyValue::new(c::NETWORK_PEER_PORT, i64::from(peer.port())));
        }
        if let Some(version) = version_name(self.version) {
            attributes.push(KeyValue::new(c::NETWORK_PROTOCOL_VERSION, version));
        }
        if let Some(user_agent) = self.user_agent {
            attributes.push(KeyValue::new(
                c::USER_AGENT_ORIGINAL,
                header(user_agent, limit),
            ));
        }
        attributes
    }
}

/// A place where a router deep inside can leave the route it matched.
///
/// The outer end reads it when the exchange ends; the first route left there stays.
#[derive(Clone, Debug, Default)]
pub struct SharedRoute(Arc<OnceLock<StringValue>>);

impl SharedRoute {
    /// Leaves `route`, unless one is there already.
    pub fn set(&self, route: &str) {
        if !route.is_empty() {
            self.0
                .get_or_init(|| StringValue::from(Arc::<str>::from(route)));
        }
    }

    /// The route, once one was left.
    pub(crate) fn get(&self) -> Option<&StringValue> {
        self.0.get()
    }
}

/// `network.protocol.version`: HTTP/2 is `2`, not `2.0`.
pub(crate) fn version_name(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

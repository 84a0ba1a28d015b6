//! A server's request: the facts, and the attributes they become.

use super::ClientAddress;
use crate::{
    Authority, Instrumentation, Scheme, conventions as c,
    exchange::Record,
    method,
    rpc::RpcCall,
    text::{address, header, limited_shared},
};
use http::{HeaderMap, Method, Version, header::USER_AGENT};
use opentelemetry::{KeyValue, StringValue};
use std::{fmt, net::SocketAddr};

/// How much of a user agent is searched for names, in bytes.
const SEARCHED: usize = 512;

/// What a server knows of a request when it arrives.
///
/// `Debug` leaves out what may hold credentials: path, query, headers and attributes.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ServerRequest<'a> {
    /// The request method.
    pub method: &'a Method,
    /// The scheme the client used: the connection's, or what a trusted proxy says. It is a metric
    /// attribute, so never take it from the request's target, which the client writes.
    pub scheme: Scheme,
    /// The path as the client sent it, without the query.
    pub path: &'a str,
    /// The query without its question mark.
    pub query: Option<&'a str>,
    /// The host and port asked for: `:authority`, or the `Host` header. A text that
    /// [`Authority::parse_host`] does not take is left out.
    pub authority: Option<&'a str>,
    /// The matched route template, if the router has matched already.
    pub route: Option<&'a str>,
    /// The protocol version of the connection.
    pub version: Version,
    /// The other end of the socket.
    pub peer: Option<SocketAddr>,
    /// The client behind all trusted proxies; the peer, where none is known.
    pub client: Option<ClientAddress>,
    /// The request's headers.
    pub headers: Option<&'a HeaderMap>,
    /// A name for the span instead of `{method} {route}`; it must be one of few.
    pub name: Option<&'a str>,
    /// More attributes for the span. They come after the conventions' own, and where a span would
    /// have more than 112 attributes with them, the last are left out.
    pub attributes: &'a [KeyValue],
}

impl fmt::Debug for ServerRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerRequest")
            .field("method", self.method)
            .field("scheme", &self.scheme)
            .field("authority", &self.authority.and_then(Authority::parse_host))
            .field("route", &self.route)
            .field("version", &self.version)
            .field("peer", &self.peer)
            .field("client", &self.client)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
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
            client: None,
            headers: None,
            name: None,
            attributes: &[],
        }
    }

    /// The call over gRPC that this is, if such calls are told apart.
    pub(crate) fn rpc(&self, instrumentation: &Instrumentation) -> Option<RpcCall> {
        RpcCall::of(instrumentation.rpc_methods.as_ref()?, self.headers?, self.path)
    }

    /// The attributes that are known when the span starts.
    pub(crate) fn describe(
        &self,
        instrumentation: &Instrumentation,
        record: &Record,
    ) -> Vec<KeyValue> {
        let limit = instrumentation.value_limit;
        // 12 of our own here and at most 3 at the end: then the vector never grows.
        let mut attributes = Vec::with_capacity(15 + self.attributes.len());
        match record.rpc() {
            Some(call) => call.describe(self.path, limit, &mut attributes),
            None => self.describe_http(instrumentation, record, &mut attributes),
        }
        if let Some(authority) = self.authority.and_then(Authority::parse_host) {
            let host = limited_shared(authority.host.into(), limit);
            attributes.push(KeyValue::new(c::SERVER_ADDRESS, host));
            if let Some(port) = authority.port {
                attributes.push(KeyValue::new(c::SERVER_PORT, i64::from(port)));
            }
        }
        let peer = self.peer.map(|peer| (address(peer.ip()), peer.port()));
        // The conventions for remote procedure calls have no client on the server's span.
        if record.rpc().is_none() {
            self.describe_client(instrumentation, peer.as_ref(), &mut attributes);
        }
        if let Some((peer, port)) = peer {
            attributes.push(KeyValue::new(c::NETWORK_PEER_ADDRESS, peer));
            attributes.push(KeyValue::new(c::NETWORK_PEER_PORT, i64::from(port)));
        }
        record.capture_request_headers(instrumentation, self.headers, &mut attributes);
        attributes.extend_from_slice(self.attributes);
        attributes
    }

    /// The client behind all proxies, else the peer.
    fn describe_client(
        &self,
        instrumentation: &Instrumentation,
        peer: Option<&(StringValue, u16)>,
        attributes: &mut Vec<KeyValue>,
    ) {
        let (client, port) = match (self.client, peer) {
            (Some(client), _) => (address(client.ip), client.port),
            (None, Some((peer, port))) => (peer.clone(), Some(*port)),
            (None, None) => return,
        };
        attributes.push(KeyValue::new(c::CLIENT_ADDRESS, client));
        if instrumentation.client_port
            && let Some(port) = port
        {
            attributes.push(KeyValue::new(c::CLIENT_PORT, i64::from(port)));
        }
    }

    fn describe_http(
        &self,
        instrumentation: &Instrumentation,
        record: &Record,
        attributes: &mut Vec<KeyValue>,
    ) {
        let limit = instrumentation.value_limit;
        method::describe(record.method(), self.method, limit, attributes);
        attributes.push(KeyValue::new(c::URL_SCHEME, self.scheme.as_str()));
        let keys = &instrumentation.sensitive_keys;
        let path = keys.limited_path(self.path, limit).into_owned();
        attributes.push(KeyValue::new(c::URL_PATH, path));
        if let Some(query) = self.query {
            let query = keys.limited_query(query, limit).into_owned();
            attributes.push(KeyValue::new(c::URL_QUERY, query));
        }
        if let Some(route) = record.route() {
            attributes.push(KeyValue::new(c::HTTP_ROUTE, route.clone()));
        }
        if let Some(version) = version_name(self.version) {
            attributes.push(KeyValue::new(c::NETWORK_PROTOCOL_VERSION, version));
        }
        if let Some(user_agent) = self.headers.and_then(|headers| headers.get(USER_AGENT)) {
            let user_agent = limited_shared(header(user_agent, limit), limit);
            attributes.push(KeyValue::new(c::USER_AGENT_ORIGINAL, user_agent));
        }
        if let Some(kind) = self.synthetic(instrumentation) {
            attributes.push(KeyValue::new(c::USER_AGENT_SYNTHETIC_TYPE, kind));
        }
    }

    /// `user_agent.synthetic.type`, when it is asked for.
    pub(crate) fn synthetic(&self, instrumentation: &Instrumentation) -> Option<&'static str> {
        if !instrumentation.synthetic_user_agents {
            return None;
        }
        synthetic_type(self.headers?.get(USER_AGENT)?.as_bytes())
    }
}

/// Agents that say themselves that they are no person's: the names that OpenTelemetry's
/// instrumentations of other languages look for.
fn synthetic_type(user_agent: &[u8]) -> Option<&'static str> {
    let searched = &user_agent[..user_agent.len().min(SEARCHED)];
    let named = |name: &str| {
        let same = |part: &[u8]| part.eq_ignore_ascii_case(name.as_bytes());
        searched.windows(name.len()).any(same)
    };
    if named("alwayson") {
        Some("test")
    } else if named("googlebot") || named("bingbot") {
        Some("bot")
    } else {
        None
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

//! A server's request: the facts, and the attributes they become.

use super::{ClientAddress, Parent, ServerOptions};
use crate::{
    conventions as c,
    exchange::{Below, Exchange, Record},
    grpc::RpcCall,
    settings::Resolved,
    values::{
        Route, Scheme, address, describe_method, firsts, header_shared, limited_shared, repeated,
        version_name,
    },
};
use http::{
    HeaderMap, HeaderValue, Method, Version,
    header::{HOST, USER_AGENT},
};
use opentelemetry::{KeyValue, StringValue, otel_debug};
use std::{
    borrow::Cow,
    fmt,
    net::SocketAddr,
    sync::{Arc, Once},
};
use tracewire_text::{SensitiveKeys, host::Authority};

/// How much of a user agent is searched for names, in bytes.
const SEARCHED: usize = 512;

/// What a server knows of a request when it arrives.
///
/// `Debug` leaves out what may hold credentials: path, query, headers and attributes.
#[derive(Clone, Copy)]
pub(super) struct ServerRequest<'a> {
    /// The request method.
    pub(super) method: &'a Method,
    /// The scheme the client used: the connection's, or what a trusted proxy says. It is a metric
    /// attribute, so never take it from the request's target, which the client writes.
    pub(super) scheme: Scheme,
    /// The path as the client sent it, without the query.
    pub(super) path: &'a str,
    /// The query without its question mark.
    pub(super) query: Option<&'a str>,
    /// The host and port asked for, where something goes before the `Host` header: a trusted proxy, or
    /// `:authority`. A text that [`Authority::parse_host`] does not take is left out.
    pub(super) authority: Option<&'a [u8]>,
    /// The port that a trusted proxy says the client connected to. It goes before that of a host.
    pub(super) port: Option<u16>,
    /// The matched route template, if the router has matched already.
    pub(super) route: Option<&'a str>,
    /// The protocol version of the connection.
    pub(super) version: Version,
    /// The other end of the socket.
    pub(super) peer: Option<SocketAddr>,
    /// The client behind all trusted proxies; the peer, where none is known.
    pub(super) client: Option<ClientAddress>,
    /// The request's headers.
    pub(super) headers: Option<&'a HeaderMap>,
    /// A name for the span instead of `{method} {route}`; it must be one of few.
    pub(super) name: Option<&'a str>,
    /// More attributes for the span. They come after the conventions' own, and where a span would
    /// have more than 112 attributes with them, the last are left out.
    pub(super) attributes: &'a [KeyValue],
}

impl fmt::Debug for ServerRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerRequest")
            .field("method", self.method)
            .field("scheme", &self.scheme)
            .field("authority", &self.authority.and_then(repeated::authority))
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
    pub(super) fn new(method: &'a Method, scheme: Scheme, path: &'a str, version: Version) -> Self {
        Self {
            method,
            scheme,
            path,
            query: None,
            authority: None,
            port: None,
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
    fn rpc(&self, resolved: &Resolved) -> Option<RpcCall> {
        RpcCall::of(resolved.options.rpc_methods.as_ref()?, self.headers?, self.path)
    }

    /// The attributes that are known when the span starts.
    fn describe(&self, options: &ServerOptions, record: &Record) -> Vec<KeyValue> {
        let limit = record.options().value_limit;
        let [host, user_agent] = firsts(self.headers, [&HOST, &USER_AGENT]);
        // 12 of our own here and at most 3 at the end: then the vector never grows.
        let mut attributes = Vec::with_capacity(15 + self.attributes.len());
        match &record.rpc {
            Some(call) => call.describe(self.path, limit, &mut attributes),
            None => self.describe_http(record, user_agent, &mut attributes),
        }
        // One that is too long is not read.
        let host = host.map(HeaderValue::as_bytes).filter(|host| host.len() <= Authority::MAX_LEN);
        let authority = self.authority.or(host);
        if let Some((host, port)) = authority.and_then(repeated::authority) {
            let host = match host.len() <= limit {
                true => StringValue::from(host),
                false => limited_shared((&*host).into(), limit),
            };
            attributes.push(KeyValue::new(c::SERVER_ADDRESS, host));
            if let Some(port) = self.port.or(port) {
                attributes.push(KeyValue::new(c::SERVER_PORT, i64::from(port)));
            }
        }
        let peer = self.peer.map(|peer| (address(peer.ip()), peer.port()));
        // The conventions for remote procedure calls have no client on the server's span.
        if record.rpc.is_none() {
            self.describe_client(options, peer.as_ref(), &mut attributes);
        }
        if let Some((peer, port)) = peer {
            attributes.push(KeyValue::new(c::NETWORK_PEER_ADDRESS, peer));
            attributes.push(KeyValue::new(c::NETWORK_PEER_PORT, i64::from(port)));
        }
        record.capture_request_headers(self.headers, &mut attributes);
        attributes.extend_from_slice(self.attributes);
        attributes
    }

    /// The client behind all proxies, else the peer.
    fn describe_client(
        &self,
        options: &ServerOptions,
        peer: Option<&(StringValue, u16)>,
        attributes: &mut Vec<KeyValue>,
    ) {
        let (client, port) = match (self.client, peer) {
            (Some(client), _) => (address(client.ip), client.port),
            (None, Some((peer, port))) => (peer.clone(), Some(*port)),
            (None, None) => return,
        };
        attributes.push(KeyValue::new(c::CLIENT_ADDRESS, client));
        if options.client_port
            && let Some(port) = port
        {
            attributes.push(KeyValue::new(c::CLIENT_PORT, i64::from(port)));
        }
    }

    fn describe_http(
        &self,
        record: &Record,
        user_agent: Option<&HeaderValue>,
        attributes: &mut Vec<KeyValue>,
    ) {
        let limit = record.options().value_limit;
        describe_method(&record.method, self.method, limit, attributes);
        attributes.push(KeyValue::new(c::URL_SCHEME, self.scheme.as_str()));
        let keys = &record.options().sensitive_keys;
        attributes.push(KeyValue::new(c::URL_PATH, shown_path(keys, self.path, limit)));
        if let Some(query) = self.query {
            let query = keys.limited_query(query, limit).into_owned();
            attributes.push(KeyValue::new(c::URL_QUERY, query));
        }
        if let Some(route) = &record.route {
            attributes.push(KeyValue::new(c::HTTP_ROUTE, route.template.clone()));
        }
        if let Some(version) = record.version {
            attributes.push(KeyValue::new(c::NETWORK_PROTOCOL_VERSION, version));
        }
        if let Some(user_agent) = user_agent {
            let user_agent = header_shared(user_agent, limit);
            attributes.push(KeyValue::new(c::USER_AGENT_ORIGINAL, user_agent));
        }
        if let Some(kind) = record.synthetic {
            attributes.push(KeyValue::new(c::USER_AGENT_SYNTHETIC_TYPE, kind));
        }
    }

    /// `user_agent.synthetic.type`, when it is asked for.
    fn synthetic(&self, options: &ServerOptions) -> Option<&'static str> {
        if !options.synthetic_user_agents {
            return None;
        }
        synthetic_type(self.headers?.get(USER_AGENT)?.as_bytes())
    }
}

/// The path without what is secret. One that was shown as it is, by the default keys, is known again.
fn shown_path(keys: &SensitiveKeys, path: &str, limit: usize) -> Arc<str> {
    let is_usual = keys.is_default() && path.len() <= limit;
    if let Some(known) = is_usual.then(|| repeated::path(path)).flatten() {
        return known;
    }
    match keys.limited_path(path, limit) {
        Cow::Borrowed(shown) if is_usual && shown.len() == path.len() => repeated::shown_path(path),
        shown => Arc::from(shown),
    }
}

/// Starts the exchange of a server that received `request`, under `parent`.
pub(super) fn exchange(
    resolved: &Arc<Resolved>,
    options: &ServerOptions,
    Parent { context, linked, is_hop, apart }: Parent,
    request: &ServerRequest<'_>,
) -> Exchange {
    let route = request.route.filter(|route| !route.is_empty());
    let note = |record: &mut Record| {
        record.scheme = request.scheme;
        record.version = version_name(request.version);
        record.route = route.map(|route| Route::of(route, &record.method));
        record.named = request.name.is_some();
        record.synthetic = request.synthetic(options);
        record.rpc = request.rpc(resolved).map(Box::new);
    };
    let below = Below { parent: &context, linked, is_hop, apart };
    Exchange::start(resolved, request.method, below, note, |record| {
        (record.span_name(request.name, None), request.describe(options, record))
    })
}

/// Says once that a server does not know who calls it, which is easy to forget.
#[cold]
pub(super) fn note_unknown_peer() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        otel_debug!(
            name: "Server.UnknownPeer",
            message = "a request has no peer address, so spans have no client.address: serve an axum \
                router with into_make_service_with_connect_info::<SocketAddr>(), or insert a \
                PeerAddress into the request's extensions"
        );
    });
}

/// Recognizes agents that say that they are programs, by the names that OpenTelemetry's
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

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::AUTHORIZATION;

    #[test]
    fn debug_shows_no_secret() {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer SECRET".parse().unwrap())]);
        let attributes = [KeyValue::new("key", "SECRET")];
        let mut request =
            ServerRequest::new(&Method::GET, Scheme::Https, "/SECRET", Version::HTTP_11);
        request.query = Some("token=SECRET");
        request.authority = Some(b"ada:SECRET@shop.example");
        request.headers = Some(&headers);
        request.attributes = &attributes;
        let shown = format!("{request:?}");
        assert!(shown.contains("GET") && shown.contains("Https"), "{shown}");
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}

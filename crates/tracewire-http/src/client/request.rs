//! A client's call: the facts, and the attributes they become.

use crate::{
    conventions as c,
    exchange::Record,
    grpc::RpcCall,
    settings::Resolved,
    values::{Scheme, describe_method, limited, limited_shared, repeated},
};
use http::{HeaderMap, Method};
use opentelemetry::KeyValue;
use std::{borrow::Cow, fmt, sync::Arc};
use tracewire_text::host::Authority;

/// What a client knows of a call before it is sent.
///
/// `Debug` leaves out what may hold credentials: URL, headers and attributes.
///
/// ```
/// use tracewire_http::ClientRequest;
///
/// /// For the option `span_name` of a client.
/// fn name(request: &ClientRequest<'_>) -> Option<&'static str> {
///     (request.host == "prices.internal").then_some("ask for a price")
/// }
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ClientRequest<'a> {
    /// The request method.
    pub method: &'a Method,
    /// The absolute URL, as it is sent: without a fragment. What is secret in it is redacted here.
    pub url: &'a str,
    /// The scheme of the URL.
    pub scheme: Scheme,
    /// The host of the URL, without brackets, to which the request is really sent, whatever its
    /// `Host` says. Empty if the URL names none: then nobody knows where it goes.
    pub host: &'a str,
    /// The port of that host; the scheme's default where none is named.
    pub port: u16,
    /// The host and port of the `Host` header, where the URL names none: what the span shows. It
    /// never becomes a metric attribute, because a gateway passes on what its own callers sent.
    pub asked_for: Option<Authority<'a>>,
    /// The size of the request's body in bytes, if it has one and that is known.
    pub body_size: Option<u64>,
    /// The request's headers, those of the caller alone.
    pub headers: Option<&'a HeaderMap>,
    /// The span's name, if the application gave one.
    pub name: Option<&'a str>,
    /// The low-cardinality form of the path, if the application gave one.
    pub template: Option<&'a str>,
    /// The name of the service that is called, if the client has one for its host.
    pub service_peer: Option<&'a str>,
    /// How many times this request was sent before.
    pub resend_count: u32,
    /// More attributes for the span.
    pub attributes: &'a [KeyValue],
}

impl fmt::Debug for ClientRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRequest")
            .field("method", self.method)
            .field("scheme", &self.scheme)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("asked_for", &self.asked_for)
            .field("body_size", &self.body_size)
            .field("name", &self.name)
            .field("template", &self.template)
            .field("service_peer", &self.service_peer)
            .field("resend_count", &self.resend_count)
            .finish_non_exhaustive()
    }
}

impl<'a> ClientRequest<'a> {
    /// A first attempt without a template.
    pub fn new(method: &'a Method, url: &'a str, scheme: Scheme, host: &'a str, port: u16) -> Self {
        Self {
            method,
            url,
            scheme,
            host,
            port,
            asked_for: None,
            body_size: None,
            headers: None,
            name: None,
            template: None,
            service_peer: None,
            resend_count: 0,
            attributes: &[],
        }
    }

    /// The call over gRPC that this is, if such calls are told apart.
    pub(super) fn rpc(&self, resolved: &Resolved) -> Option<RpcCall> {
        RpcCall::of(resolved.options.rpc_methods.as_ref()?, self.headers?, self.path())
    }

    /// The attributes that are known when the span starts.
    pub(super) fn describe(&self, record: &Record) -> Vec<KeyValue> {
        let limit = record.options().value_limit;
        // 7 of our own here and at most 5 at the end: the vector never grows.
        let known = 12 + usize::from(self.service_peer.is_some());
        let mut attributes = Vec::with_capacity(known + self.attributes.len());
        match &record.rpc {
            Some(call) => call.describe(self.path(), limit, &mut attributes),
            None => self.describe_http(record, &mut attributes),
        }
        let asked_for = self.asked_for.map(|Authority { host, port }| {
            let port = port.unwrap_or_else(|| self.scheme.default_port());
            (limited_shared(host.into(), limit), port)
        });
        if let Some((host, port)) = asked_for.or_else(|| record.server.clone()) {
            attributes.push(KeyValue::new(c::SERVER_ADDRESS, host));
            attributes.push(KeyValue::new(c::SERVER_PORT, i64::from(port)));
        }
        if let Some(name) = self.service_peer {
            attributes.push(KeyValue::new(c::SERVICE_PEER_NAME, repeated::text(name)));
        }
        record.capture_request_headers(self.headers, &mut attributes);
        attributes.extend_from_slice(self.attributes);
        attributes
    }

    fn describe_http(&self, record: &Record, attributes: &mut Vec<KeyValue>) {
        let limit = record.options().value_limit;
        describe_method(&record.method, self.method, limit, attributes);
        let keys = &record.options().sensitive_keys;
        // What was shown as it is, by the same rules, need not be read again.
        let known = || repeated::url(self.url).filter(|url| url.len() <= limit);
        let url: Arc<str> = match keys.is_default().then(known).flatten() {
            Some(known) => known,
            None => match keys.limited_url(self.url, limit) {
                Cow::Borrowed(url) if keys.is_default() => repeated::shown_url(url),
                url => url.into(),
            },
        };
        attributes.push(KeyValue::new(c::URL_FULL, url));
        if let Some(template) = self.template {
            attributes.push(KeyValue::new(c::URL_TEMPLATE, limited(template.into(), limit)));
        }
        if self.resend_count > 0 {
            let count = i64::from(self.resend_count);
            attributes.push(KeyValue::new(c::HTTP_REQUEST_RESEND_COUNT, count));
        }
    }

    /// The path of the URL, with its leading slash.
    fn path(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url, |(_, rest)| rest);
        let path = rest.find('/').map_or("", |slash| &rest[slash..]);
        path.split(['?', '#']).next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let url = "https://ada:SECRET@h.example/SECRET?token=SECRET&id=1#SECRET";
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "SECRET".parse().unwrap());
        let mut request = ClientRequest::new(&Method::GET, url, Scheme::Https, "h.example", 443);
        request.headers = Some(&headers);
        let attributes = [KeyValue::new("user", "SECRET")];
        request.attributes = &attributes;
        let shown = format!("{request:?}");
        assert!(!shown.contains("SECRET"), "{shown}");
        assert!(shown.contains("h.example"), "{shown}");
    }
}

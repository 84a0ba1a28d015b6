//! A client's call: the facts, and the attributes they become.

use crate::{
    Instrumentation, Scheme, SensitiveKeys, conventions as c, exchange::Record, method,
    rpc::RpcCall, text::limited,
};
use http::{HeaderMap, Method};
use opentelemetry::KeyValue;
use std::fmt;

/// What a client knows of a call before it is sent.
///
/// Its `Debug` shows no user information, no sensitive value of the query and no value of a header.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ClientRequest<'a> {
    /// The request method.
    pub method: &'a Method,
    /// The absolute URL, as it stands in the request; what is secret in it is redacted here.
    pub url: &'a str,
    /// The scheme of the URL.
    pub scheme: Scheme,
    /// The URL's host, without brackets. Empty if it is not known.
    pub host: &'a str,
    /// The port of that host; the scheme's default where none is named.
    pub port: u16,
    /// Whether the host is only known from the `Host` header, because the target names none.
    ///
    /// A gateway passes on what its own callers sent there, so such a host is recorded on the span
    /// and not on the metrics. Default: no.
    pub host_is_claimed: bool,
    /// The size of the request's body in bytes, if it has one and that is known.
    pub body_size: Option<u64>,
    /// The request's headers, those of the caller alone.
    pub headers: Option<&'a HeaderMap>,
    /// The span's name, if the application gave one.
    pub name: Option<&'a str>,
    /// The low-cardinality form of the path, if the application gave one.
    pub template: Option<&'a str>,
    /// How many times this request was sent before.
    pub resend_count: u32,
    /// More attributes for the span.
    pub attributes: &'a [KeyValue],
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
            host_is_claimed: false,
            body_size: None,
            headers: None,
            name: None,
            template: None,
            resend_count: 0,
            attributes: &[],
        }
    }

    /// The call over gRPC that this is, if such calls are told apart.
    pub(crate) fn rpc(&self, instrumentation: &Instrumentation) -> Option<RpcCall> {
        RpcCall::of(instrumentation.rpc_methods.as_ref()?, self.headers?, self.path())
    }

    /// The attributes that are known when the span starts.
    pub(crate) fn describe(
        &self,
        instrumentation: &Instrumentation,
        record: &Record,
    ) -> Vec<KeyValue> {
        let limit = instrumentation.value_limit;
        // 7 of our own here and at most 5 at the end: the vector never grows.
        let mut attributes = Vec::with_capacity(12 + self.attributes.len());
        match record.rpc() {
            Some(call) => call.describe(self.path(), limit, &mut attributes),
            None => self.describe_http(instrumentation, record, &mut attributes),
        }
        let claimed = || {
            let host = Some(self.host).filter(|host| self.host_is_claimed && !host.is_empty())?;
            Some((limited(host.into(), limit), self.port))
        };
        if let Some((host, port)) = record.server().cloned().or_else(claimed) {
            attributes.push(KeyValue::new(c::SERVER_ADDRESS, host));
            attributes.push(KeyValue::new(c::SERVER_PORT, i64::from(port)));
        }
        record.capture_request_headers(instrumentation, self.headers, &mut attributes);
        attributes.extend_from_slice(self.attributes);
        attributes
    }

    fn describe_http(
        &self,
        instrumentation: &Instrumentation,
        record: &Record,
        attributes: &mut Vec<KeyValue>,
    ) {
        let limit = instrumentation.value_limit;
        method::describe(record.method(), self.method, limit, attributes);
        let url = instrumentation.sensitive_keys.redact_url(self.url);
        attributes.push(KeyValue::new(c::URL_FULL, limited(url, limit)));
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

impl fmt::Debug for ClientRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Option<Vec<_>> = self.headers.map(|headers| headers.keys().collect());
        let url = self.url.split('#').next().unwrap_or_default();
        f.debug_struct("ClientRequest")
            .field("method", self.method)
            .field("url", &SensitiveKeys::default().redact_url(url))
            .field("host", &self.host)
            .field("port", &self.port)
            .field("host_is_claimed", &self.host_is_claimed)
            .field("body_size", &self.body_size)
            .field("headers", &names)
            .field("name", &self.name)
            .field("template", &self.template)
            .field("resend_count", &self.resend_count)
            .field("attributes", &self.attributes.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let url = "https://ada:SECRET@h.example/a?token=SECRET&id=1#SECRET";
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "SECRET".parse().unwrap());
        let mut request = ClientRequest::new(&Method::GET, url, Scheme::Https, "h.example", 443);
        request.headers = Some(&headers);
        let attributes = [KeyValue::new("user", "SECRET")];
        request.attributes = &attributes;
        let shown = format!("{request:?}");
        assert!(!shown.contains("SECRET"), "{shown}");
        assert!(shown.contains("h.example/a") && shown.contains("authorization"), "{shown}");
    }
}

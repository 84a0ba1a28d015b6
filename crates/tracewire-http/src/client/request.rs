//! A client's call: the facts, and the attributes they become.

use crate::{Instrumentation, Scheme, conventions as c, method::OTHER, text::limited};
use http::{HeaderMap, Method};
use opentelemetry::{KeyValue, StringValue};

/// What a client knows of a call before it is sent.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClientRequest<'a> {
    /// The request method.
    pub method: &'a Method,
    /// The absolute URL, as it stands in the request; what is secret in it is redacted here.
    pub url: &'a str,
    /// The scheme of the URL.
    pub scheme: Scheme,
    /// The host that is asked for, without brackets: from the `Host` header if the caller set one,
    /// else from the URL. Empty if neither is known.
    pub host: &'a str,
    /// The port of that host; the scheme's default where none is named.
    pub port: u16,
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
            headers: None,
            name: None,
            template: None,
            resend_count: 0,
            attributes: &[],
        }
    }

    /// The attributes that are known when the span starts.
    pub(crate) fn describe(
        &self,
        instrumentation: &Instrumentation,
        method: &StringValue,
        host: Option<&StringValue>,
    ) -> Vec<KeyValue> {
        let limit = instrumentation.value_limit;
        // 7 of our own here and at most 5 at the end: the vector never grows.
        let mut attributes = Vec::with_capacity(12 + self.attributes.len());
        attributes.push(KeyValue::new(c::HTTP_REQUEST_METHOD, method.clone()));
        if method.as_str() == OTHER {
            let original = limited(self.method.as_str().into(), limit);
            attributes.push(KeyValue::new(c::HTTP_REQUEST_METHOD_ORIGINAL, original));
        }
        if let Some(host) = host {
            attributes.push(KeyValue::new(c::SERVER_ADDRESS, host.clone()));
            attributes.push(KeyValue::new(c::SERVER_PORT, i64::from(self.port)));
        }
        let url = instrumentation.sensitive_keys.redact_url(self.url);
        attributes.push(KeyValue::new(c::URL_FULL, limited(url, limit)));
        if let Some(template) = self.template {
            attributes.push(KeyValue::new(c::URL_TEMPLATE, limited(template.into(), limit)));
        }
        if self.resend_count > 0 {
            let count = i64::from(self.resend_count);
            attributes.push(KeyValue::new(c::HTTP_REQUEST_RESEND_COUNT, count));
        }
        if let Some(headers) = self.headers {
            let add = |attribute| attributes.push(attribute);
            instrumentation.request_headers.capture(headers, c::HTTP_REQUEST_HEADER, limit, add);
        }
        attributes.extend_from_slice(self.attributes);
        attributes
    }
}

//! Describes and begins: the facts of a request, and the call they start.

use http::{HeaderMap, Method, Uri, header::HOST, request::Parts, uri};
use http_body::Body;
use std::sync::Arc;
use tracewire_http::{
    Authority, ClientRequest, Scheme,
    wiring::{ClientCall, ClientSettings},
};
use tracewire_propagation::current;

/// Starts the call of a request under the current context, and writes its headers.
pub(super) fn start(
    settings: &Arc<ClientSettings>,
    head: &mut Parts,
    body: &impl Body,
) -> Option<ClientCall> {
    let scheme = head.uri.scheme_str().and_then(Scheme::parse).unwrap_or(Scheme::Http);
    let server = head.uri.authority().and_then(|server| Authority::parse(server.as_str()));
    // Where the URI names no host, the connection was made elsewhere, whatever `Host` says.
    let host_header = if server.is_none() { host(&head.headers) } else { None };
    let url = absolute_url(&head.method, &head.uri, scheme, host_header);

    let host = server.map_or("", |server| server.host);
    let port = server.and_then(|server| server.port).unwrap_or_else(|| scheme.default_port());
    let mut facts = ClientRequest::new(&head.method, &url, scheme, host, port);
    facts.asked_for = host_header.and_then(Authority::parse);
    facts.headers = Some(&head.headers);
    facts.body_size = body.size_hint().exact().filter(|_| !body.is_end_stream());
    let call = ClientCall::start(settings, &current::get(), facts, &mut head.extensions)?;
    call.inject(&mut head.headers);
    Some(call)
}

/// The `Host` header, if it names a host. A gateway passes on what its own callers sent.
fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(HOST).filter(|host| host.len() <= Authority::MAX_LEN)?;
    host.to_str().ok().filter(|host| Authority::parse(host).is_some())
}

/// The URL as it would be written, whatever form the request's target has.
fn absolute_url(method: &Method, uri: &Uri, scheme: Scheme, host: Option<&str>) -> String {
    let authority = uri.authority().map(uri::Authority::as_str).or(host).unwrap_or_default();
    let path = match uri.path_and_query().map(uri::PathAndQuery::as_str) {
        // RFC 9112, section 3.2.4: the whole server's URL has no path.
        Some("*") => "",
        Some(path) if method != Method::CONNECT => path,
        _ => "/",
    };
    [scheme.as_str(), "://", authority, path].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_target_makes_a_url() {
        let cases = [
            ("GET", "http://h:81/p?q=1", None, "http://h:81/p?q=1"),
            ("GET", "https://h", None, "https://h/"),
            ("GET", "https://a:b@h/", None, "https://a:b@h/"),
            ("GET", "/p?q=1", Some("h"), "http://h/p?q=1"),
            ("OPTIONS", "*", Some("h:81"), "http://h:81"),
            ("CONNECT", "h:443", None, "http://h:443/"),
            ("GET", "/p", None, "http:///p"),
        ];
        for (method, uri, host, expected) in cases {
            let uri: Uri = uri.parse().unwrap();
            let scheme = uri.scheme_str().and_then(Scheme::parse).unwrap_or(Scheme::Http);
            let method = method.parse().unwrap();
            assert_eq!(absolute_url(&method, &uri, scheme, host), expected);
        }
    }

    #[test]
    fn a_host_header_that_names_no_host_is_left_out() {
        let named = |value: &[u8]| {
            let value = http::HeaderValue::from_bytes(value).unwrap();
            host(&HeaderMap::from_iter([(HOST, value)])).map(str::to_owned)
        };
        assert_eq!(named(b"shop.example:81").as_deref(), Some("shop.example:81"));
        for other in [&b""[..], b"bad host", b"a/b", b"caf\xe9", &[b'h'; 400_000]] {
            assert_eq!(named(other), None);
        }
    }
}

//! Describes and begins: the facts of a request, and the call they start.

use http::{Extensions, header::HOST};
use reqwest::Request;
use std::sync::Arc;
use tracewire_http::{Authority, ClientCall, ClientRequest, ClientSettings, Scheme};
use tracewire_propagation::current;

/// Starts the call of `request` under the current context, and writes its headers.
///
/// There is none where [`ClientCall::start`] gives none, and for a URL that no HTTP client can
/// send.
pub(crate) fn start(
    settings: &Arc<ClientSettings>,
    request: &mut Request,
    extensions: &mut Extensions,
) -> Option<ClientCall> {
    let facts = describe(request)?;
    let call = ClientCall::start(settings, &current::get(), facts, extensions)?;
    // Put back at once: the URL and the headers cannot be borrowed side by side.
    let mut headers = std::mem::take(request.headers_mut());
    call.inject(request.url().host_str().unwrap_or_default(), &mut headers);
    *request.headers_mut() = headers;
    Some(call)
}

fn describe(request: &Request) -> Option<ClientRequest<'_>> {
    let url = request.url();
    let scheme = Scheme::parse(url.scheme())?;
    let asked_for =
        request.headers().get(HOST).and_then(|host| host.to_str().ok()).and_then(Authority::parse);
    let (host, port) = match asked_for {
        Some(authority) => (authority.host, authority.port),
        None => (without_brackets(url.host_str()?), url.port()),
    };
    let port = port.unwrap_or_else(|| scheme.default_port());
    let mut facts = ClientRequest::new(request.method(), url.as_str(), scheme, host, port);
    facts.headers = Some(request.headers());
    let body = request.body().and_then(reqwest::Body::as_bytes);
    facts.body_size = body.filter(|body| !body.is_empty()).map(|body| body.len() as u64);
    Some(facts)
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Method};

    fn server(url: &str, host: Option<&'static str>) -> Option<(String, u16)> {
        let mut request = Request::new(Method::GET, url.parse().unwrap());
        if let Some(host) = host {
            request.headers_mut().insert(HOST, HeaderValue::from_static(host));
        }
        describe(&request).map(|facts| (facts.host.to_owned(), facts.port))
    }

    #[test]
    fn the_server_is_the_host_header_else_the_url() {
        let cases = [
            ("http://h/", None, Some(("h", 80))),
            ("https://h/", None, Some(("h", 443))),
            ("https://h:80/", None, Some(("h", 80))),
            ("http://[::1]:8080/", None, Some(("::1", 8080))),
            ("http://h:8080/", Some("shop.example"), Some(("shop.example", 80))),
            ("http://h:8080/", Some("shop.example:81"), Some(("shop.example", 81))),
            ("http://h:8080/", Some(""), Some(("h", 8080))),
            ("http://h:8080/", Some("[::1"), Some(("h", 8080))),
            ("ftp://h/", None, None),
            ("data:text/plain,hello", None, None),
        ];
        for (url, host, expected) in cases {
            let expected = expected.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(server(url, host), expected, "{url} {host:?}");
        }
    }
}

//! Describes and begins: the facts of a request, and the call they start.

use http::{Extensions, header::HOST};
use opentelemetry::Context;
use reqwest::Request;
use std::sync::Arc;
use tracewire_http::{Authority, ClientCall, ClientRequest, ClientSettings, Scheme};

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
    let call = ClientCall::start(settings, &Context::current(), facts, extensions)?;
    // Put back at once: the URL and the headers cannot be borrowed side by side.
    let mut headers = std::mem::take(request.headers_mut());
    call.inject(request.url().host_str().unwrap_or_default(), &mut headers);
    *request.headers_mut() = headers;
    Some(call)
}

fn describe(request: &Request) -> Option<ClientRequest<'_>> {
    let url = request.url();
    let scheme = Scheme::parse(url.scheme())?;
    let host = without_brackets(url.host_str()?);
    let port = url.port().unwrap_or_else(|| scheme.default_port());
    let mut facts = ClientRequest::new(request.method(), url.as_str(), scheme, host, port);
    let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    facts.asked_for = header.and_then(Authority::parse_host);
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

    fn server(url: &str, host: Option<&'static str>) -> Option<[Option<(String, u16)>; 2]> {
        let mut request = Request::new(Method::GET, url.parse().unwrap());
        if let Some(host) = host {
            request.headers_mut().insert(HOST, HeaderValue::from_static(host));
        }
        let facts = describe(&request)?;
        let asked_for =
            facts.asked_for.map(|asked| (asked.host.to_owned(), asked.port.unwrap_or(0)));
        Some([Some((facts.host.to_owned(), facts.port)), asked_for])
    }

    #[test]
    fn the_server_is_the_urls_and_beside_it_what_host_asks_for() {
        let cases = [
            ("http://h/", None, Some([Some(("h", 80)), None])),
            ("https://h/", None, Some([Some(("h", 443)), None])),
            ("https://h:80/", None, Some([Some(("h", 80)), None])),
            ("http://[::1]:8080/", None, Some([Some(("::1", 8080)), None])),
            (
                "http://h:8080/",
                Some("s.example"),
                Some([Some(("h", 8080)), Some(("s.example", 0))]),
            ),
            (
                "http://h:8080/",
                Some("s.example:81"),
                Some([Some(("h", 8080)), Some(("s.example", 81))]),
            ),
            ("http://h:8080/", Some(""), Some([Some(("h", 8080)), None])),
            ("http://h:8080/", Some("[::1"), Some([Some(("h", 8080)), None])),
            ("http://h:8080/", Some("bad host"), Some([Some(("h", 8080)), None])),
            ("ftp://h/", None, None),
            ("data:text/plain,hello", None, None),
        ];
        for (url, host, expected) in cases {
            let expected = expected
                .map(|both| both.map(|one| one.map(|(host, port)| (host.to_owned(), port))));
            assert_eq!(server(url, host), expected, "{url} {host:?}");
        }
    }
}

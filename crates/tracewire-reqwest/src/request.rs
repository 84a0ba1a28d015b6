//! Describes and begins: the facts of a request, and the call they start.

use http::Extensions;
use reqwest::Request;
use std::sync::Arc;
use tracewire_http::{
    ClientRequest, Scheme,
    wiring::{ClientCall, ClientSettings},
};
use tracewire_propagation::current;
use tracewire_text::host::without_brackets;

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
    call.inject(request.headers_mut());
    Some(call)
}

fn describe(request: &Request) -> Option<ClientRequest<'_>> {
    let url = request.url();
    let scheme = Scheme::parse(url.scheme())?;
    // A gateway passes on the `Host` that its own callers sent; the URL is the application's choice.
    let host = without_brackets(url.host_str()?);
    let port = url.port().unwrap_or_else(|| scheme.default_port());
    // The fragment is never sent, and may hold what a redirect put there: a token.
    let sent = match url.fragment() {
        None => url.as_str(),
        Some(_) => url.as_str().split('#').next().unwrap_or_default(),
    };
    let mut facts = ClientRequest::new(request.method(), sent, scheme, host, port);
    facts.headers = Some(request.headers());
    let body = request.body().and_then(reqwest::Body::as_bytes);
    facts.body_size = body.filter(|body| !body.is_empty()).map(|body| body.len() as u64);
    Some(facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Method, header::HOST};

    #[test]
    fn the_server_is_the_urls_whatever_the_host_header_says() {
        let cases = [
            ("http://h/", Some(("h", 80))),
            ("https://h/", Some(("h", 443))),
            ("https://h:80/", Some(("h", 80))),
            ("http://[::1]:8080/", Some(("::1", 8080))),
            ("http://ada:pw@H:8080/", Some(("h", 8080))),
            ("ftp://h/", None),
            ("data:text/plain,hello", None),
        ];
        for (url, expected) in cases {
            for host in [None, Some("shop.example"), Some("shop.example:81"), Some(""), Some("[")] {
                let mut request = Request::new(Method::GET, url.parse().unwrap());
                if let Some(host) = host {
                    request.headers_mut().insert(HOST, HeaderValue::from_static(host));
                }
                let server = describe(&request).map(|facts| (facts.host, facts.port));
                assert_eq!(server, expected, "{url} {host:?}");
            }
        }
    }

    #[test]
    fn a_fragment_is_no_part_of_what_is_asked_for() {
        let url = "http://h/a?x=1#access_token=SECRET";
        let request = Request::new(Method::GET, url.parse().unwrap());
        assert_eq!(describe(&request).map(|facts| facts.url), Some("http://h/a?x=1"));
    }
}

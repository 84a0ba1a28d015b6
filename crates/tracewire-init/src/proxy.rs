//! The way to a collector through an HTTP proxy: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
//! `NO_PROXY`, in either case.

use tracewire_export::wiring::is_loopback;
use tracewire_export::{NoProxy, Protocol, Proxy};
use url::Url;

use crate::env::{Env, Origin};

/// The proxy for `url`, if the environment names one that can be used.
///
/// Loopback addresses are never reached through a proxy.
pub(crate) fn choose(env: &Env, url: &Url) -> Option<Proxy> {
    let is_excluded = |(_, list): (String, String)| NoProxy::parse(&list).excludes(url);
    if is_loopback(url) || either(env, "NO_PROXY").is_some_and(is_excluded) {
        return None;
    }
    // A web server hands a client's `Proxy` header to its CGI programs as HTTP_PROXY.
    let is_cgi = env.text("REQUEST_METHOD").is_some();
    let special = match url.scheme() {
        "https" => either(env, "HTTPS_PROXY"),
        _ if is_cgi => env.text("http_proxy").map(|value| ("http_proxy".to_owned(), value)),
        _ => either(env, "HTTP_PROXY"),
    };
    let (variable, text) = special.or_else(|| either(env, "ALL_PROXY"))?;
    let proxy = Proxy::parse(&text);
    match &proxy {
        Some(_) => env.decide("proxy", "(not shown)", Origin::Variable(variable)),
        None => env.warn(format!(
            "{variable} is ignored (its value is not shown): it must be the URL of an HTTP proxy"
        )),
    }
    proxy
}

/// The same for a protocol: with gRPC the connection to a proxy is without TLS.
pub(crate) fn choose_for(env: &Env, url: &Url, protocol: Protocol) -> Option<Proxy> {
    let proxy = choose(env, url)?;
    if protocol != Protocol::Grpc || proxy.is_plain() {
        return Some(proxy);
    }
    env.warn(
        "the proxy is not used for gRPC (its URL is not shown): gRPC goes through proxies whose URL \
         begins with http:// alone"
            .to_owned(),
    );
    None
}

/// The variable in lower case, else in upper case.
fn either(env: &Env, name: &str) -> Option<(String, String)> {
    [name.to_ascii_lowercase(), name.to_owned()]
        .into_iter()
        .find_map(|name| env.text(&name).map(|value| (name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)], url: &str) -> (Option<String>, usize) {
        let env = Env::of(variables);
        let proxy = choose(&env, &Url::parse(url).unwrap());
        (proxy.map(|proxy| proxy.host().to_owned()), env.take_warnings().len())
    }

    #[test]
    fn the_scheme_chooses_the_variable() {
        let http = ("HTTP_PROXY", "http://plain:3128");
        let https = ("https_proxy", "secure:3128");
        let all = ("ALL_PROXY", "http://user:secret@any:1");
        for (variables, url, expected) in [
            (&[http, https, all][..], "http://collector", Some("plain")),
            (&[http, https, all], "https://collector", Some("secure")),
            (&[all], "http://collector", Some("any")),
            (&[http], "https://collector", None),
            (&[http, all], "http://localhost:4318", None),
            (&[http, all], "http://127.0.0.1:4318", None),
            (&[http, ("REQUEST_METHOD", "GET")], "http://collector", None),
            (&[http, ("no_proxy", "collector")], "http://collector", None),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(chosen(variables, url), (expected, 0), "{variables:?} {url}");
        }
    }

    #[test]
    fn what_is_no_http_proxy_is_warned_of_without_its_value() {
        for bad in ["socks5://user:secret@host:1", "http://", "r32/?//52:**secret"] {
            let env = Env::of(&[("ALL_PROXY", bad)]);
            assert!(choose(&env, &Url::parse("http://collector").unwrap()).is_none(), "{bad}");
            let warnings = env.take_warnings();
            assert_eq!(warnings.len(), 1, "{bad}");
            assert!(!warnings[0].contains("secret"), "{}", warnings[0]);
        }
    }
}

//! The way to a collector through an HTTP proxy: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
//! `NO_PROXY`, in either case.

use std::net::IpAddr;

use ipnet::IpNet;
use tracewire_text::host;
use ureq::Proxy;
use url::Url;

use crate::env::{Env, Origin};
use crate::http_client::is_loopback;

/// The proxy for `url`, if the environment names one that can be used.
///
/// Loopback addresses are never reached through a proxy.
pub(crate) fn choose(env: &Env, url: &Url) -> Option<Proxy> {
    let is_excluded = |(_, list): (String, String)| excludes(&list, url);
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
    let proxy = Proxy::new(text.trim()).ok().filter(|proxy| {
        let scheme = proxy.uri().scheme_str();
        scheme == Some("http") || scheme == Some("https") && cfg!(feature = "__rustls")
    });
    match &proxy {
        Some(_) => env.decide("proxy", "(not shown)", Origin::Variable(variable)),
        None => env.warn(format!(
            "{variable} is ignored (its value is not shown): it must be the URL of an HTTP proxy"
        )),
    }
    proxy
}

/// The same, for a client that speaks to a proxy without TLS.
#[cfg(feature = "otlp-grpc")]
pub(crate) fn choose_plain(env: &Env, url: &Url) -> Option<Proxy> {
    let proxy = choose(env, url)?;
    if proxy.uri().scheme_str() == Some("http") {
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

/// Whether a list of names, addresses and networks, each with or without a port, has the host of
/// `url`. A name covers those below it.
fn excludes(list: &str, url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host::without_brackets(host).trim_end_matches('.');
    let address = host.parse::<IpAddr>().ok();
    let entries = list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
    entries.map(with_port).any(|(entry, port)| {
        if port.is_some() && port != url.port_or_known_default() {
            return false;
        }
        if entry == "*" {
            return true;
        }
        match address {
            Some(address) => match entry.parse::<IpNet>() {
                Ok(network) => network.contains(&address),
                Err(_) => entry.parse() == Ok(address),
            },
            None => {
                let name = entry.trim_start_matches('*').trim_matches('.');
                !name.is_empty() && (host.eq_ignore_ascii_case(name) || host::is_below(host, name))
            }
        }
    })
}

/// An entry of the list, and the port for which alone it holds.
fn with_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((host, Some(port))) = host::split(entry)
        && let Some(port) = host::parse_port(port)
    {
        return (host, Some(port));
    }
    (host::without_brackets(entry), None)
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

    #[test]
    fn exceptions_are_names_addresses_and_networks() {
        for (list, host, expected) in [
            ("*", "collector", true),
            ("a, Collector.Example ,b", "collector.example", true),
            ("example", "collector.example", true),
            (".example", "collector.example", true),
            ("*.example", "collector.example", true),
            ("example.", "collector.example", true),
            ("collector.example", "collector.example.", true),
            ("a b", "b", true),
            ("lector.example", "collector.example", false),
            ("collector.example", "example", false),
            ("collector.example.org", "collector.example", false),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2", "10.1.2.3", false),
            ("2.3", "10.1.2.3", false),
            ("fd00::/8", "[fd00::1]", true),
            ("fd00::1", "[fd00::1]", true),
            ("[fd00::1]", "[fd00::1]", true),
            ("FD00:0::1", "[fd00::1]", true),
            ("fd00::2", "[fd00::1]", false),
            ("", "collector", false),
            (",", "collector", false),
            (".", "collector", false),
        ] {
            let url = Url::parse(&format!("http://{host}:4318")).unwrap();
            assert_eq!(excludes(list, &url), expected, "{list} {host}");
        }
    }

    #[test]
    fn an_exception_with_a_port_holds_for_that_port() {
        for (list, url, expected) in [
            ("collector:4318", "http://collector:4318/v1/traces", true),
            ("collector:4317", "http://collector:4318", false),
            ("example:4318", "http://collector.example:4318", true),
            (".example:4318", "http://collector.example:4318", true),
            ("*:4318", "http://collector:4318", true),
            ("*:4318", "http://collector:4317", false),
            ("collector:443", "https://collector", true),
            ("collector:80", "http://collector", true),
            ("10.1.2.3:4318", "http://10.1.2.3:4318", true),
            ("10.1.2.3:4318", "http://10.1.2.3:1", false),
            ("[fd00::1]:4318", "http://[fd00::1]:4318", true),
            ("[fd00::1]:4318", "http://[fd00::1]:1", false),
            ("collector:port", "http://collector:4318", false),
        ] {
            assert_eq!(excludes(list, &Url::parse(url).unwrap()), expected, "{list} {url}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_list_panics(list: String) {
            excludes(&list, &Url::parse("http://collector:4318").unwrap());
            excludes(&list, &Url::parse("http://[fd00::1]:4318").unwrap());
        }
    }
}

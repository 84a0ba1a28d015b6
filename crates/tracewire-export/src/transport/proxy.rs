//! The way to a collector through an HTTP proxy, by a tunnel (`CONNECT`).

use ipnet::IpNet;
use std::{fmt, net::IpAddr};
use tracewire_text::host;
use url::Url;

/// An HTTP proxy.
///
/// ```
/// use tracewire_export::{OtlpExporter, Proxy};
///
/// let mut otlp = OtlpExporter::new("https://otlp.example/v1/traces");
/// otlp.proxy = Proxy::parse("http://proxy.internal:3128");
/// assert!(otlp.proxy.is_some());
/// ```
#[derive(Clone)]
pub struct Proxy(ureq::Proxy);

impl Proxy {
    /// Reads the URL of an HTTP proxy, such as `http://user:password@proxy:3128`; `None` if it is
    /// none. `https` needs the cargo feature `tls` or `tls-ring`, and does not work with gRPC.
    pub fn parse(url: &str) -> Option<Self> {
        let proxy = ureq::Proxy::new(url.trim()).ok()?;
        let scheme = proxy.uri().scheme_str();
        let is_http =
            scheme == Some("http") || scheme == Some("https") && cfg!(feature = "__rustls");
        (is_http && !proxy.host().is_empty()).then_some(Self(proxy))
    }

    /// Whether the connection to the proxy itself is without TLS.
    pub fn is_plain(&self) -> bool {
        self.0.uri().scheme_str() == Some("http")
    }

    /// The proxy's host.
    pub fn host(&self) -> &str {
        self.0.host()
    }

    pub(crate) fn into_ureq(self) -> ureq::Proxy {
        self.0
    }
}

/// Without the URL, which may hold credentials.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").finish_non_exhaustive()
    }
}

/// The hosts that are reached without a proxy: names, addresses and networks, each with or without a
/// port, with commas or blanks between, or `*`. A name covers those below it.
///
/// ```
/// use tracewire_export::NoProxy;
/// use url::Url;
///
/// let direct = NoProxy::parse("localhost, .internal, 10.0.0.0/8, collector:4318");
/// assert!(direct.excludes(&Url::parse("http://otel.internal:4318").unwrap()));
/// assert!(!direct.excludes(&Url::parse("http://collector:4317").unwrap()));
/// ```
#[derive(Clone, Debug, Default)]
pub struct NoProxy(String);

impl NoProxy {
    /// Takes a list as the variable `NO_PROXY` has it. What is no entry excludes nothing.
    pub fn parse(list: &str) -> Self {
        Self(list.to_owned())
    }

    /// Whether the host of `url` is on the list.
    pub fn excludes(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let host = host::without_brackets(host).trim_end_matches('.');
        let address = host.parse::<IpAddr>().ok();
        let entries = self.0.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
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
                    !name.is_empty()
                        && (host.eq_ignore_ascii_case(name) || host::is_below(host, name))
                }
            }
        })
    }
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

/// Whether the host of `url` is this machine, which no proxy is asked for.
pub fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(host::is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_by_name_and_address() {
        for (url, expected) in [
            ("http://localhost:4318", true),
            ("http://127.0.0.1:4318", true),
            ("http://[::1]:4318", true),
            ("http://collector:4318", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn a_proxy_has_a_host() {
        for url in [":p", ":3128", "http://:3128", "http://ada:pw@", "http://ada@:3128", ""] {
            assert!(Proxy::parse(url).is_none(), "{url}");
        }
        assert_eq!(Proxy::parse("proxy:3128").unwrap().host(), "proxy");
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
            assert_eq!(NoProxy::parse(list).excludes(&url), expected, "{list} {host}");
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
            assert_eq!(
                NoProxy::parse(list).excludes(&Url::parse(url).unwrap()),
                expected,
                "{list} {url}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_list_panics(list: String) {
            NoProxy::parse(&list).excludes(&Url::parse("http://collector:4318").unwrap());
            NoProxy::parse(&list).excludes(&Url::parse("http://[fd00::1]:4318").unwrap());
        }
    }
}

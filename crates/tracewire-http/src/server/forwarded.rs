//! What proxies say of the request they forwarded, believed only from those that are trusted.

use crate::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use opentelemetry::otel_warn;
use std::{
    error::Error,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Once},
};

const FORWARDED: HeaderName = http::header::FORWARDED;
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whose `Forwarded` (RFC 7239) and `X-Forwarded-*` headers are believed.
///
/// Anybody can send these headers, so by default nobody's are. With proxies configured, the chain
/// of addresses is walked from the nearest one outwards, and the first address that is not a
/// trusted proxy's is the client. `Forwarded` goes before `X-Forwarded-*`.
///
/// The other end of the socket stays `network.peer.address` whatever the headers say.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Trusted);

#[derive(Clone, Debug, Default)]
enum Trusted {
    #[default]
    None,
    Networks(Arc<[IpNet]>),
    Hops(usize),
    All,
}

impl TrustedProxies {
    /// Believes nobody: the default.
    pub fn none() -> Self {
        Self(Trusted::None)
    }

    /// Believes proxies whose addresses lie in these networks, such as `10.0.0.0/8` or `::1`.
    ///
    /// # Errors
    ///
    /// Fails on a text that is neither an address nor a network in CIDR notation.
    ///
    /// ```
    /// use tracewire_http::TrustedProxies;
    ///
    /// let proxies = TrustedProxies::networks(["10.0.0.0/8", "fd00::/8"])?;
    /// assert!(TrustedProxies::networks(["10.0.0.0/99"]).is_err());
    /// # Ok::<(), tracewire_http::InvalidNetwork>(())
    /// ```
    pub fn networks<I, T>(networks: I) -> Result<Self, InvalidNetwork>
    where
        I: IntoIterator<Item = T>,
        T: AsRef<str>,
    {
        let networks: Result<Arc<[IpNet]>, _> =
            networks.into_iter().map(|network| parse_network(network.as_ref())).collect();
        Ok(Self(Trusted::Networks(networks?)))
    }

    /// Believes the nearest `count` proxies, wherever they are: for a fixed chain in front of a
    /// server that cannot be reached around it.
    pub fn hops(count: usize) -> Self {
        if count == 0 { Self::none() } else { Self(Trusted::Hops(count)) }
    }

    /// Believes everybody: for a server that only trusted proxies can reach.
    pub fn all() -> Self {
        Self(Trusted::All)
    }

    /// What the proxies between the client and `peer` say of the request.
    ///
    /// Where trust hangs on a peer that is not known, nobody is believed, and one warning says so.
    pub fn forwarded<'a>(&self, peer: Option<SocketAddr>, headers: &'a HeaderMap) -> Forwarded<'a> {
        if !self.believes_peer(peer) {
            return Forwarded::default();
        }
        let hops: Vec<_> = headers.get_all(FORWARDED).iter().flat_map(elements).collect();
        if let Some(client) = self.client_index(&hops) {
            let Hop { address, host, scheme } = hops[client];
            if address.is_some() || host.is_some() || scheme.is_some() {
                return Forwarded { client: address, host, scheme };
            }
        }
        self.x_forwarded(headers)
    }

    fn x_forwarded<'a>(&self, headers: &'a HeaderMap) -> Forwarded<'a> {
        let hops: Vec<_> = list(headers, X_FORWARDED_FOR)
            .map(|text| Hop { address: parse_address(text), ..Hop::default() })
            .collect();
        let client = self.client_index(&hops);
        // A list as long as the addresses' belongs to the same hops. Of any other one the entry of
        // the nearest proxy counts, or, where all are believed, the first.
        let beside = |name| {
            let entries: Vec<_> = list(headers, name).collect();
            match client {
                Some(client) if entries.len() == hops.len() => entries.get(client).copied(),
                _ if matches!(self.0, Trusted::All) => entries.first().copied(),
                _ => entries.last().copied(),
            }
        };
        Forwarded {
            client: client.and_then(|client| hops[client].address),
            host: beside(X_FORWARDED_HOST).filter(|host| Authority::parse(host).is_some()),
            scheme: beside(X_FORWARDED_PROTO).and_then(Scheme::parse),
        }
    }

    fn believes_peer(&self, peer: Option<SocketAddr>) -> bool {
        match &self.0 {
            Trusted::None => false,
            Trusted::All | Trusted::Hops(_) => true,
            Trusted::Networks(networks) => match peer {
                Some(peer) => contains(networks, peer.ip()),
                None => {
                    warn_of_unknown_peer();
                    false
                }
            },
        }
    }

    /// Which hop was added for the client: hops are listed from the client inwards.
    fn client_index(&self, hops: &[Hop<'_>]) -> Option<usize> {
        let last = hops.len().checked_sub(1)?;
        match &self.0 {
            Trusted::None => None,
            Trusted::All => Some(0),
            Trusted::Hops(count) => Some(hops.len().saturating_sub(*count)),
            Trusted::Networks(networks) => {
                let mut client = last;
                // Further out only past a proxy that is trusted itself.
                while client > 0
                    && hops[client].address.is_some_and(|address| contains(networks, address.ip))
                {
                    client -= 1;
                }
                Some(client)
            }
        }
    }
}

/// A text that is no network.
#[derive(Debug)]
pub struct InvalidNetwork {
    text: String,
}

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is neither an address nor a network such as \"10.0.0.0/8\" or \"fd00::/8\"",
            self.text
        )
    }
}

impl Error for InvalidNetwork {}

/// What trusted proxies said of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forwarded<'a> {
    /// The client behind all trusted proxies.
    pub client: Option<ClientAddress>,
    /// The host, and port if any, that the client asked for.
    pub host: Option<&'a str>,
    /// The scheme that the client used.
    pub scheme: Option<Scheme>,
}

/// The address of a client behind proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientAddress {
    /// The IP address.
    pub ip: IpAddr,
    /// The port, if the proxy told it.
    pub port: Option<u16>,
}

/// One proxy's account of whom it forwarded for.
#[derive(Clone, Copy, Debug, Default)]
struct Hop<'a> {
    address: Option<ClientAddress>,
    host: Option<&'a str>,
    scheme: Option<Scheme>,
}

#[cold]
fn warn_of_unknown_peer() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        otel_warn!(
            name: "TrustedProxies.UnknownPeer",
            message = "proxies are trusted by network, but the server does not tell who its peers \
                       are: no forwarded header is believed"
        );
    });
}

fn parse_network(text: &str) -> Result<IpNet, InvalidNetwork> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address)),
        Err(_) => text.parse().ok(),
    };
    network.ok_or_else(|| InvalidNetwork { text: text.to_owned() })
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// An address as proxies write it: bare, in brackets, with or without a port.
fn parse_address(text: &str) -> Option<ClientAddress> {
    let Authority { host, port } = Authority::parse(text)?;
    let ip: IpAddr = host.parse().ok()?;
    Some(ClientAddress { ip: ip.to_canonical(), port })
}

/// The entries of a comma-separated header, over all its lines.
fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
}

/// The elements of one `Forwarded` line. A malformed one is a hop of which nothing is known, so
/// that nothing beyond it is believed.
fn elements(value: &HeaderValue) -> impl Iterator<Item = Hop<'_>> {
    let text = value.to_str().unwrap_or_default();
    split_unquoted(text, ',').filter(|element| !element.trim().is_empty()).map(parse_element)
}

fn parse_element(element: &str) -> Hop<'_> {
    let mut hop = Hop::default();
    for pair in split_unquoted(element, ';') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let Some(value) = unquote(value.trim()) else { return Hop::default() };
        match name.trim() {
            name if name.eq_ignore_ascii_case("for") => hop.address = parse_address(value),
            name if name.eq_ignore_ascii_case("host") => {
                hop.host = Some(value).filter(|host| Authority::parse(host).is_some());
            }
            name if name.eq_ignore_ascii_case("proto") => hop.scheme = Scheme::parse(value),
            _ => {}
        }
    }
    hop
}

/// A token as it is, a quoted string without its quotes; none if the quotes do not match.
///
/// Escapes are left alone: nothing that is looked for contains any.
fn unquote(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"'),
        None if value.contains('"') => None,
        None => Some(value),
    }
}

/// Splits at `separator`, but not inside quotes.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        !quoted && c == separator
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn client(proxies: &TrustedProxies, lines: &[(&'static str, &str)]) -> Option<String> {
        let peer = "10.0.0.1:1".parse().ok();
        proxies.forwarded(peer, &headers(lines)).client.map(|client| client.ip.to_string())
    }

    #[test]
    fn for_is_read_by_the_grammar() {
        let nobody = [
            "",
            "for=",
            "for=;",
            "for=\"",
            "for=\"\"",
            "for=\"1.2.3.4",
            "for=\"[::1]",
            "for=[::1",
            "for=\"[::1\"",
            "for=\"[::1\"]",
            "by=1.2.3.4, test=abc",
            "for=unknown",
            "for=_hidden",
        ];
        for value in nobody {
            let lines = [("forwarded", value)];
            assert_eq!(client(&TrustedProxies::all(), &lines), None, "{value:?}");
        }
        let somebody = [
            ("for=[::1]", "::1"),
            ("For=[::1]", "::1"),
            ("for=\"[::1]:42\"", "::1"),
            ("for=[::1], for=1.2.3.4", "::1"),
            ("for=1.2.3.4:42", "1.2.3.4"),
            ("for=1.2.3.4, :42", "1.2.3.4"),
            ("for=1.2.3.4;proto=https;by=4.3.2.1", "1.2.3.4"),
            ("proto=https; for=\"1.2.3.4\"", "1.2.3.4"),
        ];
        for (value, expected) in somebody {
            let lines = [("forwarded", value)];
            assert_eq!(client(&TrustedProxies::all(), &lines).as_deref(), Some(expected));
        }
    }

    #[test]
    fn nobody_is_believed_by_default() {
        let lines = [("x-forwarded-for", "1.2.3.4"), ("forwarded", "for=1.2.3.4")];
        assert_eq!(client(&TrustedProxies::default(), &lines), None);
    }

    #[test]
    fn networks_are_walked_from_the_nearest_proxy_outwards() {
        let proxies = TrustedProxies::networks(["10.0.0.0/8"]).unwrap();
        for (chain, expected) in [
            ("1.2.3.4", Some("1.2.3.4")),
            ("6.6.6.6, 1.2.3.4, 10.0.0.2", Some("1.2.3.4")),
            ("10.9.9.9, 1.2.3.4", Some("1.2.3.4")),
            ("10.0.0.3, 10.0.0.2", Some("10.0.0.3")),
            ("1.2.3.4, junk", None),
        ] {
            let lines = [("x-forwarded-for", chain)];
            assert_eq!(client(&proxies, &lines).as_deref(), expected, "{chain:?}");
        }
    }

    #[test]
    fn strangers_are_not_believed() {
        let proxies = TrustedProxies::networks(["10.0.0.0/8"]).unwrap();
        let headers = headers(&[("x-forwarded-for", "1.2.3.4")]);
        for peer in ["192.0.2.1:1".parse().ok(), None] {
            assert_eq!(proxies.forwarded(peer, &headers), Forwarded::default());
        }
    }

    #[test]
    fn hops_count_from_the_nearest_proxy() {
        let chain = [("x-forwarded-for", "6.6.6.6, 1.2.3.4"), ("x-forwarded-for", "5.6.7.8")];
        for (hops, expected) in
            [(0, None), (1, Some("5.6.7.8")), (2, Some("1.2.3.4")), (9, Some("6.6.6.6"))]
        {
            assert_eq!(client(&TrustedProxies::hops(hops), &chain).as_deref(), expected);
        }
    }

    #[test]
    fn host_and_scheme_come_from_the_same_hop_as_the_client() {
        let proxies = TrustedProxies::hops(1);
        let from = |lines: &[(&'static str, &str)]| {
            let headers = headers(lines);
            let forwarded = proxies.forwarded(None, &headers);
            (forwarded.host.map(str::to_owned), forwarded.scheme)
        };
        assert_eq!(
            from(&[(
                "forwarded",
                "for=6.6.6.6;host=evil.example;proto=http, for=1.2.3.4;host=\"shop.example:8443\";proto=https"
            )]),
            (Some("shop.example:8443".into()), Some(Scheme::Https))
        );
        assert_eq!(
            from(&[
                ("x-forwarded-for", "6.6.6.6, 1.2.3.4"),
                ("x-forwarded-host", "evil.example, shop.example"),
                ("x-forwarded-proto", "https"),
            ]),
            (Some("shop.example".into()), Some(Scheme::Https))
        );
        assert_eq!(from(&[("x-forwarded-proto", "gopher")]), (None, None));
    }

    #[test]
    fn networks_that_are_none_are_named() {
        let error = TrustedProxies::networks(["10.0.0.0/99"]).unwrap_err();
        assert!(error.to_string().contains("10.0.0.0/99"));
    }

    proptest! {
        #[test]
        fn any_header_is_answered(forwarded in "[ -~]{0,80}", chain in "[ -~]{0,80}") {
            let headers = headers(&[("forwarded", &forwarded), ("x-forwarded-for", &chain)]);
            for proxies in [TrustedProxies::all(), TrustedProxies::hops(2),
                TrustedProxies::networks(["0.0.0.0/0", "::/0"]).unwrap()]
            {
                proxies.forwarded("10.0.0.1:1".parse().ok(), &headers);
            }
        }
    }
}

//! Which proxies are trusted, and what they say about the request they forwarded.

mod address_header;
mod entries;
mod forwarded;
mod node;
#[cfg(test)]
mod tests;
mod x_forwarded;

pub use self::node::ClientAddress;

use crate::values::Scheme;
use http::{HeaderMap, HeaderName};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use opentelemetry::otel_warn;
use std::{
    borrow::Cow,
    error::Error,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Once},
};

/// Decides whose forwarding headers are believed, and which ones.
///
/// Any client can send these headers, so by default none is read. With proxies configured, the
/// chain of addresses is walked from the nearest proxy outwards, and the first address that is not
/// a trusted proxy's is the client. An entry that cannot be read, or that hides its address
/// (`unknown`, `_name`), ends the walk: the client is then unknown, and `client.address` is the
/// socket's peer.
///
/// One family of headers is read, and never the other one: see [`ProxyHeaders`] for what your
/// proxies must write. At most the nearest 64 entries are read, each of at most 1,024 bytes; what
/// lies beyond is unknown.
///
/// Some proxies write the client's address into a header of its own, such as `CF-Connecting-IP`:
/// see [`client_address_header`](Self::client_address_header).
///
/// The socket's peer stays `network.peer.address` whatever the headers say.
///
/// ```
/// use tracewire_http::{ProxyHeaders, TrustedProxies};
///
/// // nginx on this machine, which overwrites all three headers.
/// let proxies = TrustedProxies::networks(["127.0.0.1", "::1"])?
///     .headers(ProxyHeaders::XForwarded { proto: true, host: true });
/// # let _ = proxies;
/// # Ok::<(), tracewire_http::InvalidNetwork>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TrustedProxies {
    trusted: Trusted,
    headers: ProxyHeaders,
    /// The header that has the client's address alone.
    address: Option<HeaderName>,
    port: bool,
}

#[derive(Clone, Debug, Default)]
enum Trusted {
    #[default]
    None,
    Networks(Arc<[IpNet]>),
    Hops(usize),
    All,
}

/// Names the headers that trusted proxies write. Default: `X-Forwarded-For` alone.
///
/// Name only what your proxies write in **every** request. A header that they leave alone arrives
/// as the client sent it, and nothing in it tells the difference.
///
/// ```
/// use tracewire_http::{ProxyHeaders, TrustedProxies};
///
/// // Two proxies stand in front, and both write `Forwarded`.
/// let proxies = TrustedProxies::hops(2).headers(ProxyHeaders::Forwarded);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyHeaders {
    /// Reads `Forwarded` (RFC 7239): address, host and scheme from one element.
    ///
    /// Each proxy must append an element of its own, or overwrite the header. It must escape or
    /// refuse quotes, commas and semicolons in a `host` that it copies from the request.
    Forwarded,
    /// Reads `X-Forwarded-For`, to which each proxy must append its peer's address, or which the
    /// outermost one overwrites.
    ///
    /// The other headers have no entry for each proxy, so of a list the last entry counts: the
    /// nearest proxy that writes the header wrote it.
    XForwarded {
        /// Whether to read the scheme from `X-Forwarded-Proto`. Every request must get one from
        /// your proxies.
        proto: bool,
        /// Whether to read host and port from `X-Forwarded-Host`. Every request must get one from
        /// your proxies.
        host: bool,
    },
}

impl Default for ProxyHeaders {
    fn default() -> Self {
        Self::XForwarded { proto: false, host: false }
    }
}

impl TrustedProxies {
    /// Trusts no proxy: the default.
    pub fn none() -> Self {
        Self::default()
    }

    /// Trusts proxies whose addresses lie in these networks, such as `10.0.0.0/8` or `::1`.
    ///
    /// List only addresses of proxies. A client inside these networks can claim to forward for
    /// any address.
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
        Ok(Self::new(Trusted::Networks(networks?)))
    }

    /// Trusts the nearest `count` proxies, whatever their addresses.
    ///
    /// Use it for a fixed chain in front of a server that cannot be reached around it. A list with
    /// fewer entries has not passed all of them, so its client is unknown.
    pub fn hops(count: usize) -> Self {
        if count == 0 { Self::none() } else { Self::new(Trusted::Hops(count)) }
    }

    /// Believes every entry of the chain, even those that the client wrote.
    ///
    /// # Risk
    ///
    /// The first entry counts, and the client wrote it unless your outermost proxy overwrites the
    /// header. Use it only where that proxy does, and where the server cannot be reached around it.
    pub fn all() -> Self {
        Self::new(Trusted::All)
    }

    /// Reads these headers instead of `X-Forwarded-For` alone.
    pub fn headers(self, headers: ProxyHeaders) -> Self {
        Self { headers, ..self }
    }

    /// Takes the client's address from this header, in place of the chain that
    /// [`headers`](Self::headers) names: `x-real-ip`, `cf-connecting-ip`, `true-client-ip`, or that of
    /// another product. Default: none.
    ///
    /// The header is read only if the peer is trusted, and must have one address on one line; otherwise
    /// the client is unknown. It has no entry for each proxy, so how many proxies there are does not
    /// count. Scheme and host are still read as `headers` says.
    ///
    /// # Risk
    ///
    /// Name it only if one of your proxies **overwrites** it in every request, and the servers behind
    /// that proxy cannot be reached around it. A proxy that leaves it alone passes on what the client
    /// wrote.
    ///
    /// ```
    /// use http::HeaderName;
    /// use tracewire_http::TrustedProxies;
    ///
    /// // Cloudflare in front of nginx, and the firewall of nginx lets nobody else in.
    /// let proxies = TrustedProxies::networks(["10.0.0.0/8"])?
    ///     .client_address_header(HeaderName::from_static("cf-connecting-ip"));
    /// # let _ = proxies;
    /// # Ok::<(), tracewire_http::InvalidNetwork>(())
    /// ```
    pub fn client_address_header(self, name: HeaderName) -> Self {
        Self { address: Some(name), ..self }
    }

    /// Sets whether to take `server.port` from `X-Forwarded-Port`. Default: no.
    ///
    /// Every request must get one from your proxies. Of a list the last entry counts: the nearest proxy
    /// that writes the header wrote it. It wins over the port of a host.
    pub fn forwarded_port(self, read: bool) -> Self {
        Self { port: read, ..self }
    }

    /// Finds out what the proxies between the client and `peer` say about the request.
    ///
    /// Where trust depends on a peer that is not known, nothing is believed, and one warning says
    /// so.
    pub fn forwarded<'a>(&self, peer: Option<SocketAddr>, headers: &'a HeaderMap) -> Forwarded<'a> {
        if !self.trusts_peer(peer) {
            return Forwarded::default();
        }
        let mut read = match self.headers {
            ProxyHeaders::Forwarded => forwarded::read(&self.trusted, headers),
            ProxyHeaders::XForwarded { proto, host } => {
                x_forwarded::read(&self.trusted, headers, proto, host)
            }
        };
        if let Some(name) = &self.address {
            read.client = address_header::read(headers, name);
        }
        if self.port {
            read.port = x_forwarded::port(&self.trusted, headers);
        }
        read
    }

    /// Whether it depends on the peer what is believed.
    pub(crate) fn depends_on_peer(&self) -> bool {
        matches!(self.trusted, Trusted::Networks(_))
    }

    fn new(trusted: Trusted) -> Self {
        Self { trusted, ..Self::default() }
    }

    fn trusts_peer(&self, peer: Option<SocketAddr>) -> bool {
        match &self.trusted {
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
}

impl Trusted {
    /// The hop that a trusted proxy wrote for the client.
    ///
    /// `nearest_first` gives the hops from the nearest proxy outwards, and none in place of one
    /// that cannot be read.
    fn client<'a>(
        &self,
        mut nearest_first: impl Iterator<Item = Option<Hop<'a>>>,
    ) -> Option<Hop<'a>> {
        match self {
            Self::None | Self::All => None,
            Self::Hops(count) => {
                for _ in 1..*count {
                    nearest_first.next()??.address?;
                }
                nearest_first.next()?
            }
            Self::Networks(networks) => {
                let mut client = nearest_first.next()??;
                // Further out only past a proxy that is trusted itself.
                while client.address.is_some_and(|address| contains(networks, address.ip)) {
                    match nearest_first.next() {
                        Some(hop) => client = hop?,
                        None => break,
                    }
                }
                Some(client)
            }
        }
    }
}

/// What trusted proxies said about a request.
///
/// ```
/// use http::HeaderMap;
/// use tracewire_http::TrustedProxies;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-forwarded-for", "203.0.113.7".parse().unwrap());
/// let proxies = TrustedProxies::networks(["127.0.0.1"])?;
/// let forwarded = proxies.forwarded(Some(([127, 0, 0, 1], 50_000).into()), &headers);
/// assert_eq!(forwarded.client.unwrap().ip.to_string(), "203.0.113.7");
/// # Ok::<(), tracewire_http::InvalidNetwork>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forwarded<'a> {
    /// The client behind all trusted proxies.
    pub client: Option<ClientAddress>,
    /// The host, and port if any, that the client asked for.
    pub host: Option<Cow<'a, str>>,
    /// The scheme that the client used.
    pub scheme: Option<Scheme>,
    /// The port that the client connected to.
    pub port: Option<u16>,
}

/// One proxy's account of whom it forwarded for.
#[derive(Clone, Debug, Default)]
struct Hop<'a> {
    address: Option<ClientAddress>,
    host: Option<Cow<'a, str>>,
    scheme: Option<Scheme>,
}

/// A text that is no network.
///
/// ```
/// use tracewire_http::TrustedProxies;
///
/// let error = TrustedProxies::networks(["10.0.0.0/99"]).unwrap_err();
/// assert!(error.to_string().contains("10.0.0.0/99"));
/// ```
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

#[cold]
fn warn_of_unknown_peer() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        otel_warn!(
            name: "TrustedProxies.UnknownPeer",
            message = "proxies are trusted by network, but the server does not say who its peers \
                       are: no forwarding header is believed"
        );
    });
}

fn parse_network(text: &str) -> Result<IpNet, InvalidNetwork> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address)),
        Err(_) => text.parse().ok(),
    };
    network.map(canonical).ok_or_else(|| InvalidNetwork { text: text.to_owned() })
}

/// A network of IPv4 addresses that were mapped into IPv6, as what it is: so are peers compared.
fn canonical(network: IpNet) -> IpNet {
    let mapped = |network: Ipv6Net| {
        let prefix = network.prefix_len().checked_sub(96)?;
        Ipv4Net::new(network.addr().to_ipv4_mapped()?, prefix).ok()
    };
    match network {
        IpNet::V6(v6) => mapped(v6).map_or(network, IpNet::V4),
        IpNet::V4(_) => network,
    }
}

/// The scheme in a header. Some proxies, such as Traefik, name a WebSocket's.
fn scheme(text: &str) -> Option<Scheme> {
    match Scheme::parse(text) {
        None if text.eq_ignore_ascii_case("ws") => Some(Scheme::Http),
        None if text.eq_ignore_ascii_case("wss") => Some(Scheme::Https),
        scheme => scheme,
    }
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

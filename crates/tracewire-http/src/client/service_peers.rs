//! Names of the services behind hosts.

use std::sync::Arc;
use tracewire_text::host::{Authority, split};

/// The variable that OpenTelemetry's Java agent reads too.
pub(super) const VARIABLE: &str = "OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_MAPPING";

/// The names of services by their hosts, for the attribute `service.peer.name` of client spans.
///
/// A peer is a host, in any case, or a host and a port. One with the port of a call goes before one
/// without. IPv6 addresses may stand in brackets, and need them before a port.
///
/// ```
/// use tracewire_http::ServicePeers;
///
/// let peers = ServicePeers::new([("stock.internal", "stock"), ("10.0.0.7:8443", "payments")]);
/// assert_eq!(peers.find("Stock.internal", 80), Some("stock"));
/// assert_eq!(peers.find("10.0.0.7", 8443), Some("payments"));
/// assert_eq!(peers.find("10.0.0.7", 443), None);
/// ```
///
/// A call costs about the same whether there are ten peers or thousands.
#[derive(Clone, Debug, Default)]
pub struct ServicePeers(Arc<[Peer]>); // sorted, so that one is found without looking at all

#[derive(Debug, PartialEq, Eq)]
struct Peer {
    /// In lower case.
    host: Box<str>,
    port: Option<u16>,
    name: Box<str>,
}

impl ServicePeers {
    /// Names these peers. Of one peer that is named twice the first counts; a peer that is no host, and
    /// one with an empty name, is left out.
    pub fn new<I, P, N>(peers: I) -> Self
    where
        I: IntoIterator<Item = (P, N)>,
        P: AsRef<str>,
        N: AsRef<str>,
    {
        let peers = peers.into_iter();
        Self::of(peers.filter_map(|(peer, name)| Peer::new(peer.as_ref(), name.as_ref())))
    }

    /// Reads a comma-separated list of `peer=name` pairs, as the environment variable
    /// `OTEL_INSTRUMENTATION_COMMON_PEER_SERVICE_MAPPING` holds it.
    ///
    /// What is no such pair is left out.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        Self::of_pairs(list.split(','))
    }

    /// Reads `peer=name` pairs.
    pub(crate) fn of_pairs<T: AsRef<str>>(pairs: impl IntoIterator<Item = T>) -> Self {
        let peer = |pair: T| {
            let (peer, name) = pair.as_ref().split_once('=')?;
            Peer::new(peer, name)
        };
        Self::of(pairs.into_iter().filter_map(peer))
    }

    fn of(peers: impl Iterator<Item = Peer>) -> Self {
        let mut peers: Vec<_> = peers.collect();
        // It keeps the order of those that are equal, so the first of them stays.
        peers.sort_by(|a, b| (&a.host, a.port).cmp(&(&b.host, b.port)));
        peers.dedup_by(|later, first| (&later.host, later.port) == (&first.host, first.port));
        Self(peers.into())
    }

    /// Reads the variable; unset means none.
    pub(super) fn from_env() -> Self {
        Self::parse(&std::env::var(VARIABLE).unwrap_or_default())
    }

    /// Returns the name of the service at `host`, without brackets, and `port`.
    #[must_use]
    pub fn find(&self, host: &str, port: u16) -> Option<&str> {
        let at = |port| {
            let order = |peer: &Peer| {
                let host = host.bytes().map(|byte| byte.to_ascii_lowercase());
                peer.host.bytes().cmp(host).then(peer.port.cmp(&port))
            };
            let found = self.0.binary_search_by(order).ok()?;
            Some(&*self.0[found].name)
        };
        at(Some(port)).or_else(|| at(None))
    }
}

impl Peer {
    fn new(peer: &str, name: &str) -> Option<Self> {
        let (peer, name) = (peer.trim(), name.trim());
        if name.is_empty() {
            return None;
        }
        let Authority { host, port } = Authority::parse_host(peer)?;
        let (_, port_text) = split(peer)?;
        // A port that is no number is a mistake, and not any port.
        (port.is_some() == port_text.is_some()).then(|| Self {
            host: host.to_ascii_lowercase().into(),
            port,
            name: name.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_peer_with_the_port_goes_before_one_without() {
        let peers = ServicePeers::parse(
            "db=any, db:5432=orders-db ,DB=never,[::1]:80=one,::2=two,,a=b=c,10.0.0.7=seven",
        );
        for (host, port, expected) in [
            ("db", 80, Some("any")),
            ("DB", 5432, Some("orders-db")),
            ("::1", 80, Some("one")),
            ("::1", 81, None),
            ("::2", 443, Some("two")),
            ("a", 80, Some("b=c")),
            ("10.0.0.7", 80, Some("seven")),
            ("db.internal", 80, None),
            ("", 80, None),
        ] {
            assert_eq!(peers.find(host, port), expected, "{host}:{port}");
        }
    }

    #[test]
    fn what_is_no_peer_is_left_out() {
        for pair in [
            "",
            "db",
            "db=",
            "=name",
            "db:x=name",
            "db:99999=name",
            "d b=name",
            "db/path=name",
            "u@db=name",
        ] {
            let peers = ServicePeers::parse(pair);
            assert!(peers.0.is_empty(), "{pair:?}: {peers:?}");
        }
    }

    #[test]
    fn of_thousands_of_peers_each_is_found() {
        let host = |number: u16| format!("Host-{}.internal", number % 5000);
        let peers = ServicePeers::new((0..20_000_u16).map(|number| {
            let port = if number < 10_000 { String::new() } else { format!(":{number}") };
            (format!("{}{port}", host(number)), format!("service-{number}"))
        }));
        assert_eq!(peers.0.len(), 15_000); // of the first half each host stands twice
        for number in 0..20_000 {
            let (found, any) = (peers.find(&host(number).to_uppercase(), number), number % 5000);
            let expected = if number < 10_000 { any } else { number };
            assert_eq!(found, Some(&*format!("service-{expected}")));
        }
        assert_eq!(peers.find("host-5000.internal", 80), None);
    }

    proptest! {
        #[test]
        fn the_first_of_equal_peers_counts(
            list in proptest::collection::vec(("[abAB]{1,2}", 0..3_u16, "[xyz]"), 0..12),
            host in "[abAB]{1,2}",
            port in 0..3_u16,
        ) {
            let pair = |(host, port, name): &(String, u16, String)| match port {
                0 => format!("{host}={name}"),
                port => format!("{host}:{port}={name}"),
            };
            let peers = ServicePeers::of_pairs(list.iter().map(pair));
            let first = |wanted: u16| {
                let is_it = |peer: &&(String, u16, String)| {
                    peer.0.eq_ignore_ascii_case(&host) && peer.1 == wanted
                };
                list.iter().find(is_it).map(|peer| &*peer.2)
            };
            let expected = Some(port).filter(|port| *port != 0).and_then(first).or_else(|| first(0));
            prop_assert_eq!(peers.find(&host, port), expected);
        }

        #[test]
        fn any_list_and_any_host_are_answered(list in "\\PC{0,60}", host in "\\PC{0,20}", port: u16) {
            let _ = ServicePeers::parse(&list).find(&host, port);
        }
    }
}

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
#[derive(Clone, Debug, Default)]
pub struct ServicePeers(Arc<[Peer]>);

#[derive(Debug)]
struct Peer {
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
        Self(peers.filter_map(|(peer, name)| Peer::new(peer.as_ref(), name.as_ref())).collect())
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
        Self(pairs.into_iter().filter_map(peer).collect())
    }

    /// Reads the variable; unset means none.
    pub(super) fn from_env() -> Self {
        Self::parse(&std::env::var(VARIABLE).unwrap_or_default())
    }

    /// Returns the name of the service at `host`, without brackets, and `port`.
    #[must_use]
    pub fn find(&self, host: &str, port: u16) -> Option<&str> {
        let at = |port| {
            let is_it = |peer: &&Peer| peer.port == port && peer.host.eq_ignore_ascii_case(host);
            self.0.iter().find(is_it).map(|peer| &*peer.name)
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
            host: host.into(),
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

    proptest! {
        #[test]
        fn any_list_and_any_host_are_answered(list in "\\PC{0,60}", host in "\\PC{0,20}", port: u16) {
            let _ = ServicePeers::parse(&list).find(&host, port);
        }
    }
}

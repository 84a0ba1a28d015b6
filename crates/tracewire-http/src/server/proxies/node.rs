//! An address as proxies write it.

use std::net::IpAddr;

/// The longest text that is read as an address, in bytes: an IPv6 address in brackets and a port,
/// with room to spare.
const LONGEST: usize = 64;

/// The address of a client behind proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientAddress {
    /// The IP address.
    pub ip: IpAddr,
    /// The port, if the proxy wrote one.
    pub port: Option<u16>,
}

/// Reads `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]` and `[2001:db8::1]:80`.
///
/// A port that is hidden or no number is left out.
pub(super) fn parse(text: &str) -> Option<ClientAddress> {
    if text.len() > LONGEST {
        return None;
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ClientAddress { ip: ip.to_canonical(), port: None });
    }
    let (ip, rest) = match text.strip_prefix('[') {
        Some(rest) => {
            let (ip, rest) = rest.split_once(']')?;
            (IpAddr::V6(ip.parse().ok()?), rest)
        }
        None => {
            let (ip, rest) = text.split_at(text.find(':')?);
            (IpAddr::V4(ip.parse().ok()?), rest)
        }
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => crate::authority::parse_port(port),
        None if rest.is_empty() => None,
        None => return None,
    };
    Some(ClientAddress { ip: ip.to_canonical(), port })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv6Addr, SocketAddr};

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        let cases = [
            ("1.2.3.4", Some(("1.2.3.4", None))),
            ("1.2.3.4:80", Some(("1.2.3.4", Some(80)))),
            ("1.2.3.4:_hidden", Some(("1.2.3.4", None))),
            ("1.2.3.4:65536", Some(("1.2.3.4", None))),
            ("1.2.3.4:", Some(("1.2.3.4", None))),
            ("2001:db8::1", Some(("2001:db8::1", None))),
            ("[2001:db8::1]", Some(("2001:db8::1", None))),
            ("[2001:db8::1]:80", Some(("2001:db8::1", Some(80)))),
            ("::ffff:1.2.3.4", Some(("1.2.3.4", None))),
            ("", None),
            ("unknown", None),
            ("_hidden", None),
            ("localhost", None),
            ("user@1.2.3.4", None),
            ("1.2.3", None),
            ("1.2.3.4.5", None),
            ("1.2.3.4 5.6.7.8", None),
            ("[1.2.3.4]", None),
            ("[::1", None),
            ("[::1]x", None),
            ("fe80::1%eth0", None),
        ];
        for (text, expected) in cases {
            let found = parse(text).map(|found| (found.ip.to_string(), found.port));
            let expected = expected.map(|(ip, port)| (ip.to_owned(), port));
            assert_eq!(found, expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_address_is_read_back(ip: IpAddr, port: u16) {
            let read = parse(&SocketAddr::new(ip, port).to_string());
            prop_assert_eq!(read, Some(ClientAddress { ip: ip.to_canonical(), port: Some(port) }));
            let read = parse(&ip.to_string());
            prop_assert_eq!(read, Some(ClientAddress { ip: ip.to_canonical(), port: None }));
        }

        #[test]
        fn bracketed_addresses_are_read_back(ip: Ipv6Addr) {
            let read = parse(&format!("[{ip}]")).map(|read| read.ip);
            prop_assert_eq!(read, Some(IpAddr::V6(ip).to_canonical()));
        }
    }
}

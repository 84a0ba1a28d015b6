//! An address as proxies write it.

use std::net::IpAddr;
use tracewire_text::host;

/// The longest text that is read as an address, in bytes: an IPv6 address in brackets and a port,
/// with room to spare.
const LONGEST: usize = 64;

/// The address of a client behind proxies.
///
/// ```
/// use tracewire_http::wiring::ClientAddress;
///
/// fn show(client: ClientAddress) -> String {
///     match client.port {
///         Some(port) => format!("{} from port {port}", client.ip),
///         None => client.ip.to_string(),
///     }
/// }
/// ```
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
    let (ip, port) = host::split(text)?;
    let ip: IpAddr = ip.parse().ok()?;
    Some(ClientAddress { ip: ip.to_canonical(), port: port.and_then(host::parse_port) })
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

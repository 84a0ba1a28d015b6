//! A set of hosts, told by name and address alone.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

/// The endings of names that only a private network resolves.
const PRIVATE_ENDINGS: [&str; 4] = [".internal", ".local", ".localhost", ".svc"];

/// A set of hosts that something may be sent to.
///
/// Membership is decided by what stands in the URL; no name is resolved.
///
/// ```
/// use tracewire_http::Hosts;
///
/// let hosts = Hosts::nearby().and(["api.partner.example", "*.shop.example"]);
/// assert!(hosts.contains("10.0.0.7"));
/// assert!(hosts.contains("inventory"));
/// assert!(hosts.contains("eu.shop.example"));
/// assert!(!hosts.contains("shop.example"));
/// ```
#[derive(Clone, Debug)]
pub struct Hosts {
    everywhere: bool,
    nearby: bool,
    listed: Arc<[Pattern]>,
}

impl Hosts {
    /// Every host.
    pub fn everywhere() -> Self {
        Self { everywhere: true, ..Self::none() }
    }

    /// Hosts that stand in one's own network.
    ///
    /// These are loopback and private addresses (127.0.0.0/8, ::1, RFC 1918 and fc00::/7), names
    /// of one label such as `localhost` and `inventory`, and names that end in `.internal`,
    /// `.local`, `.localhost` or `.svc`.
    pub fn nearby() -> Self {
        Self { nearby: true, ..Self::none() }
    }

    /// No host.
    pub fn none() -> Self {
        Self { everywhere: false, nearby: false, listed: Arc::default() }
    }

    /// These hosts too: `shop.example` is that name alone, `*.shop.example` every name below it.
    ///
    /// Names are compared without regard to case or to a dot at the end. An address is written as
    /// in a URL, with or without brackets.
    #[must_use]
    pub fn and<I, T>(mut self, hosts: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: AsRef<str>,
    {
        let more = hosts.into_iter().map(|host| Pattern::new(host.as_ref()));
        self.listed = self.listed.iter().cloned().chain(more).collect();
        self
    }

    /// Whether `host` is one of them.
    pub fn contains(&self, host: &str) -> bool {
        let host = bare(host);
        self.everywhere
            || (self.nearby && is_nearby(host))
            || self.listed.iter().any(|pattern| pattern.matches(host))
    }
}

#[derive(Clone, Debug)]
enum Pattern {
    Exactly(Box<str>),
    // With its leading dot.
    Below(Box<str>),
}

impl Pattern {
    fn new(text: &str) -> Self {
        match text.strip_prefix('*') {
            Some(suffix) if suffix.starts_with('.') => Self::Below(bare(suffix).into()),
            _ => Self::Exactly(bare(text).into()),
        }
    }

    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exactly(name) => name.eq_ignore_ascii_case(host),
            Self::Below(suffix) => ends_with(host, suffix),
        }
    }
}

/// `host` without brackets and without the dot that ends an absolute name.
fn bare(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Whether `host` is a name below `suffix`, which begins with a dot.
fn ends_with(host: &str, suffix: &str) -> bool {
    let (host, suffix) = (host.as_bytes(), suffix.as_bytes());
    host.len() > suffix.len() && host[host.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
}

fn is_nearby(host: &str) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return match address.to_canonical() {
            IpAddr::V4(address) => is_private_v4(address),
            IpAddr::V6(address) => is_private_v6(address),
        };
    }
    let one_label = !host.contains(['.', ':']) && !is_number(host);
    one_label || PRIVATE_ENDINGS.iter().any(|ending| ends_with(host, ending))
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_private()
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local()
}

/// Resolvers read `2130706433` and `0x7f000001` as addresses, so these are not names of one label.
fn is_number(host: &str) -> bool {
    let digits = host.strip_prefix("0x").or_else(|| host.strip_prefix("0X"));
    match digits {
        Some(digits) => digits.bytes().all(|octet| octet.is_ascii_hexdigit()),
        None => host.bytes().all(|octet| octet.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nearby_hosts_are_told_from_others() {
        let nearby = [
            "localhost",
            "inventory",
            "INVENTORY",
            "inventory.",
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "::1",
            "[::1]",
            "fd00::1",
            "[fd00::1]",
            "::ffff:10.0.0.1",
            "db.internal",
            "printer.local",
            "shop.prod.svc",
            "a.b.SVC.",
            "app.localhost",
            "shop.prod.svc.cluster.local",
        ];
        for host in nearby {
            assert!(Hosts::nearby().contains(host), "{host}");
        }
        let others = [
            "",
            ".",
            "example.com",
            "8.8.8.8",
            "172.32.0.1",
            "172.15.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "2001:db8::1",
            "[2001:db8::1]",
            "::ffff:8.8.8.8",
            "internal.com",
            "evilinternal.example",
            ".internal",
            "svc.example",
            "134744072",
            "0x08080808",
            "0x",
        ];
        for host in others {
            assert!(!Hosts::nearby().contains(host), "{host}");
        }
    }

    #[test]
    fn listed_hosts_are_exact_or_below_a_suffix() {
        let hosts = Hosts::none().and(["Api.Example", "*.shop.example."]).and(["[2001:db8::1]"]);
        for host in ["api.example", "API.EXAMPLE.", "a.shop.example", "b.a.shop.example"] {
            assert!(hosts.contains(host), "{host}");
        }
        assert!(hosts.contains("2001:db8::1"));
        for host in ["x.api.example", "shop.example", "evilshop.example", "localhost", ""] {
            assert!(!hosts.contains(host), "{host}");
        }
    }

    #[test]
    fn everywhere_is_everywhere_and_none_is_nowhere() {
        for host in ["localhost", "example.com", "8.8.8.8", ""] {
            assert!(Hosts::everywhere().contains(host));
            assert!(!Hosts::none().contains(host));
        }
    }

    proptest! {
        #[test]
        fn any_host_and_any_pattern_are_answered(host in "\\PC{0,40}", pattern in "\\PC{0,20}") {
            let exact = Hosts::none().and([&host]);
            prop_assert!(exact.contains(&host) || host.starts_with("*."));
            let _ = Hosts::nearby().and([pattern]).contains(&host);
        }

        #[test]
        fn public_addresses_are_never_nearby(address: u32) {
            let address = Ipv4Addr::from(address);
            prop_assume!(!address.is_private() && !address.is_loopback());
            prop_assert!(!Hosts::nearby().contains(&address.to_string()));
            prop_assert!(!Hosts::nearby().contains(&u32::from(address).to_string()));
        }
    }
}

//! A set of hosts, decided by name and address alone.

use std::sync::Arc;
use tracewire_text::host::{Pattern, is_internal};

/// A set of hosts that something may be sent to.
///
/// Membership is decided by what stands in the URL; no name is resolved.
///
/// ```
/// use tracewire_http::Hosts;
///
/// let hosts = Hosts::internal().and(["api.partner.example", "*.shop.example"]);
/// assert!(hosts.contains("10.0.0.7"));
/// assert!(hosts.contains("inventory"));
/// assert!(hosts.contains("eu.shop.example"));
/// assert!(!hosts.contains("shop.example"));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Hosts {
    everywhere: bool,
    internal: bool,
    listed: Arc<[Pattern]>,
}

impl Hosts {
    /// Every host.
    pub fn everywhere() -> Self {
        Self { everywhere: true, ..Self::none() }
    }

    /// Hosts that are in your own network beyond doubt.
    ///
    /// These are loopback and private addresses (127.0.0.0/8, ::1, RFC 1918 and fc00::/7), names
    /// of one label such as `localhost` and `inventory`, and names that end in `.internal`,
    /// `.local`, `.localhost` or `.svc`.
    ///
    /// Not among them are names of one label that can be hosts in the public DNS: the top-level
    /// domains of countries (`ai`), those in other scripts (`xn--p1ai`), and any with a dot behind
    /// it (`inventory.`), which asks the public DNS. Neither are addresses in other spellings
    /// (`0x7f.1`, `010.0.0.1`, `127.0.0.1.`), with a zone, or in the wrong brackets, nor names with
    /// an empty label, a percent sign or any other character that host names do not have.
    pub fn internal() -> Self {
        Self { internal: true, ..Self::none() }
    }

    /// No host.
    pub fn none() -> Self {
        Self { everywhere: false, internal: false, listed: Arc::default() }
    }

    /// These hosts too: `shop.example` is that name alone, `*.shop.example` every name below it.
    ///
    /// Names are compared without regard to case or to a dot at the end. An address is written as
    /// in a URL, with or without brackets.
    pub fn and<I, T>(mut self, hosts: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: AsRef<str>,
    {
        let more = hosts.into_iter().map(|host| Pattern::new(host.as_ref()));
        self.listed = self.listed.iter().cloned().chain(more).collect();
        self
    }

    /// Returns whether `host` is one of them.
    pub fn contains(&self, host: &str) -> bool {
        self.everywhere
            || (self.internal && is_internal(host))
            || self.listed.iter().any(|pattern| pattern.matches(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn internal_hosts_are_decided_by_name_and_address() {
        for host in ["localhost", "inventory", "10.1.2.3", "[fd00::1]", "shop.prod.svc"] {
            assert!(Hosts::internal().contains(host), "{host}");
        }
        for host in ["", "example.com", "8.8.8.8", "ai", "127.1", "a%2einternal"] {
            assert!(!Hosts::internal().contains(host), "{host}");
        }
    }

    #[test]
    fn listed_hosts_are_exact_or_below_a_suffix() {
        let hosts = Hosts::none().and(["Api.Example", "*.shop.example."]).and(["[2001:db8::1]"]);
        for host in ["api.example", "API.EXAMPLE.", "a.shop.example", "b.a.shop.example"] {
            assert!(hosts.contains(host), "{host}");
        }
        assert!(hosts.contains("2001:db8::1"));
        for host in [
            "x.api.example",
            "shop.example",
            "evilshop.example",
            "localhost",
            "",
            "2001:db8::1%25a.shop.example",
            "evil.example/.shop.example",
            "a..shop.example",
        ] {
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
            let _ = Hosts::internal().and([pattern]).contains(&host);
        }
    }
}

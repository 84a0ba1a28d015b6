//! A set of hosts, decided by name and address alone.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

/// The endings of names that only a private network resolves.
const PRIVATE_ENDINGS: [&str; 4] = [".internal", ".local", ".localhost", ".svc"];

/// The top-level domains of countries: some of them, such as `ai`, are hosts in the public DNS. The
/// other top-level domains may not be.
const COUNTRIES: &str = "\
    ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bv bw \
    by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu \
    fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il \
    im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma \
    mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om \
    pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so \
    sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg \
    vi vn vu wf ws ye yt za zm zw";

/// The longest name that DNS can hold, and the longest label in it, in bytes.
const NAME: usize = 253;
const LABEL: usize = 63;

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

    /// Hosts that stand in one's own network beyond doubt.
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

    /// Returns whether `host` is one of them.
    pub fn contains(&self, host: &str) -> bool {
        self.everywhere
            || (self.nearby && is_nearby(host))
            || self.listed.iter().any(|pattern| pattern.matches(bare(host)))
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
            Self::Below(suffix) => ends_with(host, suffix) && is_name(host),
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
    if let Some(address) = address(host) {
        return match address.to_canonical() {
            IpAddr::V4(address) => is_private_v4(address),
            IpAddr::V6(address) => is_private_v6(address),
        };
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if !is_name(name) {
        return false;
    }
    let is_absolute = name.len() < host.len();
    match name.contains('.') {
        true => PRIVATE_ENDINGS.iter().any(|ending| ends_with(name, ending)),
        false => name.eq_ignore_ascii_case("localhost") || !is_absolute && !is_public_label(name),
    }
}

/// The address that `host` is written as: IPv6 with or without brackets, IPv4 without.
fn address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => host.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_private()
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local()
}

/// Whether DNS can hold this name.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= NAME && name.split('.').all(is_label)
}

/// Whether a name of one label can stand for a host outside.
///
/// Resolvers read `2130706433` and `0x7f000001` as addresses.
fn is_public_label(name: &str) -> bool {
    let starts_with = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    name.starts_with(|first: char| first.is_ascii_digit()) && is_number(name)
        || starts_with("xn--")
        || is_country(name)
}

fn is_country(name: &str) -> bool {
    name.len() == 2
        && COUNTRIES
            .as_bytes()
            .chunks(3)
            .any(|country| country[..2].eq_ignore_ascii_case(name.as_bytes()))
}

fn is_number(name: &str) -> bool {
    match name.strip_prefix("0x").or_else(|| name.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => name.bytes().all(|byte| byte.is_ascii_digit()),
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
            "localhost.",
            "my_service-2",
            "db",
            "7zip",
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
            "ai",
            "AI",
            "ai.",
            "io",
            "xn--p1ai",
            "XN--P1AI",
            "\u{440}\u{444}",
            "inventory.",
            "internal.",
            "[2001:db8::1%25a.internal]",
            "2001:db8::1%25a.internal",
            "2001:db8::1%a.internal",
            "[fd00::1%25eth0]",
            "[::1",
            "::1]",
            "[[::1]]",
            "[10.0.0.1]",
            "[inventory]",
            "127.1",
            "0x7f.1",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "010.0.0.1",
            "127.0.0.1.",
            "127.0.0.1:80",
            "inventory:80",
            "ada@inventory",
            "a..internal",
            "..internal",
            "a.internal..",
            "inventory..",
            "%61i",
            "a%2einternal",
            "example.com%2f.internal",
            "example.com/.internal",
            "example.com#.local",
            "example.com\\.local",
            " inventory",
            "in ventory",
            "::10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::",
        ];
        for host in others {
            assert!(!Hosts::nearby().contains(host), "{host}");
        }
        let long = format!("{}.internal", "a".repeat(LABEL + 1));
        assert!(!Hosts::nearby().contains(&long));
        let long = format!("{}internal", "a.".repeat(NAME / 2));
        assert!(!Hosts::nearby().contains(&long));
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
            let _ = Hosts::nearby().and([pattern]).contains(&host);
        }

        #[test]
        fn public_addresses_are_never_nearby(address: u32) {
            let address = Ipv4Addr::from(address);
            prop_assume!(!address.is_private() && !address.is_loopback());
            prop_assert!(!Hosts::nearby().contains(&address.to_string()));
            prop_assert!(!Hosts::nearby().contains(&u32::from(address).to_string()));
            let (mapped, bracketed) = (format!("::ffff:{address}"), format!("[::ffff:{address}]"));
            prop_assert!(!Hosts::nearby().contains(&mapped));
            prop_assert!(!Hosts::nearby().contains(&bracketed));
        }

        #[test]
        fn a_host_nearby_is_a_private_address_or_a_name_that_dns_can_hold(
            host in "[a-z0-9.:%\\[\\]x@/-]{1,12}(\\.internal|\\.svc|\\.local)?\\.?\\]?",
        ) {
            if Hosts::nearby().contains(&host) {
                let name = host.strip_suffix('.').unwrap_or(&host);
                prop_assert!(address(&host).is_some() || is_name(name), "{}", host);
            }
        }

        #[test]
        fn public_ipv6_addresses_are_never_nearby(address: u128) {
            let address = Ipv6Addr::from(address);
            prop_assume!(!is_private_v6(address) && address.to_ipv4_mapped().is_none());
            for zone in ["", "%25a.internal", "%eth0"] {
                let host = format!("[{address}{zone}]");
                prop_assert!(!Hosts::nearby().contains(&host));
            }
        }
    }
}

//! Which hosts can stand nowhere but in one's own network, by name and address alone.

use super::{LONGEST_NAME, authority::bracketed, is_below};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The domains whose names only a private network resolves.
const PRIVATE_DOMAINS: [&str; 4] = ["internal", "local", "localhost", "svc"];

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

/// The longest label of a name that DNS can hold, in bytes.
const LABEL: usize = 63;

/// Returns whether `host` stands in one's own network beyond doubt. No name is resolved.
///
/// These are loopback and private addresses (127.0.0.0/8, ::1, RFC 1918 and fc00::/7), names of one
/// label such as `localhost` and `inventory`, and names that end in `.internal`, `.local`,
/// `.localhost` or `.svc`.
///
/// Not among them are names of one label that can be hosts in the public DNS: the top-level domains
/// of countries (`ai`), those in other scripts (`xn--p1ai`), and any with a dot behind it
/// (`inventory.`), which asks the public DNS. Neither are addresses in other spellings (`0x7f.1`,
/// `010.0.0.1`, `127.0.0.1.`), with a zone, or in the wrong brackets, nor names with an empty label,
/// a percent sign or any other character that host names do not have.
///
/// ```
/// use tracewire_text::host::is_internal;
///
/// assert!(is_internal("inventory") && is_internal("10.0.0.7"));
/// assert!(!is_internal("shop.example") && !is_internal("8.8.8.8"));
/// ```
pub fn is_internal(host: &str) -> bool {
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
        true => PRIVATE_DOMAINS.iter().any(|domain| is_below(name, domain)),
        false => name.eq_ignore_ascii_case("localhost") || !is_absolute && !is_public_label(name),
    }
}

/// The address that `host` is written as: IPv6 with or without brackets, IPv4 without.
fn address(host: &str) -> Option<IpAddr> {
    // Most hosts are names, which need not be tried.
    let looks_like_one = host.starts_with(|first: char| first.is_ascii_digit() || first == '[')
        || host.as_bytes().contains(&b':');
    if !looks_like_one {
        return None;
    }
    match bracketed(host) {
        Some(host) => host.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

/// Returns whether `host` is `localhost` or a loopback address.
///
/// ```
/// use tracewire_text::host::is_loopback;
///
/// assert!(is_loopback("localhost") && is_loopback("127.0.0.1") && is_loopback("[::1]"));
/// assert!(!is_loopback("localhost.example"));
/// ```
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || address(host).is_some_and(|address| address.to_canonical().is_loopback())
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_private()
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local()
}

/// Whether DNS can hold this name.
pub(super) fn is_name(name: &str) -> bool {
    if name.len() > LONGEST_NAME {
        return false;
    }
    let mut label = 0;
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' if label < LABEL => label += 1,
            b'.' if label > 0 => label = 0,
            _ => return false,
        }
    }
    label > 0
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
    fn internal_hosts_are_told_from_others() {
        let internal = [
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
        for host in internal {
            assert!(is_internal(host), "{host}");
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
            assert!(!is_internal(host), "{host}");
        }
        let long = format!("{}.internal", "a".repeat(LABEL + 1));
        assert!(!is_internal(&long));
        let long = format!("{}internal", "a.".repeat(LONGEST_NAME / 2));
        assert!(!is_internal(&long));
    }

    #[test]
    fn loopback_is_localhost_and_its_addresses() {
        for host in [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "localhost.", "a.localhost", "[127.0.0.1]", "[::1", "10.0.0.1", "0.0.0.0", "::"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }

    proptest! {
        #[test]
        fn what_is_loopback_is_internal(host in "\\PC{0,24}") {
            prop_assert!(!is_loopback(&host) || is_internal(&host));
        }

        #[test]
        fn public_addresses_are_never_internal(address: u32) {
            let address = Ipv4Addr::from(address);
            prop_assume!(!address.is_private() && !address.is_loopback());
            prop_assert!(!is_internal(&address.to_string()));
            prop_assert!(!is_internal(&u32::from(address).to_string()));
            let (mapped, bracketed) = (format!("::ffff:{address}"), format!("[::ffff:{address}]"));
            prop_assert!(!is_internal(&mapped));
            prop_assert!(!is_internal(&bracketed));
        }

        #[test]
        fn an_internal_host_is_a_private_address_or_a_name_that_dns_can_hold(
            host in "[a-z0-9.:%\\[\\]x@/-]{1,12}(\\.internal|\\.svc|\\.local)?\\.?\\]?",
        ) {
            if is_internal(&host) {
                let name = host.strip_suffix('.').unwrap_or(&host);
                prop_assert!(address(&host).is_some() || is_name(name), "{}", host);
            }
        }

        #[test]
        fn public_ipv6_addresses_are_never_internal(address: u128) {
            let address = Ipv6Addr::from(address);
            prop_assume!(!is_private_v6(address) && address.to_ipv4_mapped().is_none());
            for zone in ["", "%25a.internal", "%eth0"] {
                let host = format!("[{address}{zone}]");
                prop_assert!(!is_internal(&host));
            }
        }
    }
}

#![no_main]
//! Only private addresses, and names that DNS can hold, are internal, and every reading of a host and
//! a port is the same.

use libfuzzer_sys::fuzz_target;
use std::net::{IpAddr, Ipv6Addr};
use tracewire_text::host::{Authority, is_internal, is_loopback, parse_port, split};

fuzz_target!(|host: &str| {
    if let Some(authority) = Authority::parse_host(host) {
        assert!(authority.host.bytes().all(|byte| byte.is_ascii_graphic()));
        let (split, port) = split(host).expect("it is read");
        assert_eq!((split, port.and_then(parse_port)), (authority.host, authority.port));
    }
    assert!(!is_loopback(host) || is_internal(host));
    if !is_internal(host) {
        return;
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let address = match bare {
        Some(host) => Some(IpAddr::V6(host.parse::<Ipv6Addr>().expect("an address in brackets"))),
        None => host.parse().ok(),
    };
    match address.map(|address: IpAddr| address.to_canonical()) {
        Some(IpAddr::V4(address)) => assert!(address.is_private() || address.is_loopback()),
        Some(IpAddr::V6(address)) => assert!(address.is_unique_local() || address.is_loopback()),
        None => {
            let name = host.strip_suffix('.').unwrap_or(host);
            assert!(name.len() <= 253 && name.split('.').all(|label| !label.is_empty()));
            assert!(
                name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            );
            let last = name.rsplit('.').next().expect("a label").to_ascii_lowercase();
            let one = last.len() == name.len();
            assert!(one || ["internal", "local", "localhost", "svc"].contains(&&*last));
        }
    }
});

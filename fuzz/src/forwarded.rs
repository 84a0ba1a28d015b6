//! What must hold of every client behind trusted proxies.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tracewire_http::{ProxyHeaders, Scheme, TrustedProxies};

const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 1);
const X_FORWARDED: ProxyHeaders = ProxyHeaders::XForwarded { proto: true, host: true };

/// Lets proxies append to the headers that a client has sent, in two ways and both families: what
/// they wrote comes out, whatever stands before it.
pub fn never_believed(sent: &HeaderMap) {
    for joined in [false, true] {
        let mut headers = sent.clone();
        append(&mut headers, "x-forwarded-for", "203.0.113.9", joined);
        append(&mut headers, "x-forwarded-host", "shop.example", joined);
        append(&mut headers, "x-forwarded-proto", "http", joined);
        append(&mut headers, "x-forwarded-port", "443", joined);
        headers.insert("x-real-ip", HeaderValue::from_static("203.0.113.9"));
        append(&mut headers, "forwarded", "for=203.0.113.9;host=shop.example;proto=http", joined);
        for family in [X_FORWARDED, ProxyHeaders::Forwarded] {
            let networks = TrustedProxies::networks(["10.0.0.0/8"]).expect("it is a network");
            for proxies in [networks, TrustedProxies::hops(1)] {
                let proxies = proxies.headers(family).forwarded_port(true);
                let by_header =
                    proxies.clone().client_address_header(HeaderName::from_static("x-real-ip"));
                let found = by_header.forwarded(Some(PEER), &headers);
                assert_eq!(found.client, proxies.forwarded(Some(PEER), &headers).client);
                assert_eq!(found.port, Some(443));
                let ip = found.client.map(|client| client.ip.to_string());
                assert_eq!(ip.as_deref(), Some("203.0.113.9"));
                assert_eq!(found.host.as_deref(), Some("shop.example"));
                assert_eq!(found.scheme, Some(Scheme::Http));
            }
            for proxies in [TrustedProxies::hops(3), TrustedProxies::all()] {
                let _ = proxies.headers(family).forwarded(Some(PEER), &headers);
            }
        }
    }
}

/// Appends as a proxy does: on a line of its own, or behind all lines that came, as one.
fn append(headers: &mut HeaderMap, name: &'static str, own: &str, joined: bool) {
    let own = HeaderValue::from_str(own).expect("it is plain text");
    if !joined {
        headers.append(name, own);
        return;
    }
    let mut lines: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    lines.push(own.as_bytes());
    let line = HeaderValue::from_bytes(&lines.join(&b", "[..])).expect("its parts are values");
    headers.insert(name, line);
}

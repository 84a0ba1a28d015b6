//! What must hold of every request to the live page.

use crate::propagation::headers;
use http::{HeaderMap, Method, Request, header};
use std::{
    net::IpAddr,
    pin::pin,
    task::{Context, Poll, Waker},
};
use tower_service::Service;
use tracewire_live::{Live, LivePage, PeerAddress};

const TOKEN: &str = "M4RKED-0123456789";
const HEADERS: [&str; 12] = [
    "host",
    "host",
    "authorization",
    "cookie",
    "origin",
    "sec-fetch-site",
    "forwarded",
    "x-forwarded-for",
    "x-real-ip",
    "via",
    "last-event-id",
    "accept",
];
const METHODS: [Method; 4] = [Method::GET, Method::GET, Method::HEAD, Method::POST];
const PROXIES: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// Asks pages with and without a token, from here and from elsewhere: the first byte is the method, the
/// first line the address, and the others are headers. Nobody knows the token.
pub fn ask(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else { return };
    if data.windows(6).any(|part| part == &TOKEN.as_bytes()[..6]) {
        return;
    }
    let end = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let sent = Sent {
        method: METHODS[usize::from(choice) % METHODS.len()].clone(),
        uri: match http::Uri::try_from(&data[..end]) {
            Ok(uri) => uri,
            Err(_) => return,
        },
        headers: headers(&HEADERS, &data[end..]),
    };
    let recorder = Live::new().memory_mib(4).build();
    let with_token = |page: LivePage| page.token(TOKEN).expect("it is long enough");
    let mounted = recorder.page().mounted_at("/live");
    let own = recorder.own_page();
    for (page, has_token, is_mounted) in [
        (mounted.clone(), false, true),
        (with_token(mounted), true, true),
        (own.clone(), false, false),
        (with_token(own), true, false),
    ] {
        for peer in [Some([127, 0, 0, 1]), Some([203, 0, 113, 9]), None] {
            let (status, reply) = sent.to(page.clone(), peer, None);
            let is_by_proxy = PROXIES.iter().any(|name| sent.headers.contains_key(*name));
            let is_here = peer == Some([127, 0, 0, 1]) && !is_by_proxy;
            let may_read = is_here && (is_mounted || !has_token) && sent.names_this_host();
            assert!(may_read || status >= 400, "{status} {peer:?} {sent:?}");
            assert!(!is_mounted || may_read || status == 404, "{status} {sent:?}");
            secure(&reply);
            // With the token it is the same for all.
            let (status, reply) = sent.to(page.clone(), peer, Some(TOKEN));
            let is_let_in = has_token && sent.plainly_names_this_host() && sent.has_no_origin();
            let is_refused = [401, 403, 421].contains(&status);
            assert!(!is_let_in || !is_refused, "{status} {sent:?}");
            secure(&reply);
        }
    }
}

#[derive(Debug)]
struct Sent {
    method: Method,
    uri: http::Uri,
    headers: HeaderMap,
}

impl Sent {
    fn to(
        &self,
        mut page: LivePage,
        peer: Option<[u8; 4]>,
        token: Option<&str>,
    ) -> (u16, HeaderMap) {
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().expect("it is text");
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        if let Some(peer) = peer {
            request.extensions_mut().insert(PeerAddress((peer, 1).into()));
        }
        let answer = pin!(page.call(request));
        let Poll::Ready(Ok(answer)) = answer.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("it answers at once");
        };
        (answer.status().as_u16(), answer.headers().clone())
    }

    /// The one authority that the request names.
    fn authority(&self) -> Option<&str> {
        let named = self.headers.get_all("host").iter().map(|host| host.to_str().ok());
        let addressed = self.uri.authority().map(|all| Some(all.as_str()));
        let mut all: Vec<_> = named.collect();
        if all.len() < 2 {
            all.extend(addressed);
            all.dedup();
        }
        if let [only] = all[..] { only } else { None }
    }

    /// Whether the request is for this host: a page elsewhere whose name leads here cannot say so.
    fn names_this_host(&self) -> bool {
        let Some(authority) = self.authority() else { return false };
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next(),
            None => authority.split(':').next(),
        };
        let host = host.unwrap_or_default().to_ascii_lowercase();
        let address = host.parse::<IpAddr>();
        host == "localhost"
            || host.ends_with(".localhost")
            || address.is_ok_and(|address| address.to_canonical().is_loopback())
    }

    fn plainly_names_this_host(&self) -> bool {
        let authority = self.authority().unwrap_or_default();
        let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
        ["localhost", "127.0.0.1"].contains(&host)
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok()
    }

    fn has_no_origin(&self) -> bool {
        !self.headers.contains_key("origin") && !self.headers.contains_key("sec-fetch-site")
    }
}

/// What every answer says, and never does.
fn secure(reply: &HeaderMap) {
    assert_eq!(
        reply.get("x-content-type-options").map(|value| value.as_bytes()),
        Some(&b"nosniff"[..])
    );
    assert!(reply.contains_key("content-security-policy"), "{reply:?}");
    for (name, value) in reply {
        let shows_token = String::from_utf8_lossy(value.as_bytes()).contains(TOKEN);
        assert!(!shows_token, "{name}");
    }
}

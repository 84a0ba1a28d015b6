//! `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-Port`, which no standard
//! describes.

use super::{
    Forwarded, Hop, Trusted,
    entries::{Entries, first},
    node, scheme,
};
use http::{HeaderMap, HeaderName};
use std::borrow::Cow;
use tracewire_text::host::{self, Authority};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

/// The client by `X-Forwarded-For`, and what the nearest proxy that writes them says in the other
/// headers, as far as they are asked for.
pub(super) fn read<'a>(
    trusted: &Trusted,
    headers: &'a HeaderMap,
    proto: bool,
    host: bool,
) -> Forwarded<'a> {
    let client = match trusted {
        Trusted::All => first(headers, FOR, entry),
        _ => trusted.client(Entries::new(headers, FOR, entry)),
    };
    let beside = |name| beside(trusted, headers, name);
    let named = |host: &&str| Authority::parse_host(host).is_some();
    Forwarded {
        port: None,
        client: client.and_then(|client| client.address),
        host: if host { beside(HOST).filter(named).map(Cow::Borrowed) } else { None },
        scheme: if proto { beside(PROTO).and_then(scheme) } else { None },
    }
}

/// The port in `X-Forwarded-Port`.
pub(super) fn port(trusted: &Trusted, headers: &HeaderMap) -> Option<u16> {
    beside(trusted, headers, PORT).and_then(host::parse_port).filter(|port| *port != 0)
}

/// What the nearest proxy that writes this header says in it.
fn beside<'a>(trusted: &Trusted, headers: &'a HeaderMap, name: HeaderName) -> Option<&'a str> {
    match trusted {
        Trusted::All => first(headers, name, text),
        _ => Entries::new(headers, name, text).next().flatten(),
    }
}

/// Every entry is a hop; of one that is no address, nothing is known.
fn entry(bytes: &[u8]) -> Option<Hop<'_>> {
    Some(Hop { address: text(bytes).and_then(node::parse), ..Hop::default() })
}

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

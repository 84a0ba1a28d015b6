//! `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`, which no standard describes.

use super::{
    Forwarded, Hop, Trusted,
    entries::{Entries, first},
    node, scheme,
};
use http::{HeaderMap, HeaderName};
use std::borrow::Cow;
use tracewire_text::host::Authority;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

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
    let beside = |name| match trusted {
        Trusted::All => first(headers, name, text),
        _ => Entries::new(headers, name, text).next().flatten(),
    };
    let named = |host: &&str| Authority::parse_host(host).is_some();
    Forwarded {
        client: client.and_then(|client| client.address),
        host: if host { beside(HOST).filter(named).map(Cow::Borrowed) } else { None },
        scheme: if proto { beside(PROTO).and_then(scheme) } else { None },
    }
}

/// Every entry is a hop; of one that is no address, nothing is known.
fn entry(bytes: &[u8]) -> Option<Hop<'_>> {
    Some(Hop { address: text(bytes).and_then(node::parse), ..Hop::default() })
}

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

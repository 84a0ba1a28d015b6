//! Texts that come again with nearly every request: routes, hosts, addresses, user agents, and often
//! paths.
//!
//! Each thread keeps those it saw last, so that an attribute's value is a counted reference and not
//! a copy. What callers vary only costs the copy that it would have cost anyway: a slot is
//! overwritten, nothing grows.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::HashSet,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    thread::LocalKey,
};
use tracewire_text::host;

/// How many texts a thread keeps; a power of two.
pub(super) const SLOTS: usize = 64;
/// Longer texts are not kept, in bytes: a thread holds 16 KiB of each kind at most.
pub(super) const LONGEST: usize = 256;
/// How many span names a process keeps for its whole life: 256 KiB at most.
const MOST_NAMES: usize = 1_024;

pub(super) type Slots<T> = RefCell<[Option<T>; SLOTS]>;

struct Address {
    ip: IpAddr,
    text: Arc<str>,
}

struct Authority {
    written: Box<[u8]>,
    host: Arc<str>,
    port: Option<u16>,
}

thread_local! {
    static TEXTS: Slots<Arc<str>> = const { RefCell::new([const { None }; SLOTS]) };
    // Apart, because nobody bounds how many there are.
    static PATHS: Slots<Arc<str>> = const { RefCell::new([const { None }; SLOTS]) };
    static URLS: Slots<Arc<str>> = const { RefCell::new([const { None }; SLOTS]) };
    static AUTHORITIES: Slots<Authority> = const { RefCell::new([const { None }; SLOTS]) };
    static NAMES: Slots<&'static str> = const { RefCell::new([const { None }; SLOTS]) };
    static ADDRESSES: Slots<Address> = const { RefCell::new([const { None }; SLOTS]) };
}

/// The same text, shared with earlier callers if this thread still knows it.
pub(crate) fn text(text: &str) -> Arc<str> {
    among(&TEXTS, text)
}

/// The same for the path of a request of which nothing is redacted by default.
pub(crate) fn shown_path(path: &str) -> Arc<str> {
    among(&PATHS, path)
}

/// The path that was [shown](shown_path) as it is, if this thread still knows it.
pub(crate) fn path(path: &str) -> Option<Arc<str>> {
    known_among(&PATHS, path.as_bytes())
}

fn among(texts: &'static LocalKey<Slots<Arc<str>>>, text: &str) -> Arc<str> {
    if text.len() > LONGEST {
        return text.into();
    }
    let shared = texts.try_with(|texts| {
        let slot = &mut texts.borrow_mut()[slot(digest(text))];
        match slot {
            Some(known) if **known == *text => known.clone(),
            _ => slot.insert(text.into()).clone(),
        }
    });
    shared.unwrap_or_else(|_| text.into()) // the thread is ending
}

/// The same for a URL of which nothing is redacted by default.
pub(crate) fn shown_url(url: &str) -> Arc<str> {
    among(&URLS, url)
}

/// The URL that was [shown](shown_url) as it is, if this thread still knows it.
pub(crate) fn url(url: &str) -> Option<Arc<str>> {
    known_among(&URLS, url.as_bytes())
}

/// The text that was kept of these bytes, if this thread still knows it: then it need not be read
/// again.
pub(crate) fn known(bytes: &[u8]) -> Option<Arc<str>> {
    known_among(&TEXTS, bytes)
}

fn known_among(texts: &'static LocalKey<Slots<Arc<str>>>, bytes: &[u8]) -> Option<Arc<str>> {
    let of_these = |texts: &Slots<Arc<str>>| {
        let known = &texts.borrow()[slot(digest_bytes(bytes))];
        known.as_ref().filter(|known| known.as_bytes() == bytes).cloned()
    };
    texts.try_with(of_these).ok().flatten()
}

/// Host and port of a `Host` header, as [`host::Authority::parse_host`] reads them.
pub(crate) fn authority(written: &[u8]) -> Option<(Arc<str>, Option<u16>)> {
    let parse = || {
        let parsed = host::Authority::parse_host(str::from_utf8(written).ok()?)?;
        Some((Arc::<str>::from(parsed.host), parsed.port))
    };
    if written.len() > LONGEST {
        return parse();
    }
    let shared = AUTHORITIES.try_with(|authorities| {
        let slot = &mut authorities.borrow_mut()[slot(digest_bytes(written))];
        if let Some(known) = slot
            && *known.written == *written
        {
            return Some((known.host.clone(), known.port));
        }
        let (host, port) = parse()?;
        *slot = Some(Authority { written: written.into(), host: host.clone(), port });
        Some((host, port))
    });
    shared.unwrap_or_else(|_| parse())
}

/// The span name `{method} {target}`.
///
/// Routes are few and a name belongs to one, so names stay for the life of the process, up to a
/// number that only a mistake reaches.
pub(crate) fn span_name(method: &str, target: &str) -> Cow<'static, str> {
    let is_same = |name: &str| {
        name.len() == method.len() + 1 + target.len()
            && name.starts_with(method)
            && name.ends_with(target)
    };
    let written = || [method, " ", target].concat();
    let shared = NAMES.try_with(|names| {
        let slot = &mut names.borrow_mut()[slot(digest(target) ^ digest(method).rotate_left(7))];
        match slot {
            Some(known) if is_same(known) => Cow::Borrowed(*known),
            _ => match lasting(written()) {
                Cow::Borrowed(name) => Cow::Borrowed(*slot.insert(name)),
                name => name,
            },
        }
    });
    shared.unwrap_or_else(|_| Cow::Owned(written()))
}

/// A name that stays for the life of the process, while there are not too many.
fn lasting(name: String) -> Cow<'static, str> {
    static LASTING: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut lasting = LASTING.lock().unwrap_or_else(PoisonError::into_inner);
    let lasting = lasting.get_or_insert_default();
    if let Some(known) = lasting.get(&*name) {
        return Cow::Borrowed(known);
    }
    if lasting.len() == MOST_NAMES || name.len() > LONGEST {
        return Cow::Owned(name);
    }
    let name: &'static str = Box::leak(name.into_boxed_str());
    lasting.insert(name);
    Cow::Borrowed(name)
}

/// An address as text, which `write` makes of it unless this thread still knows it.
pub(crate) fn address(ip: IpAddr, write: impl Fn(IpAddr) -> Arc<str>) -> Arc<str> {
    let shared = ADDRESSES.try_with(|addresses| {
        let slot = &mut addresses.borrow_mut()[address_slot(ip)];
        match slot {
            Some(known) if known.ip == ip => known.text.clone(),
            _ => slot.insert(Address { ip, text: write(ip) }).text.clone(),
        }
    });
    shared.unwrap_or_else(|_| write(ip))
}

/// A number from length, beginning and end, where texts of one kind differ.
pub(crate) fn digest(text: &str) -> u64 {
    digest_bytes(text.as_bytes())
}

fn digest_bytes(octets: &[u8]) -> u64 {
    let (first, last) = match (octets.first_chunk::<8>(), octets.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => octets.iter().fold((0, 0), |(word, _), &octet| (word << 8 | u64::from(octet), 0)),
    };
    first.rotate_left(32) ^ last ^ octets.len() as u64
}

fn address_slot(ip: IpAddr) -> usize {
    match ip {
        IpAddr::V4(ip) => slot(u64::from(ip.to_bits())),
        IpAddr::V6(ip) => slot((ip.to_bits() >> 64) as u64 ^ ip.to_bits() as u64),
    }
}

/// The top bits of a product with an odd constant depend on all bits (Fibonacci hashing).
pub(super) fn slot(word: u64) -> usize {
    (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_repeated_text_is_shared() {
        for known in ["", "/users/{id}", "localhost", &"a".repeat(LONGEST)] {
            assert!(Arc::ptr_eq(&text(known), &text(known)), "{known:?}");
        }
    }

    #[test]
    fn an_authority_is_read_once() {
        let read = |text: &[u8]| authority(text);
        let first = read(b"shop.example:8080").unwrap();
        assert_eq!((&*first.0, first.1), ("shop.example", Some(8080)));
        assert!(Arc::ptr_eq(&first.0, &read(b"shop.example:8080").unwrap().0));
        assert_eq!(read(b"bad host"), None);
        assert_eq!(read(b"ada@shop.example"), None);
        assert_eq!(read(b"caf\xe9"), None);
    }

    #[test]
    fn few_names_last_and_all_are_right() {
        for n in 0..2 * MOST_NAMES {
            let target = format!("/few/names/{n}");
            assert_eq!(span_name("GET", &target), format!("GET {target}"));
            assert_eq!(span_name("POST", &target), format!("POST {target}"));
        }
        // The bound is reached by now, by whatever test.
        assert!(matches!(span_name("GET", "/never/seen/before"), Cow::Owned(_)));
    }

    #[test]
    fn a_long_text_is_not_kept() {
        let long = "a".repeat(LONGEST + 1);
        assert!(!Arc::ptr_eq(&text(&long), &text(&long)));
    }

    #[test]
    fn a_repeated_address_is_written_once() {
        let ip = IpAddr::from([192, 0, 2, 77]);
        let first = address(ip, |ip| ip.to_string().into());
        let again = address(ip, |_| unreachable!("it is known"));
        assert!(Arc::ptr_eq(&first, &again));
    }

    proptest! {
        #[test]
        fn every_text_is_given_back(texts in proptest::collection::vec(".{0,20}", 0..200)) {
            for own in &texts {
                prop_assert_eq!(&*text(own), own);
            }
        }

        #[test]
        fn every_address_is_given_back(addresses: Vec<IpAddr>) {
            for own in addresses {
                let written = address(own, |ip| ip.to_string().into());
                prop_assert_eq!(&*written, own.to_string());
            }
        }
    }
}

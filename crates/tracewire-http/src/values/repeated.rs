//! Texts that come again with nearly every request: routes, hosts, addresses, user agents.
//!
//! Each thread keeps those it saw last, so that an attribute's value is a counted reference and not
//! a copy. What callers vary only costs the copy that it would have cost anyway: a slot is
//! overwritten, nothing grows.

use std::{cell::RefCell, net::IpAddr, sync::Arc};

/// How many texts a thread keeps; a power of two.
const SLOTS: usize = 64;
/// Longer texts are not kept, in bytes: a thread holds 16 KiB of text at most.
const LONGEST: usize = 256;

type Slots<T> = RefCell<[Option<T>; SLOTS]>;

struct Address {
    ip: IpAddr,
    text: Arc<str>,
}

thread_local! {
    static TEXTS: Slots<Arc<str>> = const { RefCell::new([const { None }; SLOTS]) };
    static ADDRESSES: Slots<Address> = const { RefCell::new([const { None }; SLOTS]) };
}

/// The same text, shared with earlier callers if this thread still knows it.
pub(crate) fn text(text: &str) -> Arc<str> {
    if text.len() > LONGEST {
        return text.into();
    }
    let shared = TEXTS.try_with(|texts| {
        let slot = &mut texts.borrow_mut()[text_slot(text)];
        match slot {
            Some(known) if **known == *text => known.clone(),
            _ => slot.insert(text.into()).clone(),
        }
    });
    shared.unwrap_or_else(|_| text.into()) // the thread is ending
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

fn text_slot(text: &str) -> usize {
    slot(digest(text))
}

/// A number from length, beginning and end, where texts of one kind differ.
pub(crate) fn digest(text: &str) -> u64 {
    let octets = text.as_bytes();
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
fn slot(word: u64) -> usize {
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

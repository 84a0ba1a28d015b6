//! Text from outside, cut to a limit before it becomes an attribute value.

use super::repeated;
use arrayvec::ArrayString;
use http::HeaderValue;
use opentelemetry::StringValue;
use std::{borrow::Cow, net::IpAddr, sync::Arc};
use tracewire_text::cut::{cut, cut_bytes};

/// `text` as an attribute value of at most `limit` bytes.
///
/// A longer text is cut at a character boundary and ends with `…`, within the limit.
pub(crate) fn limited(text: Cow<'_, str>, limit: usize) -> StringValue {
    StringValue::from(cut(text, limit).into_owned())
}

/// The same, for a text that comes again with nearly every request.
pub(crate) fn limited_shared(text: Cow<'_, str>, limit: usize) -> StringValue {
    StringValue::from(repeated::text(&cut(text, limit)))
}

/// A header's value as text, cut to `limit`, that comes again with nearly every request.
pub(crate) fn header_shared(value: &HeaderValue, limit: usize) -> StringValue {
    match repeated::known(value.as_bytes()) {
        Some(known) if known.len() <= limit => known.into(),
        _ => limited_shared(header(value, limit), limit),
    }
}

/// A header's value as text, cut to `limit`.
pub(crate) fn header(value: &HeaderValue, limit: usize) -> Cow<'_, str> {
    cut_bytes(value.as_bytes(), limit)
}

/// An address as text that attributes can share; one that was mapped into IPv6 is shown as what it
/// is.
pub(crate) fn address(ip: IpAddr) -> StringValue {
    StringValue::from(repeated::address(ip, written))
}

fn written(ip: IpAddr) -> Arc<str> {
    let ip = match ip.to_canonical() {
        IpAddr::V6(ip) => return ip.to_string().into(),
        IpAddr::V4(ip) => ip,
    };
    // Formatting machinery costs ten times as much.
    let mut text = ArrayString::<15>::new();
    for (place, octet) in ip.octets().into_iter().enumerate() {
        let digit = |value: u8| char::from(b'0' + value % 10);
        if place > 0 {
            text.push('.');
        }
        if octet >= 100 {
            text.push(digit(octet / 100));
        }
        if octet >= 10 {
            text.push(digit(octet / 10));
        }
        text.push(digit(octet));
    }
    text.as_str().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_text_stays_as_it_is() {
        assert_eq!(limited("abc".into(), 3).as_str(), "abc");
        assert_eq!(limited("".into(), 0).as_str(), "");
    }

    #[test]
    fn long_text_is_cut_at_a_character_and_marked() {
        assert_eq!(limited("abcdef".into(), 5).as_str(), "ab…");
        assert_eq!(limited("aéééé".into(), 5).as_str(), "a…");
        assert_eq!(limited("abc".into(), 2).as_str(), "");
    }

    #[test]
    fn octets_beyond_utf8_are_replaced() {
        let value = HeaderValue::from_bytes(b"caf\xe9").unwrap();
        assert_eq!(header(&value, 100), "caf\u{fffd}");
    }

    #[test]
    fn a_mapped_address_is_shown_as_what_it_is() {
        let shown = |ip: &str| address(ip.parse().unwrap()).as_str().to_owned();
        assert_eq!(shown("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(shown("2001:db8::1"), "2001:db8::1");
    }

    #[test]
    fn a_long_header_is_cut_and_marked() {
        let value = HeaderValue::from_bytes(&[b'a'; 5000]).unwrap();
        let text = limited(header(&value, 64), 64);
        assert_eq!(text.as_str().len(), 64);
        assert!(text.as_str().ends_with('…'));
    }

    proptest! {
        #[test]
        fn every_address_is_shown_as_usual(ip: [u8; 4]) {
            let shown = address(ip.into());
            prop_assert_eq!(shown.as_str(), IpAddr::from(ip).to_string());
        }

        #[test]
        fn no_text_exceeds_its_limit(text in ".{0,40}", limit in 0usize..50) {
            let value = limited(Cow::Borrowed(&text), limit);
            prop_assert!(value.as_str().len() <= limit);
            prop_assert!(text.len() > limit || value.as_str() == text);
        }
    }
}

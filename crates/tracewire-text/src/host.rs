//! Hosts and ports, as they stand in URLs, in `Host` headers and in settings.
//!
//! What may be sent where is decided by a host, so there is one reading of each text: [`Authority`]
//! and [`split`] tell host and port apart, [`is_internal`], [`is_loopback`], [`is_below`] and
//! [`Pattern`] say where a host stands. Nothing here resolves a name.
//!
//! ```
//! use tracewire_text::host::{self, Authority};
//!
//! let shop = Authority::parse("shop.example:8443").unwrap();
//! assert_eq!((shop.host, shop.port), ("shop.example", Some(8443)));
//! assert!(host::is_internal("10.0.0.7") && !host::is_internal(shop.host));
//! ```

mod authority;
mod internal;
mod pattern;
mod peer;

pub use self::{
    authority::{Authority, parse_port, split, without_brackets},
    internal::{is_internal, is_loopback},
    pattern::Pattern,
    peer::PeerAddress,
};

/// The longest name that DNS can hold, in bytes.
pub const LONGEST_NAME: usize = 253;

/// Returns whether `host` is a name below `domain`, without regard to case.
///
/// ```
/// use tracewire_text::host::is_below;
///
/// assert!(is_below("eu.Shop.example", "shop.example"));
/// assert!(!is_below("shop.example", "shop.example"));
/// assert!(!is_below("evilshop.example", "shop.example"));
/// ```
pub fn is_below(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.as_bytes(), domain.as_bytes());
    let Some(start) = host.len().checked_sub(domain.len()) else { return false };
    let (below, end) = host.split_at(start);
    // Something must stand before the dot.
    matches!(below, [_, .., b'.']) && end.eq_ignore_ascii_case(domain)
}

//! A header that has the client's address alone, as some proxies write it.

use super::node::{self, ClientAddress};
use http::{HeaderMap, HeaderName};

/// The address in the header `name`; none if it is there more than once, or has anything else.
///
/// A client's line beside the proxy's is indistinguishable from it.
pub(super) fn read(headers: &HeaderMap, name: &HeaderName) -> Option<ClientAddress> {
    let mut lines = headers.get_all(name).iter();
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    node::parse(line.to_str().ok()?.trim_ascii())
}

//! Reads header values.
//!
//! Every cost is bounded: by lines of one name, by headers looked through, and by bytes.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Lines of one name that are read.
pub(crate) const MAX_LINES: usize = 128;

/// Headers that are looked through for names with a prefix. Servers allow fewer.
const MAX_HEADERS: usize = 1024;

/// White space that is taken off each side of a value, in bytes.
const MAX_OWS: usize = 64;

/// The value of a header that may be sent only once.
pub(crate) enum Single<'a> {
    Absent,
    One(&'a [u8]),
    Many,
}

/// Reads the value of a header that may be sent only once.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Single<'a> {
    let mut lines = lines(headers, name);
    match (lines.next(), lines.next()) {
        (None, _) => Single::Absent,
        (Some(value), None) => Single::One(value),
        (Some(_), Some(_)) => Single::Many,
    }
}

/// Returns the first value of `name`, without white space around it.
pub(crate) fn first<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    headers.get(name).map(|value| trim_ows(value.as_bytes()))
}

/// Returns every value of `name`, in order.
pub(crate) fn lines<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes)
}

/// Counts the bytes of all lines, with a comma behind each. Returns `None` for more than `limit`,
/// and for more than [`MAX_LINES`] lines.
pub(crate) fn joined_len<'a>(lines: impl Iterator<Item = &'a [u8]>, limit: usize) -> Option<usize> {
    let mut total: usize = 0;
    for (count, line) in lines.enumerate() {
        total = total.saturating_add(line.len()).saturating_add(1);
        if total > limit || count >= MAX_LINES {
            return None;
        }
    }
    Some(total)
}

/// Returns the headers whose names begin with `prefix`: the rest of the name, and a value.
pub(crate) fn prefixed<'a>(
    headers: &'a HeaderMap,
    prefix: &'a str,
) -> impl Iterator<Item = (&'a str, &'a [u8])> {
    headers.iter().take(MAX_HEADERS).filter_map(move |(name, value)| {
        Some((name.as_str().strip_prefix(prefix)?, value.as_bytes()))
    })
}

/// Returns `value` without HTTP's optional white space around it (RFC 9110, section 5.6.3), up to
/// 64 bytes on each side.
pub(crate) fn trim_ows(value: &[u8]) -> &[u8] {
    let is_ows = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let before = value.iter().take(MAX_OWS).take_while(is_ows).count();
    let value = &value[before..];
    let behind = value.iter().rev().take(MAX_OWS).take_while(is_ows).count();
    &value[..value.len() - behind]
}

//! Where user information stands in a URL, and what is shown of it.

use crate::{
    REDACTED,
    splice::{REDACTED_USERINFO, Splice},
    symbols::{Symbol, Symbols},
};
use std::borrow::Cow;

/// Where the authority of a URL begins: behind two slashes, or, on the web, behind any number of
/// slashes and backslashes, as browsers read them. 0 if there is none.
pub(super) fn start_of_authority(address: &str) -> usize {
    let is_scheme = |scheme: &str| {
        let scheme = scheme.trim();
        ["http", "https", "ws", "wss", "ftp"].iter().any(|web| scheme.eq_ignore_ascii_case(web))
    };
    let is_slash = |c: char| matches!(c, '/' | '\\' | '\t' | '\r' | '\n');
    match address.split_once(':') {
        Some((scheme, behind)) if is_scheme(scheme) => {
            address.len() - behind.trim_start_matches(is_slash).len()
        }
        _ => match address.find("://") {
            Some(colon) => colon + "://".len(),
            None if address.starts_with("//") => "//".len(),
            None => 0,
        },
    }
}

/// Where the authority ends that begins at `start`: at a slash, but not at one in a password.
pub(super) fn end_of_authority(address: &str, start: usize) -> usize {
    let slash =
        |from: usize| address[from..].find(['/', '\\']).map_or(address.len(), |at| from + at);
    let end = slash(start);
    let authority = &address[start..end];
    // No port has such characters.
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let has_password = start > 0
        && !authority.starts_with('[')
        && authority.split_once(':').is_some_and(|(_, port)| !is_port(port));
    match address[end..].rfind('@') {
        Some(at) if has_password && !authority.contains('@') => slash(end + at),
        _ => end,
    }
}

/// Redacts the user information at the end of `address`, whose authority begins at `start`.
pub(super) fn redact_authority(address: &str, start: usize, is_open: bool) -> Cow<'_, str> {
    let (scheme, authority) = address.split_at(start);
    if is_open && !scheme.is_empty() {
        return Cow::Owned([scheme, REDACTED].concat());
    }
    match authority.rsplit_once('@') {
        Some((userinfo, host))
            if !scheme.is_empty()
                && !userinfo.is_empty()
                && (!host.is_empty() || userinfo.contains(':')) =>
        {
            Cow::Owned([scheme, REDACTED_USERINFO, host].concat())
        }
        _ => Cow::Borrowed(address),
    }
}

/// Redacts the user information of a URL inside another one, from behind its slashes; returns how
/// far there is no other.
pub(super) fn redact_inner_authority(
    splice: &mut Splice<'_>,
    symbols: &mut Symbols<'_>,
    slash: &Symbol,
    is_cut: bool,
) -> usize {
    let start = symbols.offset();
    let (mut end_of_authority, mut userinfo) = (start, None);
    let mut is_open = is_cut;
    for symbol in symbols.clone() {
        match symbol.byte {
            b'/' | b'?' | b'#' | b'&' | b'\\' if symbol.level <= slash.level => {
                is_open = false;
                break;
            }
            b'@' => userinfo = Some(symbol),
            _ => {}
        }
        end_of_authority = symbol.end;
    }
    // Where the text is cut, user information may go on behind the cut.
    let end = match userinfo {
        _ if is_open => Some(end_of_authority),
        Some(at) => Some(at.start),
        None => None,
    };
    if let Some(end) = end {
        // What is cut off may have been a host.
        let redacted = if is_open { REDACTED } else { REDACTED_USERINFO.trim_end_matches('@') };
        splice.replace(start..end, redacted);
        symbols.seek(end);
    }
    end_of_authority
}

//! `Forwarded`, by RFC 7239.

use super::{
    Forwarded, Hop, Trusted,
    entries::{Entries, first},
    node, scheme,
};
use http::{HeaderMap, header::FORWARDED};
use std::borrow::Cow;
use tracewire_text::host::Authority;

/// What the element that a trusted proxy wrote for the client says.
pub(super) fn read<'a>(trusted: &Trusted, headers: &'a HeaderMap) -> Forwarded<'a> {
    let client = match trusted {
        Trusted::All => first(headers, FORWARDED, element),
        _ => trusted.client(Entries::new(headers, FORWARDED, element)),
    };
    let Hop { address, host, scheme } = client.unwrap_or_default();
    Forwarded { client: address, host, scheme, port: None }
}

/// Reads one element: `name=value` pairs between semicolons, none of the known names twice.
///
/// Beyond the grammar it takes spaces around a semicolon, and addresses without the quotes that
/// their colons and brackets ask for, as some proxies write them.
fn element(bytes: &[u8]) -> Option<Hop<'_>> {
    let mut rest = str::from_utf8(bytes).ok()?;
    let mut hop = Hop::default();
    let mut seen = Seen::default();
    loop {
        rest = rest.trim_ascii_start();
        let (name, after) = split_where_not(rest, is_token);
        if !name.is_empty() {
            let (value, after) = value(after.strip_prefix('=')?)?;
            seen.note(name, value, &mut hop)?;
            rest = after.trim_ascii_start();
        }
        match rest.strip_prefix(';') {
            Some(next) => rest = next,
            None => return rest.is_empty().then_some(hop),
        }
    }
}

/// The known names that an element has had.
#[derive(Default)]
struct Seen {
    by: bool,
    host: bool,
    node: bool,
    proto: bool,
}

impl Seen {
    /// Notes one pair; none if its name stood there before.
    fn note<'a>(&mut self, name: &str, value: Cow<'a, str>, hop: &mut Hop<'a>) -> Option<()> {
        let seen = if name.eq_ignore_ascii_case("for") {
            hop.address = node::parse(&value);
            &mut self.node
        } else if name.eq_ignore_ascii_case("host") {
            hop.host = Some(value).filter(|host| Authority::parse_host(host).is_some());
            &mut self.host
        } else if name.eq_ignore_ascii_case("proto") {
            hop.scheme = scheme(&value);
            &mut self.proto
        } else if name.eq_ignore_ascii_case("by") {
            &mut self.by
        } else {
            return Some(());
        };
        (!std::mem::replace(seen, true)).then_some(())
    }
}

/// Reads a token or a quoted string, and gives what follows it.
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted_string(quoted);
    }
    let is_address = |byte| matches!(byte, b':' | b'[' | b']');
    let (token, rest) = split_where_not(text, |byte| is_token(byte) || is_address(byte));
    (!token.is_empty()).then_some((Cow::Borrowed(token), rest))
}

/// Reads a quoted string (RFC 9110, section 5.6.4) whose opening quote has been read.
fn quoted_string(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = text.find(['"', '\\'])?;
    if text.as_bytes()[end] == b'"' {
        return Some((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut unescaped = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((Cow::Owned(unescaped), &text[at + 1..])),
            '\\' => unescaped.push(chars.next()?.1),
            c => unescaped.push(c),
        }
    }
    None
}

fn split_where_not(text: &str, belongs: impl Fn(u8) -> bool) -> (&str, &str) {
    // Only ASCII belongs, so the end is where a character starts.
    text.split_at(text.bytes().position(|byte| !belongs(byte)).unwrap_or(text.len()))
}

/// A character of a token (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

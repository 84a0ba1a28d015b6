//! The plain header: one line that goes on as it stands.
//!
//! Nearly every header is one. Reading it takes no text in the making, and no second look at its limits.

use super::{
    encoding::{Decoded, decode, is_octet, is_token},
    keys,
    members::{MAX_LEN, MAX_MEMBERS},
};
use opentelemetry::baggage::Baggage as Entries;

/// What a plain line holds.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) entries: Entries,
    /// The line is what would be written for the entries, which are sorted by their keys.
    pub(super) is_canonical: bool,
}

/// Reads `line` if it is plain: `None` stands for white space, properties, a key that comes again, a
/// member that is malformed or beyond a limit, and whatever else would not go on as it stands.
pub(super) fn read(line: &str) -> Option<Plain> {
    if line.len() > MAX_LEN {
        return None;
    }
    let (mut entries, mut is_canonical) = (Entries::new(), true);
    let (mut rest, mut previous) = (line, "");
    for _ in 0..MAX_MEMBERS {
        let (key, behind) = split_while(rest, is_token);
        let mut has_escapes = false;
        let (value, behind) = split_while(behind.strip_prefix('=')?, |byte| {
            has_escapes |= byte == b'%';
            is_octet(byte)
        });
        let decoded = if has_escapes { decode(value) } else { Decoded::plain(value) };
        let Decoded { value, is_exact: true, .. } = decoded else { return None };
        if key.is_empty() || entries.insert(keys::key(key), value).is_some() {
            return None;
        }
        is_canonical &= decoded.is_canonical && previous < key;
        previous = key;
        if behind.is_empty() {
            return Some(Plain { entries, is_canonical });
        }
        rest = behind.strip_prefix(',')?;
    }
    None
}

/// What belongs at the beginning, and the rest. What belongs is ASCII.
fn split_while(text: &str, mut belongs: impl FnMut(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !belongs(byte)).unwrap_or(text.len());
    text.split_at(end)
}

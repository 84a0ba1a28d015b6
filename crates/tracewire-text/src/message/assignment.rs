//! `key=value`, `key: value` and `"key":"value"` in a text.

use super::{Scanner, without_punctuation};
use crate::keys::{Key, Secrecy};
use std::ops::Range;

/// The longest key that is looked at, in bytes.
const KEY: usize = 128;

/// Values that only say whether there is a secret.
const NO_SECRET: [&str; 6] = ["YES", "NO", "None", "null", "true", "false"];

/// Words before a credential in the value of a header.
const SCHEMES: [&str; 5] = ["bearer", "basic", "digest", "negotiate", "token"];

impl Scanner<'_> {
    /// Redacts the value behind the `:` or `=` at `operator`; returns where to go on.
    pub(super) fn redact_assigned(&mut self, operator: usize) -> usize {
        let bytes = self.text.as_bytes();
        let is_colon = bytes[operator] == b':';
        let is_doubled =
            bytes.get(operator + 1) == Some(&b':') || bytes[..operator].last() == Some(&b':');
        // Doubled, it stands in a path of Rust or C++.
        if is_colon && is_doubled {
            return operator + 1;
        }
        let name = key_before(bytes, operator);
        let mut key = Key::of(&self.text[name.clone()]);
        if key.secrecy() == Secrecy::InQueries && name.start > 0 && bytes[name.start - 1] == b' ' {
            // Two words, as in "API key: …".
            let pair = key_before(bytes, name.start).start..name.end;
            let pair = Key::of(&self.text[pair]);
            if pair.secrecy() == Secrecy::Always {
                key = pair;
            }
        }
        let separator = name.start.checked_sub(1).map(|before| bytes[before]);
        let place = match separator {
            _ if is_colon => Place::Colon,
            Some(b'?' | b'&') => Place::Query,
            Some(b';') => Place::ConnectionString,
            _ => Place::Equals,
        };
        let needed = match place {
            Place::Query => Secrecy::InQueries,
            Place::Colon if !key.fills_its_line() && !self.is_quoted(operator) => Secrecy::Always,
            _ => Secrecy::WhenAssigned,
        };
        if key.secrecy() < needed {
            return operator + 1;
        }
        let start = skip(bytes, operator + 1, |byte| matches!(byte, b'=' | b'>' | b':'));
        let start = skip(bytes, start, |byte| matches!(byte, b' ' | b'\t'));
        let value = value(self.text, start, place, &key);
        let Some(shown) = self.text.get(value.clone()) else { return operator + 1 };
        // Punctuation alone, as in "unexpected token: }", is no secret either.
        if NO_SECRET.contains(&shown) || !shown.contains(char::is_alphanumeric) {
            return value.end.max(operator + 1);
        }
        let end = value.end;
        self.splice.redact(value);
        end
    }
}

impl Scanner<'_> {
    /// Whether the key before a colon or the value behind it stands in quotation marks, as in JSON
    /// and in what `Debug` writes, but not in a sentence.
    fn is_quoted(&self, colon: usize) -> bool {
        let (key, value) = (&self.text[..colon], &self.text[colon + 1..]);
        let value = value.trim_start_matches(' ');
        let value = value.strip_prefix("Some(").unwrap_or(value);
        key.ends_with(['"', '\'']) || value.trim_start_matches('\\').starts_with('"')
    }

    /// Redacts what an element of XML holds whose tag ends at `close`; returns where to go on.
    pub(super) fn redact_element(&mut self, close: usize) -> usize {
        let text = self.text;
        let before = text.as_bytes()[..close].iter().rev().take(KEY);
        let length = before.take_while(|byte| !matches!(byte, b'<' | b'>')).count();
        let Some(tag) = text.get(close - length..close) else { return close + 1 };
        if !text[..close - length].ends_with('<') {
            return close + 1;
        }
        let name = tag.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        let name = name.rsplit(':').next().unwrap_or_default();
        if Key::of(name).secrecy() < Secrecy::Always {
            return close + 1;
        }
        let start = close + 1;
        match text[start..].find('<').map(|length| start + length) {
            Some(end) if end > start && text[end..].starts_with("</") => {
                self.splice.redact(start..end);
                end
            }
            _ => start,
        }
    }
}

/// Where a key and its value stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// `key: value`
    Colon,
    /// `key=value`
    Equals,
    /// `…;key=value`
    ConnectionString,
    /// `…&key=value`
    Query,
}

/// The key that ends before `operator`, without its quotation marks.
fn key_before(bytes: &[u8], operator: usize) -> Range<usize> {
    let back = |end: usize, matches: fn(u8) -> bool| {
        let before = bytes[..end].iter().rev().take(KEY);
        end - before.take_while(|byte| matches(**byte)).count()
    };
    let end = back(operator, |byte| matches!(byte, b' ' | b'\t'));
    let end = back(end, |byte| matches!(byte, b'"' | b'\'' | b'`' | b'\\'));
    let start = back(end, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'%')
    });
    start..end
}

fn skip(bytes: &[u8], start: usize, matches: fn(u8) -> bool) -> usize {
    start + bytes.iter().skip(start).take_while(|byte| matches(**byte)).count()
}

/// The value that begins at `start`, without its quotation marks or brackets.
fn value(text: &str, start: usize, place: Place, key: &Key) -> Range<usize> {
    let bytes = text.as_bytes();
    let quote = skip(bytes, start, |byte| byte == b'\\');
    // A type around a text, as in `Some("…")`; the name may be the secret as well.
    let name = skip(bytes, start, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let inner = skip(bytes, name + 1, |byte| byte == b'\\');
    if bytes.get(name) == Some(&b'(') && bytes.get(inner) == Some(&b'"') {
        let end = quoted_end(bytes, inner, inner - name - 1);
        let behind = text[end..].trim_start_matches(['\\', '"']).trim_start_matches(')');
        return start..text.len() - behind.len();
    }
    match bytes.get(quote) {
        Some(b'"' | b'\'' | b'`') => quote + 1..quoted_end(bytes, quote, quote - start),
        Some(b'{') if place != Place::Colon => quote + 1..braced_end(bytes, quote + 1),
        Some(b'{' | b'[') => quote + 1..bracketed_end(bytes, quote),
        _ => start..bare_end(text, start, place, key),
    }
}

/// Where the quotation mark closes that was opened at `quote` behind so many backslashes.
fn quoted_end(bytes: &[u8], quote: usize, escapes: usize) -> usize {
    let mark = bytes[quote];
    let mut at = quote + 1;
    let mut backslashes = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\\' {
            backslashes += 1;
        } else {
            let ends_escapes = match escapes {
                0 => backslashes % 2 == 0,
                _ => backslashes <= escapes,
            };
            let closes = ends_escapes && can_follow_value(bytes.get(at + 1));
            if byte == mark && closes {
                // A doubled mark is a part of the value.
                if escapes == 0 && backslashes == 0 && bytes.get(at + 1) == Some(&mark) {
                    at += 1;
                } else {
                    return at - backslashes.min(escapes);
                }
            }
            backslashes = 0;
        }
        at += 1;
    }
    bytes.len()
}

/// Whether this byte can stand behind the quotation mark that ends a value. Behind any other one the
/// mark is a part of the value that nothing escaped.
fn can_follow_value(byte: Option<&u8>) -> bool {
    byte.is_none_or(|byte| byte.is_ascii_whitespace() || b",;:.)]}>&!?'\"`\\@".contains(byte))
}

/// Where the brace closes that was opened before `start`; a doubled one is a part of the value.
fn braced_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'}' {
            if bytes.get(at + 1) != Some(&b'}') {
                return at;
            }
            at += 1;
        }
        at += 1;
    }
    bytes.len()
}

/// Where the bracket closes that opens at `start`.
fn bracketed_end(bytes: &[u8], start: usize) -> usize {
    let mut open = 0;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'{' | b'[' => open += 1,
            b'}' | b']' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return at;
        }
    }
    bytes.len()
}

/// Where a value without quotation marks ends.
fn bare_end(text: &str, start: usize, place: Place, key: &Key) -> usize {
    let find = |marks: &[char]| text[start..].find(marks).map(|mark| start + mark);
    let line = |end: Option<usize>| end.unwrap_or(text.len());
    let word = || {
        let mut end = bare_word_end(text, start, b' ');
        if SCHEMES.iter().any(|scheme| text[start..end].eq_ignore_ascii_case(scheme)) {
            end = bare_word_end(text, (end + 1).min(text.len()), b' ');
        }
        without_punctuation(text, start, end)
    };
    match place {
        _ if key.fills_its_line() => line(find(&['\n', '\r'])),
        Place::ConnectionString => line(find(&[';', '\n', '\r'])),
        Place::Query => bare_word_end(text, start, b'&'),
        // In a connection string a value may have spaces, and ends at a semicolon.
        Place::Equals => match find(&[';', '=', '\n', '\r']) {
            Some(mark) if text.as_bytes()[mark] == b';' => mark,
            _ => word(),
        },
        Place::Colon => word(),
    }
}

/// Where a word ends: at white space that no backslash escapes, or at a quotation mark that closes
/// what is around it, or at `mark`.
fn bare_word_end(text: &str, start: usize, mark: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if bytes.get(at + 1) == Some(&b' ') => at += 1,
            b'"' | b'`' | b'<' | b'>' => {
                let next = bytes.get(at + 1);
                if next.is_none_or(|next| next.is_ascii_whitespace() || b",.:;)]}".contains(next)) {
                    return at;
                }
            }
            byte if byte == mark || byte.is_ascii_whitespace() => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

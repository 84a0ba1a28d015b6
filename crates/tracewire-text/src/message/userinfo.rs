//! User information in a text: in URLs, and in the connection strings that have no scheme.

use super::{Scanner, without_punctuation};
use crate::splice::REDACTED_USERINFO;
use std::ops::Range;

/// How far user information with a space in it is followed, in bytes.
const BROKEN: usize = 256;

/// The longest name of a transport, as in `tcp(host)`, in bytes.
const TRANSPORT: usize = 32;

/// The longest port number, in digits.
const PORT: usize = 5;

impl Scanner<'_> {
    /// Redacts the URL whose scheme ends at `colon`; returns where its host or its query ends.
    pub(super) fn redact_url(&mut self, colon: usize) -> usize {
        let text = self.text;
        let (start, word) = (colon + "://".len(), self.word.end);
        let scheme = &text[scheme_start(&text[..colon])..colon];
        let end = start + inner_url(&text[start..word], scheme);
        let is_open = self.is_cut && word == text.len();
        let authority = authority_end(text, start, end);

        let mut host = start;
        if let Some(at) = at_sign(text, colon, start..end, authority) {
            if text[start..at].contains(['?', '#']) {
                // A mark in the password, or an `@` in the query: nothing behind it can be shown.
                let end = without_punctuation(text, at, word).max(at + 1);
                self.splice.redact(start..end);
                return end;
            }
            if at > start {
                self.splice.replace(start..at + 1, REDACTED_USERINFO);
            }
            host = at + 1;
        } else if !is_host(&text[start..authority]) || is_open && authority == word {
            let end = if is_open { word } else { broken_end(text, start, word) };
            if text[end..].starts_with('@') {
                self.splice.replace(start..end + 1, REDACTED_USERINFO);
                return end + 1;
            }
            self.splice.redact(start..end);
            return end;
        }
        let authority = authority_end(text, host, end);
        match text[authority..end].find(['?', '#']) {
            Some(mark) => {
                let query = authority + mark + 1;
                let end = without_punctuation(text, query, word).max(query);
                self.splice.redact(query..end);
                end
            }
            None => {
                text[host..authority].find([';', ',', '(']).map_or(authority, |mark| host + mark)
            }
        }
    }

    /// Redacts the user information that the word's first colon may open, if what stands before
    /// its `@` would be read as something else on the way there.
    pub(super) fn redact_opened(&mut self, colon: usize) -> usize {
        let (text, word) = (self.text, self.word.clone());
        if word.end <= self.opened {
            return colon + 1;
        }
        self.opened = word.end;
        let rest = &text[colon..word.end];
        let transport = rest.rmatch_indices('@').find(|(at, _)| names_transport(&rest[at + 1..]));
        if let Some((at, _)) = transport {
            return self.replace_userinfo(colon + at).unwrap_or(colon + 1);
        }
        if precedes_url(rest) {
            return colon + 1;
        }
        let is_marked = rest.rfind('@').is_some_and(|at| {
            let password = &rest[..at];
            password.contains(['?', '#']) && !password.contains('=')
        });
        if self.is_cut && word.end == text.len() || is_marked {
            // The `@` stands behind the cut, or a mark in the password: nothing can be shown.
            let end = without_punctuation(text, colon, word.end).max(colon + 1);
            self.splice.redact(word.start..end);
            return end;
        }
        colon + 1
    }

    /// Redacts `user:password@`, from the beginning of the word to its last `@`.
    pub(super) fn redact_userinfo(&mut self, at: usize) -> usize {
        if at < self.without_at {
            return at + 1;
        }
        let last = self.text[at..self.word.end].rfind('@').map_or(at, |last| at + last);
        self.without_at = last + 1;
        self.replace_userinfo(last).unwrap_or(at + 1)
    }

    /// Redacts `user:password@`, from the beginning of the word to the `@` at `last`; returns where
    /// to go on if that is what stands there.
    fn replace_userinfo(&mut self, last: usize) -> Option<usize> {
        let (text, end) = (self.text, self.word.end);
        let opened = text[self.word.start..last].trim_start_matches(['(', '\'', '[', '{']);
        let Some(colon) = opened.find(':') else {
            // Behind a value that was redacted this may be the rest of a password.
            if self.word.start > 0 && self.word.start == self.splice.copied() && !opened.is_empty()
            {
                self.splice.redact(last - opened.len()..last);
                return Some(last + 1);
            }
            return None;
        };
        // A key may stand before, as in `dsn=user:password@…`.
        let key = opened[..colon].rfind('=').map_or(0, |equals| equals + 1);
        let (user, password) = (&opened[key..colon], &opened[colon + 1..]);
        let is_scheme = ["mailto", "sip", "sips", "xmpp", "acct"].contains(&user);
        // An image of a container, as in `registry:5000/app@sha256:…`.
        let is_digest = text[last + 1..end].starts_with("sha256:");
        if is_scheme || is_digest || password.is_empty() {
            return None;
        }
        let start = last - opened.len() + key;
        self.splice.replace(start..last + 1, REDACTED_USERINFO);
        Some(last + 1)
    }
}

/// Whether this is what Go's drivers write behind the `@`, as in `tcp(host)/db`.
fn names_transport(text: &str) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-');
    let name = text.bytes().take(TRANSPORT).take_while(is_name).count();
    name > 0 && text[name..].starts_with('(')
}

/// Whether a URL begins behind the colon at the beginning, as in `url:https://host`.
fn precedes_url(rest: &str) -> bool {
    let is_scheme = |byte: &u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.')
    };
    let scheme = 1 + rest.bytes().skip(1).take_while(is_scheme).count();
    rest.as_bytes().get(1).is_some_and(u8::is_ascii_lowercase) && rest[scheme..].starts_with("://")
}

/// The `@` behind the user information of a URL, if it has any.
fn at_sign(text: &str, colon: usize, url: Range<usize>, authority: usize) -> Option<usize> {
    let first = &text[url.start..authority];
    let last = text[url.clone()].rfind('@').map(|at| url.start + at)?;
    if !first.contains('@') && is_host(first) {
        // The `@` stands behind a slash: in a path, if what is before the slash is a host. A name
        // and a number can be a user and the beginning of a password, but not on the web.
        let scheme = text[..colon].rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
        let is_web = matches!(scheme, Some("http" | "https" | "ws" | "wss" | "ftp"));
        let port = port(first);
        if port.is_none() || is_web && port != Some("") {
            return None;
        }
    }
    Some(last)
}

/// Where the next URL begins inside `url`, whose own scheme is `scheme`.
///
/// What looks like one may belong to a password, unless a whole host stands before it or it has the
/// same scheme.
fn inner_url(url: &str, scheme: &str) -> usize {
    let authority = authority_end(url, 0, url.len());
    let is_plain = is_host(&url[..authority]);
    let begins = |colon: usize| {
        let start = scheme_start(&url[..colon]);
        let before = &url[..start];
        let is_behind_host =
            if start < authority { is_host(before) && !before.ends_with(':') } else { is_plain };
        (is_behind_host || url[start..colon] == *scheme).then_some(start)
    };
    url.match_indices("://").find_map(|(colon, _)| begins(colon)).unwrap_or(url.len())
}

/// Where the scheme begins that ends with `text`.
fn scheme_start(text: &str) -> usize {
    let scheme = text.bytes().rev().take_while(u8::is_ascii_alphanumeric).count();
    text.len() - scheme
}

fn authority_end(text: &str, start: usize, end: usize) -> usize {
    text[start..end].find(['/', '?', '#', '\\']).map_or(end, |path| start + path)
}

/// What stands behind the colon of a host.
fn port(authority: &str) -> Option<&str> {
    let name = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, behind)) => behind,
        None => authority,
    };
    name.split_once(':').map(|(_, port)| port)
}

/// Whether this can be a host with or without a port, and what a sentence or a connection string
/// puts behind it.
fn is_host(authority: &str) -> bool {
    let Some(port) = port(authority) else { return true };
    let digits = port.len() - port.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let behind = port[digits..].bytes().next();
    digits <= PORT && behind.is_none_or(|byte| byte.is_ascii_punctuation())
}

/// Where user information ends that has no `@` in its word: behind the next one of the line, if it
/// is near.
fn broken_end(text: &str, start: usize, word: usize) -> usize {
    let line = text[word..].bytes().take(BROKEN).position(|byte| byte == b'\n' || byte == b'@');
    match line.map(|offset| word + offset) {
        Some(at) if text.as_bytes()[at] == b'@' && !text[word..at].contains("://") => at,
        _ => without_punctuation(text, start, word).max(start),
    }
}

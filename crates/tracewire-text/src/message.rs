//! Secrets in the URLs that error messages quote.
//!
//! Clients put the URL they asked for into their errors, and connection strings stand in those of
//! databases. Where it led stays readable; user information and queries do not leave.

use crate::{REDACTED, cut, redaction::redacted_userinfo};
use std::borrow::Cow;
use std::fmt::{self, Display, Write};

/// Writes what `value` displays, without the secrets in it and cut to `limit` bytes.
///
/// It is not asked for more than the limit, so an endless value is no danger. A `Display` that fails
/// counts for what it wrote before.
///
/// ```
/// let error = "connecting to redis://ada:pw@cache/0 failed";
/// let expected = "connecting to redis://REDACTED:REDACTED@cache/0 failed";
/// assert_eq!(tracewire_text::display(error, 256), expected);
/// ```
pub fn display(value: &(impl Display + ?Sized), limit: usize) -> String {
    let mut bounded = Bounded { text: String::new(), limit };
    // An error is the limit reached, or a `Display` that gave up.
    let _ = write!(bounded, "{value}");
    let redacted = redact_message(&bounded.text, bounded.text.len() > limit);
    cut(redacted, limit).into_owned()
}

/// Takes one character more than the limit, so that a cut can be told from a fit.
struct Bounded {
    text: String,
    limit: usize,
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.limit.saturating_add(1).saturating_sub(self.text.len());
        if text.len() <= room {
            self.text.push_str(text);
            return Ok(());
        }
        let mut end = room;
        while !text.is_char_boundary(end) {
            end += 1;
        }
        self.text.push_str(&text[..end]);
        Err(fmt::Error)
    }
}

/// Redacts user information and queries in the URLs of a text.
///
/// `is_cut` says that the text goes on: then what could be the beginning of user information counts
/// as such.
pub fn redact_message(text: &str, is_cut: bool) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        redacted.push_str(before);
        redacted.push_str("://");
        rest = after;
        if before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            let (url, behind) = after.split_at(after.find(ends_url).unwrap_or(after.len()));
            redact(url, is_cut && behind.is_empty(), &mut redacted);
            rest = behind;
        }
    }
    redacted.push_str(rest);
    Cow::Owned(redacted)
}

/// Writes a URL from its authority on.
fn redact(url: &str, is_cut: bool, redacted: &mut String) {
    let path = url.find(['/', '?', '#']).unwrap_or(url.len());
    let (authority, rest) = url.split_at(path);
    match authority.rsplit_once('@') {
        Some((userinfo, host)) => {
            redacted.push_str(redacted_userinfo(userinfo));
            redacted.push_str(host);
        }
        None if is_cut && rest.is_empty() => redacted.push_str(REDACTED),
        None => redacted.push_str(authority),
    }
    match rest.find(['?', '#']) {
        Some(query) => {
            redacted.push_str(&rest[..=query]);
            redacted.push_str(REDACTED);
        }
        None => redacted.push_str(rest),
    }
}

/// What surrounds a URL in a sentence.
fn ends_url(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(' | ')' | '<' | '>' | '{' | '}' | ',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn credentials_and_queries_do_not_leave() {
        for (text, expected) in [
            ("no luck", "no luck"),
            ("a://", "a://"),
            ("cannot reach http://h:1/a/b", "cannot reach http://h:1/a/b"),
            ("for url (https://h/a?key=1#x): refused", "for url (https://h/a?REDACTED): refused"),
            ("for url (https://h/a#x)", "for url (https://h/a#REDACTED)"),
            ("postgres://ada:secret@db:5432/shop", "postgres://REDACTED:REDACTED@db:5432/shop"),
            ("http://u:p@ss@h/", "http://REDACTED:REDACTED@h/"),
            (
                "\"http://u@h\", then http://v@i?q",
                "\"http://REDACTED@h\", then http://REDACTED@i?REDACTED",
            ),
            ("http://h/?to=http://u:p@i/", "http://h/?REDACTED"),
            ("not a url: ://u:p@h", "not a url: ://u:p@h"),
        ] {
            assert_eq!(redact_message(text, false), expected, "{text:?}");
        }
    }

    #[test]
    fn a_cut_url_does_not_show_what_may_be_a_password() {
        assert_eq!(redact_message("at http://ada:secr", true), "at http://REDACTED");
        assert_eq!(redact_message("at http://h/secr", true), "at http://h/secr");
        assert_eq!(redact_message("at http://h is", true), "at http://h is");
    }

    #[test]
    fn an_endless_display_is_not_read_to_its_end() {
        struct Endless;
        impl Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("on and ")?;
                }
            }
        }
        assert_eq!(display(&Endless, 12), "on and on…");
    }

    #[test]
    fn what_fits_is_displayed_whole() {
        assert_eq!(display("a".repeat(64).as_str(), 64), "a".repeat(64));
        assert_eq!(display("é".repeat(64).as_str(), 64).len(), 63);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_password_is_left(text in "[a-z:/@?# ]{0,40}", cut: bool) {
            redact_message(&text, cut);
            let url = format!("{text} http://user:Pa55@host/ {text}");
            prop_assert!(!redact_message(&url, cut).contains("Pa55"));
        }

        #[test]
        fn text_without_urls_is_untouched(text in "[^:]{0,40}") {
            prop_assert_eq!(redact_message(&text, false), text.as_str());
        }
    }
}

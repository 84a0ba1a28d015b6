//! Secrets in the URLs that error messages quote.
//!
//! Clients put the URL they asked for into their errors, and connection strings stand in those of
//! databases. Where it led stays readable; user information and queries do not leave.

use std::borrow::Cow;

/// What stands in place of a secret.
const REDACTED: &str = "REDACTED";

/// The text without user information and queries in its URLs.
///
/// `is_cut` says that the text goes on: then what could be the beginning of user information counts
/// as such.
pub(crate) fn redacted(text: &str, is_cut: bool) -> Cow<'_, str> {
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
        Some((_, host)) => {
            redacted.push_str(REDACTED);
            redacted.push('@');
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
            ("postgres://ada:secret@db:5432/shop", "postgres://REDACTED@db:5432/shop"),
            ("http://u:p@ss@h/", "http://REDACTED@h/"),
            (
                "\"http://u@h\", then http://v@i?q",
                "\"http://REDACTED@h\", then http://REDACTED@i?REDACTED",
            ),
            ("http://h/?to=http://u:p@i/", "http://h/?REDACTED"),
            ("not a url: ://u:p@h", "not a url: ://u:p@h"),
        ] {
            assert_eq!(redacted(text, false), expected, "{text:?}");
        }
    }

    #[test]
    fn a_cut_url_does_not_show_what_may_be_a_password() {
        assert_eq!(redacted("at http://ada:secr", true), "at http://REDACTED");
        assert_eq!(redacted("at http://h/secr", true), "at http://h/secr");
        assert_eq!(redacted("at http://h is", true), "at http://h is");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_password_is_left(text in "[a-z:/@?# ]{0,40}", cut: bool) {
            redacted(&text, cut);
            let url = format!("{text} http://user:Pa55@host/ {text}");
            prop_assert!(!redacted(&url, cut).contains("Pa55"));
        }

        #[test]
        fn text_without_urls_is_untouched(text in "[^:]{0,40}") {
            prop_assert_eq!(redacted(&text, false), text.as_str());
        }
    }
}

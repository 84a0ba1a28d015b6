//! What of a setting's value may appear in errors, warnings, log lines and `Debug` output.
//!
//! Variables are mistyped and mixed up, so a secret may stand in any of them. Nothing outside this
//! file decides what is shown: a message takes a [`Shown`], and only the functions here make one.

use std::fmt;
use tracewire_text::{REDACTED, host, shortened};
use url::Url;

/// The longest value that is shown whole, in characters.
const MOST: usize = 64;
/// From this length on, a mix of letters and digits is taken for a key or a token.
const LEAST_RANDOM: usize = 20;

/// A setting's value as messages may have it: quoted, cut, or not there at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(Option<String>);

impl Shown {
    /// A word, a number or a list of them.
    pub fn value(text: &str) -> Self {
        Self(is_plain(text).then(|| shortened(text, MOST)))
    }

    /// Directives of a log filter, `info,shop=debug`.
    pub fn directives(text: &str) -> Self {
        let is_shown = text.split(['=', ',', '[', ']', '{', '}']).all(is_plain);
        Self(is_shown.then(|| shortened(text, 4 * MOST)))
    }

    /// A path of a file. People put the file's content here by mistake.
    pub fn path(text: &str) -> Self {
        Self(is_path(text).then(|| shortened(text, 4 * MOST)))
    }

    /// An endpoint that cannot be used, so that its parts cannot be told apart with certainty.
    pub fn endpoint(text: &str) -> Self {
        Self(endpoint(text))
    }

    /// A URL that can be used.
    pub fn url(url: &Url) -> Self {
        Self(Some(self::url(url)))
    }

    /// A value that is secret by its nature.
    pub fn nothing() -> Self {
        Self(None)
    }

    /// The text without quotes.
    pub fn text(&self) -> &str {
        self.0.as_deref().unwrap_or("(not shown)")
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, "{text:?}"),
            None => f.write_str("(not shown)"),
        }
    }
}

/// A URL with credentials, query and fragment redacted, and parts of the path that may be keys.
pub fn url(url: &Url) -> String {
    let mut shown = url.clone();
    if !url.username().is_empty() || url.password().is_some() {
        // Both fail only for URLs that cannot have credentials.
        let _ = shown.set_username(REDACTED);
        let _ = shown.set_password(Some(REDACTED));
    }
    shown.set_query(url.query().map(|_| REDACTED));
    shown.set_fragment(url.fragment().map(|_| REDACTED));
    let path: Vec<_> = url
        .path()
        .split('/')
        .map(|segment| if is_segment(segment) { segment } else { REDACTED })
        .collect();
    shown.set_path(&path.join("/"));
    shortened(shown.as_str(), 4 * MOST)
}

/// `scheme://host:port` and the paths that OTLP has, if the text is just that, a query aside.
///
/// Where an `@` stands, anything before it may belong to a password: `http://u:p?w@host` has a
/// question mark in it.
fn endpoint(text: &str) -> Option<String> {
    let is_odd = |c: char| !c.is_ascii_graphic() || matches!(c, '@' | '%' | '\\');
    if text.len() > 4 * MOST || text.contains(is_odd) {
        return None;
    }
    let (bare, rest) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
    let hidden = rest.chars().next().map(|mark| format!("{mark}{REDACTED}")).unwrap_or_default();
    let (scheme, rest) = match bare.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), bare),
    };
    if !scheme.is_empty() && !is_scheme(scheme.trim_end_matches("://")) {
        return None;
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if !authority.is_empty() && !is_authority(authority) {
        return None;
    }
    let is_known = matches!(path, "" | "/" | "/v1/traces" | "/v1/metrics" | "/v1/logs");
    let path = if is_known { path } else { "/REDACTED" };
    Some(format!("{scheme}{authority}{path}{hidden}"))
}

fn is_scheme(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    !text.is_empty() && text.len() <= 10 && text.chars().all(is_part)
}

/// A host and a port of digits; without its dots and dashes the host must not look like a key.
fn is_authority(text: &str) -> bool {
    let Some((host, port)) = host::split(text) else { return false };
    let port = port.unwrap_or_default();
    let is_port = port.len() <= 9 && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    // What has a scheme's form may be `unix:` as well. An IPv6 address has been checked.
    let is_name = host.chars().all(is_word) && !host.split('.').any(is_random);
    is_port && (is_name || host.contains(':'))
}

/// Whether a URL has a host, of letters that names and addresses have, and no longer than they can be.
///
/// A URL may have `token=secret` as its host.
pub fn has_real_host(url: &Url) -> bool {
    let is_part =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    url.host_str().is_some_and(|host| {
        (1..=host::LONGEST_NAME).contains(&host.len()) && host.chars().all(is_part)
    })
}

/// A part of a path that no key is made of.
fn is_segment(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    text.len() <= MOST && text.chars().all(is_plain) && !is_random(text)
}

/// Whether a text is long, of letters and digits in one piece, as keys and tokens are.
fn is_random(text: &str) -> bool {
    text.len() >= LEAST_RANDOM
        && text.contains(|c: char| c.is_ascii_digit())
        && text.contains(|c: char| c.is_alphabetic())
}

/// Whether a text is made as words and numbers are, and not as headers, URLs, JSON, keys or PEM files.
fn is_plain(text: &str) -> bool {
    const SCHEMES: [&str; 3] = ["basic ", "digest ", "apikey "];
    /// What is said of secrets, in the names of headers and fields.
    const SECRETS: [&str; 8] =
        ["password", "passwd", "secret", "token", "api", "auth", "bearer", "cookie"];
    let is_part = |c: char| c.is_alphanumeric() || " ,.:/+*()_-".contains(c);
    let lower = text.to_lowercase();
    let names_secret =
        lower.contains([':', ' ']) && SECRETS.iter().any(|word| lower.contains(word));
    text.chars().all(is_part)
        && !text.contains("://")
        && !text.contains("-----")
        && !SCHEMES.iter().any(|scheme| lower.trim_start().starts_with(scheme))
        && !names_secret
        && !text.split([',', ' ', '/', ':']).any(is_random)
        // So much of one piece is no word; whatever it is, nobody needs to read it.
        && text.len() <= 4 * MOST
}

/// Whether a text is made as paths are.
fn is_path(text: &str) -> bool {
    const ENDINGS: [&str; 8] = [".pem", ".crt", ".cer", ".cert", ".key", ".yaml", ".yml", ".json"];
    let lower = text.to_ascii_lowercase();
    let is_rooted =
        ["/", "./", "../", "~/", ".\\", "\\\\"].iter().any(|root| lower.starts_with(root))
            || lower.as_bytes().get(1..3) == Some(b":\\");
    let is_named = ENDINGS.iter().any(|ending| lower.ends_with(ending));
    (is_rooted || is_named)
        && text.len() <= 4 * MOST
        && !text.contains(|c: char| c.is_control() || matches!(c, '@' | '?' | '='))
        && !text.contains("-----")
        && !text.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_and_numbers_are_shown() {
        for text in ["yes", "-1", "10s", "1e3", "99999999999999999999", "jaeger_remote", "a b", ""]
        {
            assert_eq!(Shown::value(text).to_string(), format!("{text:?}"));
        }
        let long = "x".repeat(100);
        assert_eq!(Shown::value(&long).text(), format!("{}…", "x".repeat(MOST)));
    }

    #[test]
    fn what_looks_like_a_credential_is_not_shown() {
        for text in [
            "authorization=Bearer x",
            "Bearer x",
            "basic dTpw",
            "http://u:p@h",
            "u:p@h",
            "h?token=x",
            "4f3c2b1a09876543210fedcba",
            "-----BEGIN PRIVATE KEY-----",
            "a\nb",
            r#"{"key":"x"}"#,
            "key%3Dx",
            "x-api-key: x",
            "Cookie:x",
            "bearer:x",
            "'x'",
            "Bearer\tx",
            &"x".repeat(1000),
        ] {
            assert_eq!(Shown::value(text), Shown::nothing(), "{text}");
        }
    }

    #[test]
    fn paths_are_shown_and_contents_of_files_are_not() {
        for text in ["/no/such/file.pem", "ca.crt", "C:\\tls\\ca.pem", "./key", "../a b.key"] {
            assert_eq!(Shown::path(text).text(), text);
        }
        for text in [
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY----- MIIE -----END PRIVATE KEY-----",
            "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t",
            "MC4CAQAwBQYDK2VwBCIEIA",
            "https://user:pw@vault/key.pem",
            "secret",
        ] {
            assert_eq!(Shown::path(text), Shown::nothing(), "{text}");
        }
    }

    #[test]
    fn hosts_are_names_and_addresses() {
        for (url, is_real) in [
            ("http://localhost:4318", true),
            ("http://[::1]:4318", true),
            ("http://a_b.bücher.example", true),
            ("https://token=S", false),
            ("https://key;S", false),
        ] {
            assert_eq!(has_real_host(&Url::parse(url).unwrap()), is_real, "{url}");
        }
    }

    #[test]
    fn unusable_endpoints_show_scheme_host_and_port() {
        for (text, shown) in [
            ("collector:4318", "collector:4318"),
            ("http://", "http://"),
            ("x", "x"),
            ("ftp://x/", "ftp://x/"),
            ("/v1/traces", "/v1/traces"),
            ("unix:/run/x", "unix:/REDACTED"),
            ("ftp://h/?token=S", "ftp://h/?REDACTED"),
            ("h:4318/?token=S", "h:4318/?REDACTED"),
            ("http://h:99999/?token=S", "http://h:99999/?REDACTED"),
            ("http://h:99999/S/v1/traces", "http://h:99999/REDACTED"),
            ("http://[::1/#S", "(not shown)"),
            ("http://u:pw@h:x", "(not shown)"),
            ("http://u:p?w@h", "(not shown)"),
            ("u:pw@host:4318", "(not shown)"),
            ("http://u:pw%40host", "(not shown)"),
            ("http://u:pw", "(not shown)"),
            ("u:pw", "(not shown)"),
            ("//u:pw", "/REDACTED"),
            ("http:///?token=S", "http:///?REDACTED"),
            ("http://a b", "(not shown)"),
            ("4f3c2b1a09876543210fedcba", "(not shown)"),
        ] {
            assert_eq!(Shown::endpoint(text).text(), shown, "{text}");
        }
    }

    #[test]
    fn usable_urls_lose_credentials_query_fragment_and_keys_in_the_path() {
        for (text, shown) in [
            (
                "https://user:secret@c:4318/v1/traces?key=secret#secret",
                "https://REDACTED:REDACTED@c:4318/v1/traces?REDACTED#REDACTED",
            ),
            ("https://secret@c/", "https://REDACTED:REDACTED@c/"),
            ("https://:secret@c/#secret", "https://REDACTED:REDACTED@c/#REDACTED"),
            ("http://c/otlp/v1/logs", "http://c/otlp/v1/logs"),
            ("http://c/4f3c2b1a09876543210fedcba/v1", "http://c/REDACTED/v1"),
            ("http://c/a;jsessionid=x/b", "http://c/REDACTED/b"),
        ] {
            assert_eq!(url(&Url::parse(text).unwrap()), shown);
        }
    }

    proptest! {
        #[test]
        fn credentials_never_come_out(
            scheme in "(http|https|ftp|grpc|)(:|:/|://|)",
            user in "[a-z]{0,4}:?",
            host in "[a-z.]{0,5}(:[0-9a-z]{0,6})?",
            tail in "[a-z]{0,4}[?#;][a-z]{0,5}",
            secret in "QQ[!-~]{0,12}QQ",
        ) {
            for text in [
                format!("{scheme}{user}{secret}@{host}/{tail}"),
                format!("{scheme}{host}/?token={secret}"),
                format!("{scheme}{host}#{secret}"),
                format!("{scheme}{host}/{tail}={}", secret.replace(['/', '\\'], "-")),
            ] {
                let shown = Shown::endpoint(&text);
                prop_assert!(!shown.text().contains("QQ"), "{} {}", text, shown);
                prop_assert!(!Shown::value(&text).text().contains("QQ"), "{}", text);
                // What is usable has one of these schemes.
                if let Ok(parsed) = Url::parse(&text)
                    && matches!(parsed.scheme(), "http" | "https")
                {
                    let host = parsed.host_str().unwrap_or_default().to_owned();
                    let shown = url(&parsed);
                    prop_assert!(!shown.replace(&host, "").contains("QQ"), "{} {}", text, shown);
                }
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = (Shown::value(&text), Shown::path(&text), Shown::endpoint(&text));
        }
    }
}

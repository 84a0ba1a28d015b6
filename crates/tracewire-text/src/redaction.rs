//! Secrets in URLs: user information, and the values of sensitive query keys.

use crate::REDACTED;
use std::{borrow::Cow, sync::Arc};

/// Keys whose values are redacted by default: those that the conventions name for signed URLs,
/// then the names under which credentials usually travel.
const DEFAULT: [&str; 31] = [
    "AWSAccessKeyId",
    "Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Goog-Signature",
    "sig",
    "access_key",
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "auth_token",
    "authorization",
    "client_secret",
    "code",
    "credential",
    "credentials",
    "id_token",
    "jwt",
    "key",
    "passwd",
    "password",
    "private_key",
    "pwd",
    "refresh_token",
    "secret",
    "session_token",
    "token",
    "x-api-key",
];

/// The query keys whose values never reach a span.
///
/// Keys are compared without regard to case and stay visible; their values become `REDACTED`. The
/// default covers signed URLs of the large clouds and the usual names of credentials; a list of
/// your own replaces it whole.
#[derive(Clone, Debug, Default)]
pub struct SensitiveKeys(Option<Arc<[Box<str>]>>);

impl SensitiveKeys {
    /// Redacts the values of exactly these keys; an empty list redacts none.
    ///
    /// ```
    /// use tracewire_text::SensitiveKeys;
    ///
    /// let keys = SensitiveKeys::new(["card"]);
    /// assert_eq!(keys.redact_query("card=4711&id=1"), "card=REDACTED&id=1");
    /// ```
    pub fn new<I, T>(keys: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: Into<Box<str>>,
    {
        Self(Some(keys.into_iter().map(Into::into).collect()))
    }

    /// `query` with the values of sensitive keys replaced.
    ///
    /// Every other octet stays as it is, in its order; nothing is allocated when nothing is
    /// replaced.
    ///
    /// ```
    /// use tracewire_text::SensitiveKeys;
    ///
    /// let keys = SensitiveKeys::default();
    /// assert_eq!(keys.redact_query("q=otel&sig=4f3a"), "q=otel&sig=REDACTED");
    /// ```
    pub fn redact_query<'a>(&self, query: &'a str) -> Cow<'a, str> {
        let mut redacted = String::new();
        let mut copied = 0;
        let mut start = 0;
        for pair in query.split('&') {
            if let Some((key, value)) = pair.split_once('=')
                && self.contains(key)
            {
                let value_start = start + key.len() + 1;
                redacted.push_str(&query[copied..value_start]);
                redacted.push_str(REDACTED);
                copied = value_start + value.len();
            }
            start += pair.len() + 1;
        }
        if copied == 0 {
            return Cow::Borrowed(query);
        }
        redacted.push_str(&query[copied..]);
        Cow::Owned(redacted)
    }

    /// An absolute URL without user information, and with the values of sensitive keys replaced.
    ///
    /// ```
    /// use tracewire_text::SensitiveKeys;
    ///
    /// let url = SensitiveKeys::default().redact_url("https://ada:pw@shop.example/?sig=4f3a#top");
    /// assert_eq!(url, "https://REDACTED:REDACTED@shop.example/?sig=REDACTED#top");
    /// ```
    pub fn redact_url<'a>(&self, url: &'a str) -> Cow<'a, str> {
        // Without user information and query, as most URLs are, there is nothing to look at.
        if !url.bytes().any(|octet| matches!(octet, b'@' | b'?')) {
            return Cow::Borrowed(url);
        }
        let (rest, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
        let (address, query) = rest.split_at(rest.find('?').map_or(rest.len(), |mark| mark + 1));
        let bare = redact_userinfo(address);
        let query = self.redact_query(query);
        match (&bare, &query) {
            (Cow::Borrowed(_), Cow::Borrowed(_)) => Cow::Borrowed(url),
            _ => Cow::Owned([&*bare, &*query, fragment].concat()),
        }
    }

    fn contains(&self, key: &str) -> bool {
        match &self.0 {
            None => DEFAULT.iter().any(|sensitive| sensitive.eq_ignore_ascii_case(key)),
            Some(keys) => keys.iter().any(|sensitive| sensitive.eq_ignore_ascii_case(key)),
        }
    }
}

/// What replaces user information: the user's name and the password stay two, as the conventions
/// show them.
pub(crate) fn redacted_userinfo(userinfo: &str) -> &'static str {
    if userinfo.contains(':') { "REDACTED:REDACTED@" } else { "REDACTED@" }
}

/// Replaces what stands before the `@` of a URL's authority.
fn redact_userinfo(address: &str) -> Cow<'_, str> {
    let Some(authority_start) = address.find("://").map(|colon| colon + 3) else {
        return Cow::Borrowed(address);
    };
    let (scheme, rest) = address.split_at(authority_start);
    let (authority, path) = rest.split_at(rest.find(['/', '?', '\\']).unwrap_or(rest.len()));
    let Some((userinfo, host)) = authority.rsplit_once('@') else {
        return Cow::Borrowed(address);
    };
    if userinfo.is_empty() || host.is_empty() {
        return Cow::Borrowed(address);
    }
    Cow::Owned([scheme, redacted_userinfo(userinfo), host, path].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sensitive_values_are_replaced_and_nothing_else() {
        let cases = [
            ("", ""),
            ("a=1", "a=1"),
            ("&&secret=val", "&&secret=REDACTED"),
            ("flag&secret=val&other", "flag&secret=REDACTED&other"),
            ("secret=&param=val", "secret=REDACTED&param=val"),
            ("secret", "secret"),
            ("mySecret=value", "mySecret=value"),
            ("token=a=b&x=1", "token=REDACTED&x=1"),
            ("TOKEN=t", "TOKEN=REDACTED"),
            ("sig=1&sig=2", "sig=REDACTED&sig=REDACTED"),
            ("q=a%20b&X-Amz-Signature=0&q=", "q=a%20b&X-Amz-Signature=REDACTED&q="),
        ];
        for (query, expected) in cases {
            assert_eq!(SensitiveKeys::default().redact_query(query), expected);
        }
    }

    #[test]
    fn urls_lose_credentials_and_sensitive_values() {
        let cases = [
            (
                "https://user1:secret@github.com/p@th?foo=b@r",
                "https://REDACTED:REDACTED@github.com/p@th?foo=b@r",
            ),
            ("https://ada@github.com/", "https://REDACTED@github.com/"),
            ("https://github.com/p@th?foo=b@r", "https://github.com/p@th?foo=b@r"),
            ("https://github.com@", "https://github.com@"),
            ("mailto:a@b", "mailto:a@b"),
            ("http://h/?token=t#ref", "http://h/?token=REDACTED#ref"),
            ("http://h/?a=1#token=t", "http://h/?a=1#token=t"),
            ("http://a:b@[::1]:80/x", "http://REDACTED:REDACTED@[::1]:80/x"),
        ];
        for (url, expected) in cases {
            assert_eq!(SensitiveKeys::default().redact_url(url), expected);
        }
    }

    proptest! {
        #[test]
        fn a_sensitive_value_never_survives(
            before in "[a-z=&]{0,12}",
            value in "[0-9]{4,12}",
            after in "[a-z=&]{0,12}",
        ) {
            let query = format!("{before}&password={value}&{after}");
            let redacted = SensitiveKeys::default().redact_query(&query).into_owned();
            prop_assert!(!redacted.contains(&value));
        }

        #[test]
        fn any_url_is_answered(url in "\\PC{0,80}") {
            let keys = SensitiveKeys::default();
            let once = keys.redact_url(&url).into_owned();
            let twice = keys.redact_url(&once).into_owned();
            prop_assert_eq!(&once, &twice);
        }
    }
}

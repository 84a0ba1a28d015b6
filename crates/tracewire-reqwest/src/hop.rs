//! What a 3xx response asks for: the next request, without what was meant for the first origin.

use crate::redirects::{RedirectError, Redirects};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, REFERER, TRANSFER_ENCODING,
    },
};
use reqwest::{Request, Response, Url};
use tracewire_text::percent;

/// The longest `Location` that is followed, in bytes: the longest URL that `http::Uri` takes.
const LOCATION_LIMIT: usize = 65_534;

/// Headers with one of these in their name are taken for credentials.
const CREDENTIALS: [&str; 12] = [
    "auth",
    "cert",
    "cookie",
    "credential",
    "csrf",
    "jwt",
    "key",
    "passw",
    "secret",
    "session",
    "signature",
    "token",
];

/// What is done about a response.
pub(crate) enum Step {
    /// The caller gets it.
    GiveBack,
    Follow(Box<Hop>),
    Fail(RedirectError),
}

/// The request that a redirect leads to.
pub(crate) struct Hop {
    pub(crate) request: Request,
    pub(crate) cross_origin: bool,
}

/// What is kept of a request while it is sent.
pub(crate) struct Kept {
    request: Request,
    /// Whether the body is kept too.
    whole: bool,
}

impl Kept {
    pub(crate) fn of(request: &Request) -> Self {
        if let Some(request) = request.try_clone() {
            return Self { request, whole: true };
        }
        let mut kept = Request::new(request.method().clone(), request.url().clone());
        *kept.headers_mut() = request.headers().clone();
        *kept.version_mut() = request.version();
        *kept.timeout_mut() = request.timeout().copied();
        Self { request: kept, whole: false }
    }

    /// What `response` asks for.
    pub(crate) fn step(self, response: &Response, redirects: Redirects) -> Step {
        let Self { mut request, mut whole } = self;
        let Some((method, bodyless)) = method(response.status(), request.method()) else {
            return Step::GiveBack;
        };
        let Some(url) = response.headers().get(LOCATION).and_then(|to| resolve(request.url(), to))
        else {
            return Step::GiveBack;
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Step::Fail(RedirectError::Scheme);
        }
        *request.method_mut() = method;
        if bodyless {
            *request.body_mut() = None;
            whole = true;
            for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING] {
                request.headers_mut().remove(name);
            }
        }
        let cross_origin = !same_origin(request.url(), &url);
        let may_leave = redirects.cross_origin
            && !has_body(&request)
            && (request.url().scheme(), url.scheme()) != ("https", "http");
        if !whole || (cross_origin && !may_leave) {
            return Step::GiveBack;
        }
        let previous = std::mem::replace(request.url_mut(), url);
        let headers = request.headers_mut();
        if cross_origin {
            remove_credentials(headers);
        }
        if redirects.referer
            && let Some(referer) = referer(previous, cross_origin)
        {
            headers.insert(REFERER, referer);
        }
        Step::Follow(Box::new(Hop { request, cross_origin }))
    }
}

/// The method of the next request, and whether it goes without the body; none if `status` is no
/// redirect.
fn method(status: StatusCode, method: &Method) -> Option<(Method, bool)> {
    match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if method == Method::POST => {
            Some((Method::GET, true))
        }
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => Some((method.clone(), false)),
        StatusCode::SEE_OTHER if method == Method::HEAD => Some((Method::HEAD, true)),
        StatusCode::SEE_OTHER => Some((Method::GET, true)),
        _ => None,
    }
}

/// Where `location` leads from `base`, if it may be followed at all.
fn resolve(base: &Url, location: &HeaderValue) -> Option<Url> {
    if location.len() > LOCATION_LIMIT {
        return None;
    }
    // As browsers read a location that is not ASCII.
    let mut url = base.join(&percent::encode_non_ascii(location.as_bytes())).ok()?;
    let user_information =
        |url: &Url| (url.username().to_owned(), url.password().map(str::to_owned));
    let named = user_information(&url);
    let inherited = same_origin(base, &url) && named == user_information(base);
    if named != Default::default() && !inherited {
        return None;
    }
    // RFC 9110, 10.2.2: a target without a fragment inherits it. It is never sent.
    if url.fragment().is_none() {
        url.set_fragment(base.fragment());
    }
    Some(url)
}

fn same_origin(a: &Url, b: &Url) -> bool {
    a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
        && a.scheme() == b.scheme()
}

fn has_body(request: &Request) -> bool {
    request.body().is_some_and(|body| body.as_bytes().is_none_or(|bytes| !bytes.is_empty()))
}

/// Removes what was meant for one origin alone.
fn remove_credentials(headers: &mut HeaderMap) {
    let meant_for_one = |(name, value): (&HeaderName, &HeaderValue)| {
        let credential = CREDENTIALS.iter().any(|part| name.as_str().contains(part));
        (credential || value.is_sensitive() || [HOST, REFERER].contains(name)).then(|| name.clone())
    };
    let names: Vec<_> = headers.iter().filter_map(meant_for_one).collect();
    for name in names {
        headers.remove(name);
    }
}

/// `previous` without user information and fragment; for another origin without its path too.
fn referer(mut previous: Url, cross_origin: bool) -> Option<HeaderValue> {
    previous.set_username("").ok()?;
    previous.set_password(None).ok()?;
    previous.set_fragment(None);
    if cross_origin {
        previous.set_path("/");
        previous.set_query(None);
    }
    previous.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn resolved(base: &str, location: &[u8]) -> Option<String> {
        let location = HeaderValue::from_bytes(location).unwrap();
        resolve(&base.parse().unwrap(), &location).map(String::from)
    }

    #[test]
    fn a_location_is_resolved_as_browsers_do() {
        let cases: &[(&str, &[u8], &str)] = &[
            ("http://h/a/b?q", b"c", "http://h/a/c"),
            ("http://h/a/b", b"/c", "http://h/c"),
            ("http://h/a/b", b"//Other:80/c", "http://other/c"),
            ("http://h/a", b"?q=1", "http://h/a?q=1"),
            ("http://h/a", b"", "http://h/a"),
            ("http://h/a", b" /b\t", "http://h/b"),
            ("http://h/a#f", b"/b", "http://h/b#f"),
            ("http://h/a#f", b"/b#g", "http://h/b#g"),
            ("http://h/a#f", b"http://other/b", "http://other/b#f"),
            ("http://h/a", "/é?é=ü#é".as_bytes(), "http://h/%C3%A9?%C3%A9=%C3%BC#%C3%A9"),
            ("http://h/a", b"/\xe9?\xe9", "http://h/%E9?%E9"),
            ("http://h/a", "http://münchen.example/".as_bytes(), "http://xn--mnchen-3ya.example/"),
            ("http://ada:pw@h/a", b"/b", "http://ada:pw@h/b"),
            ("http://ada:pw@h/a", b"http://h/b", "http://h/b"),
            ("http://ada:pw@h/a", b"//other/b", "http://other/b"),
        ];
        for (base, location, expected) in cases {
            let location_text = String::from_utf8_lossy(location);
            assert_eq!(resolved(base, location).as_deref(), Some(*expected), "{location_text}");
        }
    }

    #[test]
    fn a_location_that_cannot_be_trusted_leads_nowhere() {
        let long = format!("/{}", "x".repeat(LOCATION_LIMIT));
        for location in [
            "http://[/",
            "http://ada:pw@h/",
            "http://ada@other/",
            "//:pw@other/",
            "http://me:pw@other/",
            &long,
        ] {
            assert_eq!(resolved("http://me:pw@h/", location.as_bytes()), None, "{location}");
        }
    }

    #[test]
    fn origins_are_scheme_host_and_port() {
        let same = |a: &str, b: &str| same_origin(&a.parse().unwrap(), &b.parse().unwrap());
        assert!(same("http://h/a", "http://H:80/b?c"));
        assert!(same("https://bücher.example/", "https://XN--BCHER-KVA.example:443/"));
        assert!(same("http://127.0.0.1/", "http://2130706433/"));
        for other in ["https://h/", "http://h:81/", "http://i/", "http://h./", "http://a.h/"] {
            assert!(!same("http://h/", other), "{other}");
        }
    }

    #[test]
    fn credentials_are_told_by_name_and_mark() {
        let mut headers = HeaderMap::new();
        let credentials = [
            "authorization",
            "cookie",
            "cookie2",
            "proxy-authorization",
            "www-authenticate",
            "x-api-key",
            "x-amz-security-token",
            "private-token",
            "x-vault-token",
            "x-csrf-token",
            "host",
            "referer",
        ];
        for name in credentials {
            headers.append(name, "a".parse().unwrap());
            headers.append(name, "b".parse().unwrap());
        }
        let mut marked = HeaderValue::from_static("a");
        marked.set_sensitive(true);
        headers.insert("x-plain", marked);
        for name in ["accept", "user-agent", "x-request-id", "content-type"] {
            headers.insert(name, "a".parse().unwrap());
        }
        remove_credentials(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "content-type", "user-agent", "x-request-id"]);
    }

    /// Hosts, user information and paths as attackers and servers write them.
    fn location() -> impl Strategy<Value = String> {
        let scheme = "(|//|https?:/{0,3}|HTTP://|ftp://|javascript:|\\\\\\\\)";
        let user = "(|ada@|ada:pw@|@|h@|h:80@|%40)";
        let host = "(|h|H|h\\.|other|h\\.other|\\[::1\\]|127\\.1|2130706433|bücher|xn--bcher-kva)";
        let rest = "(|:80|:443|:8080|:)(|/|/\\.\\./a|\\?q|#f|/é|\\\\a|/@other)";
        (scheme, user, host, rest)
            .prop_map(|(scheme, user, host, rest)| [scheme, user, host, rest].concat())
    }

    proptest! {
        #[test]
        fn no_location_takes_user_information_along(
            base in "https?://(|me:SECRET@)h(|:80|:8080)/a(|#f)",
            location in prop_oneof![location(), "\\PC{0,40}"],
        ) {
            let base: Url = base.parse().unwrap();
            let value = HeaderValue::from_bytes(location.as_bytes()).unwrap();
            if let Some(url) = resolve(&base, &value) {
                let same = url.origin() == base.origin();
                if matches!(url.scheme(), "http" | "https") {
                    prop_assert_eq!(same_origin(&base, &url), same);
                }
                prop_assert!(same || !url.as_str().contains("SECRET"), "{}", url);
                prop_assert!(url.username().is_empty() || url.username() == "me", "{}", url);
            }
        }

        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(0x20_u8.., 0..80)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let base = "http://h/a".parse().unwrap();
                prop_assert!(resolve(&base, &value).is_none_or(|url| url.as_str().is_ascii()));
            }
        }
    }
}

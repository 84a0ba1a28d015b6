//! What must hold wherever redirects lead.

use http::{Response, header};
use reqwest::{Method, Request, Url};
use tracewire_reqwest::{Redirects, fuzzing::next};

/// What must not leave its origin.
const SECRET: &str = "M4RKED";
const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// Follows redirects: the first line is where the request is sent, and each other line a redirect, whose
/// first byte chooses the status and whose rest is its `Location`.
pub fn follow(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else { return };
    let mut lines = data.split(|&byte| byte == b'\n');
    let first = lines.next().and_then(|line| std::str::from_utf8(line).ok());
    let Some(mut url) = first.and_then(|first| first.parse::<Url>().ok()) else { return };
    if !matches!(url.scheme(), "http" | "https") || data.windows(6).any(|w| w == SECRET.as_bytes())
    {
        return;
    }
    // An attacker does not know who is called by whom.
    if url.set_username("me").and_then(|()| url.set_password(Some(SECRET))).is_err() {
        return;
    }
    url.set_query(Some("token=M4RKED"));
    let methods = [Method::GET, Method::POST, Method::HEAD, Method::PUT];
    let mut request = Request::new(methods[usize::from(choice) % methods.len()].clone(), url);
    for name in ["authorization", "cookie", "x-api-key", "proxy-authorization"] {
        request.headers_mut().insert(name, SECRET.parse().expect("it is text"));
    }
    if choice % 2 == 1 {
        *request.body_mut() = Some(SECRET.into());
    }
    let cross_origin = choice & 0x10 != 0;
    let redirects =
        Redirects::limited(10).follow_cross_origin(cross_origin).referer(choice & 0x20 != 0);
    let mut has_left = false;
    for line in lines.take(20) {
        let Some((&status, location)) = line.split_first() else { continue };
        let status = STATUSES[usize::from(status) % STATUSES.len()];
        let response =
            Response::builder().status(status).header(header::LOCATION, location).body("");
        let Ok(response) = response else { continue };
        let Some((followed, crosses)) = next(&request, &response.into(), redirects) else {
            continue;
        };
        let (from, to) = (request.url().clone(), followed.url().clone());
        assert!(matches!(to.scheme(), "http" | "https"), "{to}");
        assert_eq!(crosses, from.origin() != to.origin(), "{from} {to}");
        assert!(to.username().is_empty() || to.username() == "me", "{to}");
        if crosses {
            assert!(cross_origin, "{from} {to}");
            assert_ne!((from.scheme(), to.scheme()), ("https", "http"), "{from} {to}");
            has_left = true;
        }
        if has_left {
            assert!(!to.as_str().contains(SECRET), "{from} {to}");
            let shown =
                |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let leaks = followed.headers().iter().any(|(_, value)| shown(value).contains(SECRET));
            assert!(!leaks, "{from} {to} {:?}", followed.headers());
            assert!(followed.body().is_none(), "{from} {to}");
        }
        request = followed;
    }
}

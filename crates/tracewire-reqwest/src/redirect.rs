//! Follows redirects hop by hop, each a call of its own.

use crate::middleware::{Answered, send};
use http::{
    Extensions, HeaderMap, HeaderValue, Method, StatusCode,
    header::{
        AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, LOCATION,
        PROXY_AUTHORIZATION, REFERER, TRANSFER_ENCODING, WWW_AUTHENTICATE,
    },
};
use reqwest::{Request, Response, Url};
use reqwest_middleware::{Error, Next, Result};
use std::{fmt, sync::Arc, time::Instant};
use tracewire_http::{Attempts, CallOptions, ClientSettings, ErrorType};

/// How redirects are followed by [`ClientMiddleware::redirects`](crate::ClientMiddleware::redirects).
///
/// It follows as reqwest does by default: 301, 302, 303, 307 and 308 with a `Location`, at most ten;
/// `POST` becomes `GET` for 301 and 302, everything but `HEAD` does for 303, and then the body and
/// the headers that describe it go; a body that is a stream cannot be sent again, so its 307 and
/// 308 are given back; `Authorization`, `Cookie`, `Proxy-Authorization` and `WWW-Authenticate` do
/// not leave for another host, port or scheme; `Referer` is set, except from `https` to `http`.
///
/// What differs: a `Host` header does not leave for another host either; a time limit that the
/// request has covers all hops, one that the client has covers each; too many redirects are a
/// [`RedirectError`] of the middleware, no error of reqwest's.
///
/// The client below must not follow redirects itself:
///
/// ```
/// use reqwest::redirect::Policy;
/// use reqwest_middleware::ClientBuilder;
/// use tracewire_reqwest::{ClientMiddleware, Redirects};
///
/// # fn client() -> reqwest::Result<()> {
/// let plain = reqwest::Client::builder().redirect(Policy::none()).build()?;
/// let client = ClientBuilder::new(plain)
///     .with(ClientMiddleware::new().redirects(Redirects::default()))
///     .build();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Redirects {
    max: usize,
}

impl Redirects {
    /// Follows at most `max` redirects of a request.
    pub fn limited(max: usize) -> Self {
        Self { max }
    }
}

impl Default for Redirects {
    /// At most ten.
    fn default() -> Self {
        Self::limited(10)
    }
}

/// Why a redirect was not followed. It is the source of a `reqwest_middleware::Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectError {
    /// There were more redirects than allowed.
    TooMany,
    /// It led to a URL that is neither `http` nor `https`.
    Scheme,
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMany => "too many redirects",
            Self::Scheme => "redirect to a URL that is not HTTP",
        })
    }
}

impl std::error::Error for RedirectError {}

/// Sends `request`, then whatever the redirects ask for.
pub(crate) async fn follow(
    settings: &Arc<ClientSettings>,
    redirects: Redirects,
    mut request: Request,
    extensions: &mut Extensions,
    next: Next<'_>,
) -> Result<Response> {
    let deadline = request.timeout().and_then(|limit| Instant::now().checked_add(*limit));
    let mut hops = 0;
    loop {
        let kept = Kept::of(&request);
        let Answered { call, result } = send(settings, request, extensions, next.clone()).await;
        let Ok(response) = result else { return Answered { call, result }.end() };
        let Some((mut hop, cross_host)) = kept.redirected(&response) else {
            return Answered { call, result: Ok(response) }.end();
        };
        let refused = if hops >= redirects.max {
            Some(RedirectError::TooMany)
        } else if !matches!(hop.url().scheme(), "http" | "https") {
            Some(RedirectError::Scheme)
        } else {
            None
        };
        let alone = call.is_none();
        Answered::end_at_head(call, refused.map(|_| ErrorType::Redirect));
        if let Some(refused) = refused {
            return Err(Error::middleware(refused));
        }
        if alone && cross_host && !is_untraced(extensions) {
            // What a middleware around this one wrote was meant for the first host.
            settings.withdraw(hop.headers_mut());
        }
        if let Some(deadline) = deadline {
            *hop.timeout_mut() = Some(deadline.saturating_duration_since(Instant::now()));
        }
        Attempts::redirect(extensions, hop.method(), hop.url().as_str());
        request = hop;
        hops += 1;
    }
}

fn is_untraced(extensions: &Extensions) -> bool {
    extensions.get::<CallOptions>().is_some_and(CallOptions::is_untraced)
}

/// What is kept of a request while it is sent.
struct Kept {
    request: Request,
    /// Whether the body is kept too.
    whole: bool,
}

impl Kept {
    fn of(request: &Request) -> Self {
        if let Some(request) = request.try_clone() {
            return Self { request, whole: true };
        }
        let mut kept = Request::new(request.method().clone(), request.url().clone());
        *kept.headers_mut() = request.headers().clone();
        *kept.version_mut() = request.version();
        *kept.timeout_mut() = request.timeout().copied();
        Self { request: kept, whole: false }
    }

    /// The request that `response` asks for, and whether it goes to another host, port or scheme.
    fn redirected(self, response: &Response) -> Option<(Request, bool)> {
        let Self { mut request, mut whole } = self;
        let (method, bodyless) = match response.status() {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND
                if request.method() == Method::POST =>
            {
                (Method::GET, true)
            }
            StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT => (request.method().clone(), false),
            StatusCode::SEE_OTHER if request.method() == Method::HEAD => (Method::HEAD, true),
            StatusCode::SEE_OTHER => (Method::GET, true),
            _ => return None,
        };
        let location = response.headers().get(LOCATION)?;
        let url = request.url().join(str::from_utf8(location.as_bytes()).ok()?).ok()?;
        *request.method_mut() = method;
        if bodyless {
            *request.body_mut() = None;
            whole = true;
            for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING] {
                request.headers_mut().remove(name);
            }
        }
        if !whole {
            return None;
        }
        let previous = std::mem::replace(request.url_mut(), url);
        let cross_host = !same_origin(&previous, request.url());
        if cross_host {
            remove_sensitive(request.headers_mut());
        }
        if let Some(referer) = referer(&previous, request.url()) {
            request.headers_mut().insert(REFERER, referer);
        }
        Some((request, cross_host))
    }
}

fn same_origin(a: &Url, b: &Url) -> bool {
    a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
        && a.scheme() == b.scheme()
}

/// Removes what was meant for one host alone.
fn remove_sensitive(headers: &mut HeaderMap) {
    for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, WWW_AUTHENTICATE, HOST] {
        headers.remove(name);
    }
    headers.remove("cookie2");
}

/// `previous` without credentials and fragment, unless it was more private than `next` is.
fn referer(previous: &Url, next: &Url) -> Option<HeaderValue> {
    if previous.scheme() == "https" && next.scheme() == "http" {
        return None;
    }
    let mut referer = previous.clone();
    referer.set_username("").ok()?;
    referer.set_password(None).ok()?;
    referer.set_fragment(None);
    referer.as_str().parse().ok()
}

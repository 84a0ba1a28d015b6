//! The page as a Tower service.

pub use tracewire_text::host::PeerAddress;

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, LOCATION, REFERRER_POLICY,
    SET_COOKIE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{Extensions, HeaderValue, Method, Request, Response, StatusCode, Uri};
use tower_service::Service;

use crate::api::{self, path::Target};
use crate::changes::{ChangeStream, Shutdown};
use crate::live::Live;
use crate::page;
use crate::recorder::Recorder;
use crate::response::{PageBody, content};
use crate::security::{Access, Caller, Permit, cookie_name, is_proxied, port};

/// A stream of a mounted page ends after this time and is opened again, because servers wait for
/// open responses before they shut down.
const MOUNTED_STREAM: Duration = Duration::from_secs(2);
/// Tokens of other lengths are refused.
const TOKEN: std::ops::RangeInclusive<usize> = 16..=256;

/// The page, its data and its stream of changes, as a Tower service.
///
/// Mounted, it answers callers on the same host only: their address has to be known (by axum's
/// `ConnectInfo` with the feature `axum`, by [`PeerAddress`], or by [`peer_from`](Self::peer_from)), and no proxy may have passed the request on.
/// Others need the [token](Self::token). Who is refused gets 404.
///
/// Mount it after the tracing layer, so that its own requests are not traced.
///
/// ```
/// use tracewire_live::Live;
///
/// let recorder = Live::new().build();
/// let page = recorder.page().mounted_at("/live").token("0123456789abcdef")?;
/// // A Tower service. With axum: `router.nest_service("/live", page)`.
/// # Ok::<(), tracewire_live::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct LivePage {
    recorder: Recorder,
    access: Arc<Access>,
    peer: fn(&Extensions) -> Option<SocketAddr>,
    on_unknown_peer: Option<fn()>,
    path: Option<Arc<str>>,
    stream_for: Option<Duration>,
    shutdown: Option<Shutdown>,
}

impl fmt::Debug for LivePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivePage").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A setting of the page that cannot be used.
///
/// ```
/// use tracewire_live::{ConfigError, Live};
///
/// let refused = Live::new().build().page().token("short");
/// assert_eq!(refused.unwrap_err(), ConfigError::Token);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// A token has 16 to 256 characters, each an ASCII letter, a digit or one of `-._~!$*:=@/`, as it
    /// stands in addresses and cookies.
    Token,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token => f.write_str(
                "the token of the live page must have 16 to 256 characters, each an ASCII letter, a \
                 digit or one of - . _ ~ ! $ * : = @ /",
            ),
        }
    }
}

impl std::error::Error for ConfigError {}

impl LivePage {
    pub(crate) fn mounted(recorder: Recorder) -> Self {
        Self {
            recorder,
            access: Arc::new(Access { is_mounted: true, ..Access::default() }),
            peer,
            on_unknown_peer: None,
            path: None,
            stream_for: Some(MOUNTED_STREAM),
            shutdown: None,
        }
    }

    /// Makes a page that answers every request with 404, for programs that turn the page off.
    pub fn off() -> Self {
        let mut page = Self::mounted(Live::new().memory_mib(0).build());
        page.access = Arc::new(Access { is_off: true, ..Access::default() });
        page
    }

    pub(crate) fn on_its_own(recorder: Recorder) -> Self {
        let mounted = Self::mounted(recorder);
        Self { access: Arc::default(), stream_for: None, ..mounted }
    }

    /// Answers callers that send this token, in `Authorization: Bearer` or once as `?token=…`.
    ///
    /// # Errors
    ///
    /// Fails if the token is shorter than 16 characters or longer than 256, or has characters that
    /// cannot stand in an address or a cookie.
    pub fn token(mut self, token: &str) -> Result<Self, ConfigError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$*:=@/".contains(&byte);
        if !TOKEN.contains(&token.len()) || !token.bytes().all(is_plain) {
            return Err(ConfigError::Token);
        }
        Arc::make_mut(&mut self.access).token = Some(token.into());
        Ok(self)
    }

    /// Answers requests to this name too. Names of the same host, such as `localhost`, are known. Callers
    /// with the [token](Self::token) may use any name.
    pub fn allow_host(mut self, name: &str) -> Self {
        Arc::make_mut(&mut self.access).hosts.push(name.to_ascii_lowercase().into());
        self
    }

    /// Finds the caller's address in a request's extensions, instead of by [`PeerAddress`].
    pub fn peer_from(mut self, find: fn(&Extensions) -> Option<SocketAddr>) -> Self {
        self.peer = find;
        self
    }

    /// Calls this for each request that is refused because the server does not say the caller's address, so
    /// that the mistake can be logged. A page with a token needs no address, and never calls it.
    pub fn on_unknown_peer(mut self, call: fn()) -> Self {
        self.on_unknown_peer = Some(call);
        self
    }

    /// Sets the path that browsers see the page at, which limits its cookie to that path.
    ///
    /// By default, a page on a port of its own takes the whole port, and one that axum nests (feature
    /// `axum`) the path it is nested at. Otherwise, and behind a proxy, browsers choose the folder of the
    /// address at which the token was given: all of the host for `/live?token=…`. Set the path behind a proxy
    /// that strips a prefix.
    pub fn mounted_at(mut self, path: &str) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Leaves streams open until `shutdown` completes, instead of for 2 seconds.
    ///
    /// Give the future that ends the server, which waits for open streams. [`Recorder::close_streams`] ends
    /// them, too.
    pub fn streams_until(mut self, shutdown: impl Future<Output = ()> + Send + 'static) -> Self {
        self.stream_for = None;
        self.shutdown = Some(Shutdown::when(shutdown));
        self
    }

    /// Decides whether the page would answer data to a request with this head: by its host, its peer,
    /// its token and its origin. For other services that follow the rules of the page.
    ///
    /// # Errors
    ///
    /// Fails with the status that the page answers.
    pub fn check(&self, head: &http::request::Parts) -> Result<(), StatusCode> {
        let caller = Caller {
            uri: &head.uri,
            headers: &head.headers,
            peer: (self.peer)(&head.extensions),
            is_api: true,
        };
        self.access.check(&caller).map(drop)
    }

    #[cfg(feature = "server")]
    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub(crate) fn has_token(&self) -> bool {
        self.access.token.is_some()
    }

    fn respond<B>(&self, request: &Request<B>) -> Response<PageBody> {
        let target = Target::parse(request.uri().path());
        let caller = Caller {
            uri: request.uri(),
            headers: request.headers(),
            peer: (self.peer)(request.extensions()),
            is_api: matches!(target, Some(Target::Api(_))),
        };
        if caller.peer.is_none()
            && !self.has_token()
            && let Some(call) = self.on_unknown_peer
        {
            call();
        }
        let mut response = match self.access.check(&caller) {
            Err(status) => refusal(status),
            Ok(_) if !matches!(*request.method(), Method::GET | Method::HEAD) => {
                let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED);
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
                response
            }
            Ok(Permit::TokenInAddress) => self.without_token(&caller, request.extensions()),
            Ok(Permit::Granted) => self.answer(target, request),
        };
        secure(&mut response);
        if request.method() == Method::HEAD {
            *response.body_mut() = PageBody::default();
        }
        response
    }

    fn answer<B>(&self, target: Option<Target<'_>>, request: &Request<B>) -> Response<PageBody> {
        match target {
            None => refusal(StatusCode::NOT_FOUND),
            Some(Target::Page(trace)) => {
                let is_here = trace.is_none_or(|id| api::trace::find(&self.recorder, id).is_ok());
                let status = if is_here { StatusCode::OK } else { StatusCode::NOT_FOUND };
                let is_below = !request.uri().path().trim_matches('/').is_empty();
                content(status, "text/html; charset=utf-8", page::page(is_below))
            }
            Some(Target::Api(api::path::Api::Changes)) => self.changes(request),
            Some(Target::Api(wanted)) => api::answer(&self.recorder, wanted, request.uri().query()),
        }
    }

    fn changes<B>(&self, request: &Request<B>) -> Response<PageBody> {
        if request.method() == Method::HEAD {
            return content(StatusCode::OK, "text/event-stream", Bytes::new());
        }
        let (since, open) = api::changes(&self.recorder, request);
        let recorder = self.recorder.clone();
        let shutdown = self.shutdown.clone();
        match ChangeStream::open(recorder, since, open, self.stream_for, shutdown) {
            Some(stream) => {
                let mut response = content(StatusCode::OK, "text/event-stream", Bytes::new());
                *response.body_mut() = PageBody::stream(stream);
                response
            }
            None => {
                let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE);
                response
                    .headers_mut()
                    .insert(http::header::RETRY_AFTER, HeaderValue::from_static("2"));
                response
            }
        }
    }

    /// Moves the token from the address, which browsers remember and show, to a cookie.
    fn without_token(&self, caller: &Caller<'_>, extensions: &Extensions) -> Response<PageBody> {
        let token = self.access.token.as_deref().unwrap_or_default();
        let name = cookie_name(port(caller));
        let path = self.mount(caller.uri, extensions);
        let path = path.map(|path| format!("; Path={path}")).unwrap_or_default();
        let cookie = format!("{name}={token}; HttpOnly; SameSite=Strict");
        // A proxy may have stripped a prefix. Then the browser's own default, the folder of the address, holds.
        let by_default =
            self.path.is_none() && self.access.is_mounted && is_proxied(caller.headers);
        let pairs = caller.uri.query().unwrap_or_default().split('&');
        let rest: Vec<_> = pairs.filter(|pair| !pair.starts_with("token=")).collect();
        // Relative to the address that the browser sees, which a mount or a proxy may have changed.
        let location = format!("?{}", rest.join("&"));
        let mut response = refusal(StatusCode::SEE_OTHER);
        let headers = response.headers_mut();
        if let Ok(location) = location.try_into() {
            headers.insert(LOCATION, location);
        }
        let cookies = [Some(format!("{cookie}{path}")), by_default.then_some(cookie)];
        for cookie in cookies.into_iter().flatten().filter_map(|cookie| cookie.try_into().ok()) {
            headers.append(SET_COOKIE, cookie);
        }
        response
    }

    /// The path that the page is mounted at, if anything tells.
    fn mount(&self, uri: &Uri, extensions: &Extensions) -> Option<String> {
        if let Some(path) = &self.path {
            return Some(path.to_string());
        }
        if self.access.is_mounted { nested_at(uri, extensions) } else { Some("/".to_owned()) }
    }
}

impl Recorder {
    /// Returns the page, as a Tower service to mount.
    pub fn page(&self) -> LivePage {
        LivePage::mounted(self.clone())
    }

    /// Returns the page for a port of its own, see `Server`.
    pub fn own_page(&self) -> LivePage {
        LivePage::on_its_own(self.clone())
    }
}

impl<B> Service<Request<B>> for LivePage {
    type Response = Response<PageBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.respond(&request)))
    }
}

/// The caller's address as servers insert it: the server of this crate and, with the feature `axum`,
/// axum's.
fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    let own = extensions.get().map(|PeerAddress(address)| *address);
    #[cfg(feature = "axum")]
    let own = own.or_else(|| {
        let found = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>();
        found.map(|axum::extract::ConnectInfo(address)| *address)
    });
    own
}

/// Where axum has nested the page: the address as it was asked for, without what is left of it here.
#[cfg(feature = "axum")]
fn nested_at(uri: &Uri, extensions: &Extensions) -> Option<String> {
    let axum::extract::OriginalUri(original) = extensions.get()?;
    let asked = original.path().trim_end_matches('/');
    let mount = asked.strip_suffix(uri.path().trim_end_matches('/'))?;
    // What follows a semicolon would be another attribute of the cookie.
    let mount = Some(mount).filter(|mount| !mount.contains(';'))?;
    Some(if mount.is_empty() { "/" } else { mount }.to_owned())
}

#[cfg(not(feature = "axum"))]
fn nested_at(_uri: &Uri, _extensions: &Extensions) -> Option<String> {
    None
}

/// Makes a response that says no more than its status, and what to do.
fn refusal(status: StatusCode) -> Response<PageBody> {
    let reason = status.canonical_reason().unwrap_or_default();
    let advice = match status {
        StatusCode::UNAUTHORIZED => {
            ": open this page once with ?token=..., or send Authorization: Bearer ..."
        }
        StatusCode::FORBIDDEN => {
            ": without a token this page is only for this host, and not through a proxy"
        }
        StatusCode::MISDIRECTED_REQUEST => {
            ": this page answers at localhost, 127.0.0.1, [::1] and the names its program allows; any other \
             name needs the token"
        }
        _ => "",
    };
    let mut response = content(status, "text/plain; charset=utf-8", format!("{reason}{advice}\n"));
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Adds the headers that every response has.
fn secure(response: &mut Response<PageBody>) {
    let same_origin = HeaderValue::from_static("same-origin");
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    headers.insert(opener, same_origin.clone());
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), same_origin);
}

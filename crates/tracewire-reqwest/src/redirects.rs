//! Which redirects are followed here, and what tells of them.

use std::fmt;

/// How [`ClientMiddleware::redirects`](crate::ClientMiddleware::redirects) follows redirects.
///
/// The default follows redirects to the same origin, which is the same scheme, host and port, at
/// most ten of a request. **A redirect to another origin is given back to the caller**, who finds
/// the 3xx response with its `Location`: see [`follow_cross_origin`](Self::follow_cross_origin) for
/// why.
///
/// Everything else is as in reqwest: 301, 302, 303, 307 and 308 with a `Location` are redirects;
/// `POST` becomes `GET` for 301 and 302, and everything but `HEAD` does for 303, which drops the body
/// and the headers that describe it; a body that is a stream cannot be sent again, so its 307 and
/// 308 are given back.
///
/// These are given back too:
///
/// - a `Location` that is no URL, is longer than 64 KiB, or brings user information of its own
///   ([RFC 9110, 4.2.4](https://www.rfc-editor.org/rfc/rfc9110#section-4.2.4));
/// - any redirect from `https` to `http`.
///
/// A time limit that the request has covers all hops; one that the client has covers each. Too many
/// redirects, and redirects to a scheme that is not HTTP, are a [`RedirectError`].
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
#[must_use]
pub struct Redirects {
    pub(crate) max: usize,
    pub(crate) cross_origin: bool,
    pub(crate) referer: bool,
}

impl Redirects {
    /// Follows at most `max` redirects of a request.
    pub fn limited(max: usize) -> Self {
        Self { max, cross_origin: false, referer: false }
    }

    /// Follows redirects to other origins too. Default: no, the caller gets the 3xx response.
    ///
    /// **This can hand your credentials to any host that the server redirects to.** The middleware removes
    /// credentials from the request itself: headers that are marked as sensitive, and those whose
    /// name says that they carry a credential, a cookie, a key or a token. It cannot see what is
    /// added after it, at every hop:
    ///
    /// - `default_headers` of the [`reqwest::Client`];
    /// - headers that middlewares inside this one add. They can look for [`Redirected`] in the
    ///   request's extensions and leave a redirected request alone.
    ///
    /// Turn it on only if neither adds a credential, or the middleware that does looks for
    /// [`Redirected`]. Without [`redirects`](crate::ClientMiddleware::redirects) reqwest follows
    /// redirects itself and removes `default_headers` as well, at the price of one span for all
    /// hops.
    ///
    /// No request body, no `Host` and no `Referer` reaches another origin, and trace context and
    /// baggage go by [`destinations`](crate::ClientMiddleware::destinations). What was removed stays
    /// away for the rest of the chain, even if it leads back.
    pub fn follow_cross_origin(mut self, follow: bool) -> Self {
        self.cross_origin = follow;
        self
    }

    /// Sets `Referer` on each hop. Default: no.
    ///
    /// It is the URL before the redirect without user information and fragment; for another origin
    /// only that URL's origin, as in browsers.
    pub fn referer(mut self, send: bool) -> Self {
        self.referer = send;
        self
    }
}

impl Default for Redirects {
    /// At most ten, to the same origin.
    fn default() -> Self {
        Self::limited(10)
    }
}

/// Tells middlewares inside [`ClientMiddleware`](crate::ClientMiddleware) that it sends a request
/// because of a redirect. It is in the request's extensions.
///
/// A middleware that adds credentials must not add them to a request that left its origin:
///
/// ```
/// use http::Extensions;
/// use reqwest::{Request, Response, header};
/// use reqwest_middleware::{Middleware, Next, Result};
/// use tracewire_reqwest::Redirected;
///
/// struct Bearer(header::HeaderValue);
///
/// #[async_trait::async_trait]
/// impl Middleware for Bearer {
///     async fn handle(
///         &self,
///         mut request: Request,
///         extensions: &mut Extensions,
///         next: Next<'_>,
///     ) -> Result<Response> {
///         let redirected = extensions.get::<Redirected>();
///         if !redirected.is_some_and(|redirected| redirected.is_cross_origin()) {
///             request.headers_mut().insert(header::AUTHORIZATION, self.0.clone());
///         }
///         next.run(request, extensions).await
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redirected {
    count: usize,
    cross_origin: bool,
}

impl Redirected {
    /// How many redirects led to this request, from 1.
    pub fn count(self) -> usize {
        self.count
    }

    /// Whether any of these redirects led to another origin: another scheme, host or port.
    ///
    /// It stays so even if a later redirect leads back, because the other origin chose that URL.
    pub fn is_cross_origin(self) -> bool {
        self.cross_origin
    }

    pub(crate) fn and_then(self, cross_origin: bool) -> Self {
        Self {
            count: self.count.saturating_add(1),
            cross_origin: self.cross_origin || cross_origin,
        }
    }
}

/// Why a redirect was not followed. It is the source of a `reqwest_middleware::Error`.
///
/// ```
/// use std::error::Error;
/// use tracewire_reqwest::RedirectError;
///
/// fn is_loop(error: &reqwest_middleware::Error) -> bool {
///     let mut cause: Option<&(dyn Error + 'static)> = Some(error);
///     while let Some(error) = cause {
///         if error.downcast_ref() == Some(&RedirectError::TooMany) {
///             return true;
///         }
///         cause = error.source();
///     }
///     false
/// }
/// ```
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

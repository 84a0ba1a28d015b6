//! Middleware that traces reqwest calls with OpenTelemetry.
//!
//! ```
//! use reqwest_middleware::ClientBuilder;
//! use tracewire_reqwest::ClientMiddleware;
//!
//! # async fn call() -> reqwest_middleware::Result<()> {
//! let client =
//!     ClientBuilder::new(reqwest::Client::new()).with(ClientMiddleware::new()).build();
//! let users = client.get("http://inventory:8080/users").send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `connections` | what calls spend on [connections](#connections) | |
//! | `rustls` | TLS apart from connecting, with a rustls configuration of yours | |
//!
//! # Versions
//!
//! The middleware fits reqwest 0.13 and reqwest-middleware 0.5, which this crate re-exports as
//! [`reqwest`] and [`reqwest_middleware`]. With another version of either in the build the compiler
//! says that `Middleware` is not implemented for `ClientMiddleware`, or that two types named `Client`
//! differ. `cargo tree --duplicates` shows both versions: update the older dependency, or build the
//! client with the re-exported crates. To keep another client of an older reqwest beside it, rename
//! that dependency in `Cargo.toml`.
//!
//! ```
//! use tracewire_reqwest::{ClientMiddleware, reqwest, reqwest_middleware};
//!
//! let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
//!     .with(ClientMiddleware::new())
//!     .build();
//! ```
//!
//! # What is recorded
//!
//! A span of kind client, named by the method, or by the method and the URL's template where there
//! is one. Its parent is the current context.
//!
//! | attribute | when | from |
//! |---|---|---|
//! | `http.request.method` | always | the method, `_OTHER` if it is not a known one |
//! | `http.request.method_original` | method is `_OTHER` | the method as sent |
//! | `url.full` | always | the URL first asked for, without credentials, sensitive values and fragment |
//! | `url.template` | given | [`CallOptions::template`], else the client's [`UrlTemplates`] |
//! | `service.peer.name` | named | the host and port of the URL, by the client's [`ServicePeers`] |
//! | `server.address`, `server.port` | always | the URL, whatever a `Host` header says |
//! | `http.request.resend_count` | sent before | the request's [`Resends`] |
//! | `http.response.status_code` | a response came | the response |
//! | `network.protocol.version` | a response came | the response |
//! | `network.peer.address`, `network.peer.port` | known | the connection |
//! | `error.type` | it failed | the status code from 400, else a name from [`ErrorType`] |
//!
//! The span's status is `Error` exactly where there is an `error.type`. No text of an error is
//! recorded: it would hold the URL. A call that its caller drops ends with status unset and without
//! `error.type`; so does one that an outer `tokio::time::timeout` drops, while reqwest's own
//! timeouts are errors.
//!
//! `http.client.request.duration`, a histogram of seconds, has `http.request.method`,
//! `server.address`, `server.port`, `http.response.status_code`, `error.type` and
//! `network.protocol.version`. Host and port are the URL's, whatever `Host` says: a gateway
//! passes on what its own callers sent. The first 1,000 series of a middleware have all attributes;
//! of any further one version and status code are left out, and an `error.type` that was a status
//! code is `_OTHER`. [`http.client.active_requests`](ClientMiddleware::active_requests) and the
//! [sizes of bodies](ClientMiddleware::body_sizes) are there by option. The size of a
//! response is recorded if its `Content-Length` or `Content-Encoding` is still there: reqwest removes
//! both when it decodes a body, and then nothing tells how many bytes were transferred.
//!
//! # When it ends
//!
//! When the head of the response is there, or the call failed or panicked (`panic`), or the caller
//! dropped it. [`end_at_body`](ClientMiddleware::end_at_body) carries it to the end of the body: then a body that
//! fails is an error (`body`, `decode` or `timeout`), and one that is dropped before its end ends the
//! call as it is. The duration of a [stream](ClientMiddleware::is_stream) is recorded at its head all
//! the same. The response keeps its URL, remote address, version, extensions and length.
//!
//! # Retries
//!
//! Put the middleware inside the retrying one, so that every attempt is a span with headers of its
//! own:
//!
//! ```text
//! ClientBuilder::new(client).with(retries).with(ClientMiddleware::new())
//!
//! handler
//! ├─ GET  503  error.type=503
//! ├─ GET  503  error.type=503  http.request.resend_count=1
//! └─ GET  200                  http.request.resend_count=2
//! ```
//!
//! Outside, one span covers all attempts, and they all carry the same headers. A second one inside
//! then starts no spans, but counts:
//!
//! ```text
//! ClientBuilder::new(client).with(ClientMiddleware::new()).with(retries).with(ClientMiddleware::new())
//!
//! handler
//! └─ GET  200  http.request.resend_count=2
//! ```
//!
//! The count stands in the request's extensions and starts anew for another method or URL.
//!
//! # Redirects
//!
//! reqwest follows redirects below every middleware. One span covers them: its URL is the one first
//! asked for, its status, peer and version are those of the last response, and **every hop gets the
//! headers that were written for the first**, whatever host it goes to:
//!
//! ```text
//! handler
//! └─ GET  200  url.full=http://shop/old
//! ```
//!
//! With [`redirects`](ClientMiddleware::redirects) the middleware follows them itself. Each hop is a
//! span, and gets only what its own host may be told:
//!
//! ```text
//! handler
//! ├─ GET  302  url.full=http://shop/old
//! └─ GET  200  url.full=http://shop/new  http.request.resend_count=1
//! ```
//!
//! A redirect to another origin is then given back to the caller, because the middleware cannot see
//! which credentials reqwest and inner middlewares would add to the next request.
//! [`Redirects::follow_cross_origin`] follows those too and says what that risks; [`Redirected`]
//! tells inner middlewares.
//!
//! # Connections
//!
//! With the feature `connections` and `ClientMiddleware::trace_connections`, a call that sets a
//! connection up also has what that cost, in seconds:
//!
//! | attribute | what |
//! |---|---|
//! | `tracewire.connection.dns.duration` | lookups |
//! | `tracewire.connection.connect.duration` | connecting, a proxy's tunnel, and TLS where its beginning is not known |
//! | `tracewire.connection.tls.duration` | TLS handshakes, with `ClientMiddleware::trace_handshakes` (feature `rustls`) |
//! | `tracewire.connection.failed_phase` | `dns`, `connect` or `tls`, if the call ended in it without a connection |
//!
//! Below it are the spans `HTTP connection_setup`, `DNS lookup`, `socket connect` and
//! `TLS client handshake`. A call that reuses a connection has nothing of it, and neither has one whose
//! connection came from another call while its own was still set up. `connection_metrics` turns on
//! `dns.lookup.duration` and `tracewire.connection.phase.duration`, histograms of seconds.
//!
//! # Calls that are not traced
//!
//! [`exclude_urls`](ClientMiddleware::exclude_urls) and the environment variable
//! `TRACEWIRE_EXCLUDED_URLS`, a comma-separated list of [patterns](Urls) such as
//! `metadata.internal,/healthz`, leave out calls by URL. They have no span and no duration, and the
//! trace around them is sent on. Below a request that its server does not trace, calls have no span,
//! and their durations are recorded.
//!
//! # Which headers go where
//!
//! Trace context goes everywhere. Baggage goes to [internal hosts](Hosts::internal) and not to
//! others: [`destinations`](ClientMiddleware::destinations) changes both. What the request had under
//! the names of these headers, or those of any other known format, is replaced or removed.
//!
//! # One request
//!
//! [`CallOptions`] in a request's extensions name its span, give its template or more attributes,
//! keep the trace from being sent, or leave the request alone:
//!
//! ```
//! use tracewire_reqwest::CallOptions;
//!
//! # fn call(client: &reqwest_middleware::ClientWithMiddleware) {
//! client
//!     .get("http://inventory:8080/users/1")
//!     .with_extension(CallOptions::new().template("/users/{id}"));
//! # }
//! ```
//!
//! Where telemetry is suppressed, as around an exporter's own calls, nothing is recorded or sent.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "connections")]
mod connections;
mod error;
mod follow;
#[doc(hidden)]
pub mod fuzzing;
mod hop;
mod middleware;
mod redirects;
mod request;
mod response;
mod send;

pub use reqwest;
pub use reqwest_middleware;

pub use self::{
    middleware::ClientMiddleware,
    redirects::{RedirectError, Redirected, Redirects},
};
pub use tracewire_http::{
    Authority, CallOptions, ClientRequest, ClientResponse, Clock, Destinations, Ending, ErrorType,
    Exemplars, HeaderSelector, Hosts, KnownMethods, Outcome, Resends, RpcMethods, Scheme,
    SensitiveKeys, ServicePeers, UrlTemplates, Urls, Verdict,
};

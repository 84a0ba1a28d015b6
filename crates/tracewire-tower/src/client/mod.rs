//! The client side: a layer that gives every call a span and a duration.
//!
//! It goes around any Tower service that takes an `http::Request` and gives an `http::Response`,
//! such as the client of hyper-util or the channel of tonic.
//!
//! ```
//! use tower_layer::Layer;
//! use tracewire_tower::ClientLayer;
//! # #[derive(Clone)]
//! # struct HttpClient;
//! # let http_client = HttpClient;
//!
//! let client = ClientLayer::new().layer(http_client);
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
//! | `url.full` | always | the URL, without credentials and sensitive values |
//! | `url.template` | given | [`CallOptions::template`], else the client's [`UrlTemplates`] |
//! | `service.peer.name` | named | the host and port of the URL, by the client's [`ServicePeers`] |
//! | `server.address`, `server.port` | known | the URL; on spans a `Host` header where the URL names no host |
//! | `http.request.resend_count` | sent before | the request's [`Resends`] |
//! | `http.response.status_code` | a response came | the response |
//! | `network.protocol.version` | a response came | the response |
//! | `network.peer.address`, `network.peer.port` | known | hyper-util's `HttpInfo`, or a [`PeerAddress`], in the response |
//! | `error.type` | it failed | the status code from 400, else a name from [`ErrorType`] |
//!
//! The span's status is `Error` exactly where there is an `error.type`. Errors of hyper, hyper-util,
//! tonic (with the feature `tonic`) and boxed errors are told apart by their causes; every other one
//! is `request`. No text of an error is recorded. A call that its caller drops ends with status unset and without `error.type`.
//!
//! `http.client.request.duration`, a histogram of seconds, has `http.request.method`,
//! `server.address`, `server.port`, `http.response.status_code`, `error.type` and
//! `network.protocol.version`. Host and port are the URL's, whatever `Host` says: a gateway
//! passes on what its own callers sent. The first 1,000 series of a layer have all attributes; of any
//! further one version and status code are left out, and an `error.type` that was a status code is
//! `_OTHER`. [`http.client.active_requests`](ClientLayer::active_requests) and the
//! [sizes of bodies](ClientLayer::body_sizes) are there by option. They are those of the bodies
//! that pass the layer, so put a layer that decodes outside.
//!
//! # When it ends
//!
//! When the head of the response is there, or the call failed or panicked (`panic`), or the caller
//! dropped it. [`end_at_body`](ClientLayer::end_at_body) carries it to the end of the body: then a
//! body that fails, or has another length than it declares, is an error (`body`), and one that is
//! dropped before its end ends the call as it is. The duration of a
//! [stream](ClientLayer::is_stream) is recorded at its head all the same.
//!
//! The service's future and body are dropped inside the call's context, before its span ends.
//!
//! # Retries and redirects
//!
//! Every request that passes the layer is a span. Put it inside what sends a request again, so that
//! each attempt and each hop is one, with headers of its own. Requests are numbered in
//! `http.request.resend_count` if they share an [`Resends`]: insert one into the request's
//! extensions before it is cloned, or put a second layer outside, which then makes one span of
//! them all:
//!
//! ```text
//! handler                                          handler
//! ├─ GET  503  error.type=503                      └─ GET  200  http.request.resend_count=1
//! └─ GET  200  http.request.resend_count=1
//! ```
//!
//! # Connections
//!
//! With the feature `connections` and `ClientLayer::trace_connections`, a call of hyper-util's client
//! that had to wait for its connection also has what that cost, in seconds:
//!
//! | attribute | what |
//! |---|---|
//! | `tracewire.connection.dns.duration` | lookups for the connection it set up |
//! | `tracewire.connection.connect.duration` | connecting |
//! | `tracewire.connection.tls.duration` | the TLS handshake |
//! | `tracewire.connection.wait.duration` | from the call until it had a connection, even one that another call set up |
//! | `tracewire.connection.failed_phase` | `dns`, `connect`, `tls` or `wait`, if the call ended in it without a connection |
//!
//! Below it are the spans `HTTP wait_for_connection`, with a link to the setup of the connection that
//! the call got, and `HTTP connection_setup` with `DNS lookup`, `socket connect` and
//! `TLS client handshake`. A call that reuses a connection has nothing of it. `connection_metrics`
//! turns on `dns.lookup.duration`, `tracewire.connection.phase.duration`,
//! `http.client.request.time_in_queue`, `http.client.connection.duration` and
//! `http.client.open_connections`.
//!
//! # Calls that are not traced
//!
//! [`exclude_urls`](ClientLayer::exclude_urls) and the environment variable
//! `TRACEWIRE_EXCLUDED_URLS`, a comma-separated list of [patterns](Urls) such as
//! `metadata.internal,/healthz`, leave out calls by URL. They have no span and no duration, and the
//! trace around them is sent on. Below a request that its server does not trace, calls have no span,
//! and their durations are recorded.
//!
//! Which of your own headers reach another origin is up to the layer that follows redirects.
//! tower-http's default policy removes `Authorization`, `Cookie` and `Proxy-Authorization` there; a
//! policy made of `Limited` alone does not.
//!
//! # Which headers go where
//!
//! Trace context goes everywhere. Baggage goes to [internal hosts](Hosts::internal) and not to
//! others: [`destinations`](ClientLayer::destinations) changes both. What the request had under the
//! names of these headers, or those of any other known format, is replaced or removed. The policy
//! is asked for the host of the request's URL. Where the URL names none the destination is not known,
//! whatever `Host` says: baggage is withheld, unless it may go [everywhere](Hosts::everywhere).

#[cfg(feature = "connections")]
pub mod connections;
mod error;
mod future;
mod layer;
mod request;
mod response;
mod service;

pub use self::{future::ResponseFuture, layer::ClientLayer, service::ClientService};
pub use tracewire_http::{
    Authority, CallOptions, ClientRequest, ClientResponse, Clock, Destinations, Ending, ErrorType,
    Exemplars, HeaderSelector, Hosts, KnownMethods, Outcome, PeerAddress, Resends, RpcMethods,
    Scheme, SensitiveKeys, ServicePeers, UrlTemplates, Urls, Verdict,
    wiring::ClientBody as ResponseBody,
};

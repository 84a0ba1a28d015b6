//! What an HTTP exchange means in OpenTelemetry: names, attributes, status and metrics.
//!
//! This crate knows the [semantic conventions for HTTP][conventions] and no HTTP library. It turns
//! facts about a request and its response into a span and measurements, which one object owns and
//! ends exactly once.
//!
//! You get it with `tracewire-tower` and `tracewire-reqwest`, whose options name the types at the
//! root of this crate. The module [`wiring`] has what it takes to trace another server or client
//! library by the same rules.
//!
//! ```
//! use http::Request;
//! use std::sync::Arc;
//! use tracewire_http::wiring::{ServerCall, ServerSettings};
//! use tracewire_http::{Outcome, Trust};
//!
//! let settings = ServerSettings::new("my-server", "1.0.0").trust(Trust::Link);
//! let request = Request::get("/users/7").body(())?;
//!
//! // A span and a duration, which end here.
//! let (mut scope, _handle) = ServerCall::begin(&Arc::new(settings), &request);
//! scope.end(Outcome::Complete);
//! # Ok::<(), http::Error>(())
//! ```
//!
//! [conventions]: https://opentelemetry.io/docs/specs/semconv/http/
#![cfg_attr(docsrs, feature(doc_cfg))]

// The docs of the macros below link to this crate from every crate that uses them.
#[cfg(doc)]
extern crate self as tracewire_http;

mod client;
#[cfg(feature = "connections")]
mod connections;
pub mod conventions;
mod exchange;
mod grpc;
mod hook;
mod metrics;
#[cfg(all(test, any(loom, shuttle)))]
mod models;
mod outcome;
mod server;
mod settings;
mod sync;
mod values;

pub use self::{
    client::{
        CallOptions, ClientRequest, ClientResponse, Destinations, Hosts, Resends, ServicePeers,
        UrlTemplates, Urls,
    },
    grpc::RpcMethods,
    outcome::{Ending, ErrorType, Outcome, Verdict},
    server::{
        Attributes, ExchangeHandle, InvalidNetwork, PeerAddress, ProxyHeaders, RequestHead,
        ResponseHead, Trust, TrustedProxies,
    },
    settings::Clock,
    values::{HeaderSelector, KnownMethods, Scheme},
};
pub use tracewire_exemplar::Exemplars;
pub use tracewire_text::{SensitiveKeys, host::Authority};

/// What crates need that trace a server or client library.
///
/// A server starts a [`ServerCall`](wiring::ServerCall) for each request that arrives, a client a
/// [`ClientCall`](wiring::ClientCall) for each that it sends. [`Scoped`](wiring::Scoped) runs and
/// drops the work inside the call's context and ends the call if it panics, and
/// [`ExchangeBody`](wiring::ExchangeBody) carries the call to the end of the response. Settings are
/// [`ServerSettings`](wiring::ServerSettings) or [`ClientSettings`](wiring::ClientSettings); the
/// macros `server_options!` and `client_options!` give a builder all of their methods.
///
/// ```
/// use http::{Request, Response};
/// use std::sync::Arc;
/// use tracewire_http::wiring::{Scoped, ServerCall, ServerSettings};
///
/// # async fn answer(request: Request<String>) -> Result<Response<String>, std::io::Error> {
/// #     Ok(Response::new(request.into_body()))
/// # }
/// # async fn serve(request: Request<String>) -> Result<(), std::io::Error> {
/// let settings = Arc::new(ServerSettings::new("my-server", "1.0.0"));
///
/// let (mut scope, _handle) = ServerCall::begin(&settings, &request);
/// let answer = scope.run(|| answer(request));
/// match Scoped::new(answer, scope).await {
///     (Ok(response), scope) => {
///         let response = ServerCall::respond(scope, response);
///         // … send the head and the body …
/// #       let _ = response;
///     }
///     (Err(error), scope) => ServerCall::fail(scope, &error),
/// }
/// # Ok(())
/// # }
/// ```
pub mod wiring {
    #[cfg(feature = "connections")]
    pub use crate::connections::{
        Connecting, ConnectionHandle, Connections, Established, InUse, Lookup, OpenConnection,
        Peer, Setup, Target, Wait, connected, handshake_begins,
    };
    pub use crate::{
        client::{ClientBody, ClientCall, ClientSettings},
        client_options,
        exchange::{Exchange, ExchangeBody, Scope, Scoped, Traced},
        server::{
            ClientAddress, Forwarded, IncomingRequest, ServerBody, ServerCall, ServerSettings,
        },
        server_options,
        settings::Settings,
        values::causes,
    };
}

/// What the macros of [`wiring`] expand to names these.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        client::ClientOptions,
        hook::Hook,
        outcome::Classify,
        server::{Hooks, ServerOptions},
        settings::Common,
    };
    pub use opentelemetry::metrics::MeterProvider;
    pub use std::{borrow::Cow, sync::Arc};
    pub use tracewire_propagation::{Propagator, providers::AnyTracerProvider};
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

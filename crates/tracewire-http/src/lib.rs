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
//! [conventions]: https://opentelemetry.io/docs/specs/semconv/http/

mod client;
#[cfg(feature = "connections")]
mod connections;
pub mod conventions;
mod exchange;
mod grpc;
mod hook;
mod metrics;
mod outcome;
mod server;
mod settings;
mod values;

pub use self::{
    client::{
        CallOptions, ClientRequest, ClientResponse, Destinations, Hosts, Resends, UrlTemplates,
        Urls,
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

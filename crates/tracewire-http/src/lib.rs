//! What an HTTP exchange means in OpenTelemetry: names, attributes, status and metrics.
//!
//! This crate knows the [semantic conventions for HTTP][conventions] and nothing of servers or
//! clients. Its callers state facts ([`ServerRequest`], [`ClientRequest`]); it turns them into a
//! span and measurements, owned by one object, the [`Exchange`], which ends exactly once.
//!
//! Most people use it through `tracewire-tower` and `tracewire-reqwest`. Use it directly to
//! instrument another HTTP library by the same rules:
//!
//! ```
//! use http::{Method, StatusCode, Version};
//! use opentelemetry::Context;
//! use tracewire_http::{Exchange, Instrumentation, Outcome, Scheme, ServerRequest};
//!
//! let instrumentation = Instrumentation::server("my-server", "1.0.0");
//! let mut request =
//!     ServerRequest::new(&Method::GET, Scheme::Http, "/users/1", Version::HTTP_11);
//! request.authority = Some("shop.example:8080");
//! request.route = Some("/users/{id}");
//!
//! let mut exchange = Exchange::serve(&instrumentation, Context::current(), &request);
//! // … answer the request with `exchange.context()` attached …
//! exchange.respond(StatusCode::OK);
//! exchange.end(Outcome::Complete);
//! ```
//!
//! [conventions]: https://opentelemetry.io/docs/specs/semconv/http/

mod causes;
mod client;
mod clock;
pub mod conventions;
mod error_type;
mod exchange;
mod header_capture;
mod instrumentation;
mod instruments;
mod method;
mod options;
mod outcome;
mod remaining;
mod repeated;
mod rpc;
mod scheme;
mod server;
mod text;

pub use self::{
    causes::causes,
    client::{
        Attempts, CallBody, CallOptions, ClientCall, ClientRequest, ClientResponse, ClientSettings,
        Destinations, Hosts, UrlTemplates, Urls,
    },
    clock::Clock,
    error_type::ErrorType,
    exchange::{Exchange, ExchangeBody, Scope, Scoped, Traced, is_event_stream},
    header_capture::HeaderSelector,
    instrumentation::Instrumentation,
    method::KnownMethods,
    outcome::{Ending, Outcome, Verdict},
    remaining::{Remaining, declared_length, is_bodyless},
    rpc::RpcMethods,
    scheme::Scheme,
    server::{
        ClientAddress, ExchangeHandle, Forwarded, InvalidNetwork, Origin, Paths, ProxyHeaders,
        ServerRequest, Trust, TrustedProxies,
    },
};
pub use tracewire_text::{SensitiveKeys, host::Authority};

/// What [`instrumentation_options`] expands to names these.
#[doc(hidden)]
pub mod __private {
    pub use opentelemetry::{global::ObjectSafeTracerProvider, metrics::MeterProvider};
    pub use tracewire_propagation::Propagator;
}

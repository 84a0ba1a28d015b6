#![doc = include_str!("../README.md")]

#[cfg(feature = "init")]
#[doc(inline)]
pub use tracewire_init::{InitError, ShutdownReport, Telemetry, init};

#[cfg(all(feature = "init", feature = "signal"))]
#[doc(inline)]
pub use tracewire_init::shutdown_signal;

#[cfg(feature = "reqwest")]
#[doc(inline)]
pub use tracewire_reqwest::ClientMiddleware;

/// The versions of OpenTelemetry, reqwest and reqwest-middleware that fit: types of another version
/// are other types.
pub use opentelemetry;
#[cfg(feature = "reqwest")]
pub use tracewire_reqwest::{reqwest, reqwest_middleware};

#[cfg(feature = "tower")]
#[doc(inline)]
pub use tracewire_tower::{ClientLayer, ServerLayer};

#[cfg(feature = "tower")]
#[doc(inline)]
pub use tracewire_tower::server;

/// The client side: [`ClientMiddleware`] for reqwest, [`ClientLayer`] for any Tower client.
///
/// What is recorded, when it ends, what retries and redirects look like, and which headers go
/// where is listed in the docs of `tracewire-reqwest` and of `tracewire_tower::client`.
#[cfg(any(feature = "reqwest", feature = "tower"))]
pub mod client {
    #[cfg(feature = "reqwest")]
    pub use tracewire_reqwest::*;
    #[cfg(feature = "tower")]
    pub use tracewire_tower::client::*;
}

#[cfg(feature = "init")]
#[doc(inline)]
pub use tracewire_init::sampling;

#[doc(inline)]
pub use tracewire_propagation as propagation;

#[cfg(feature = "span")]
#[doc(inline)]
pub use tracewire_span as span;

#[cfg(feature = "redis")]
#[doc(inline)]
pub use tracewire_redis as redis;

#[cfg(feature = "sqlx")]
#[doc(inline)]
pub use tracewire_sqlx as sqlx;

/// Process set-up: the builder, the guard, the sampler, and the log lines of `tracing`.
#[cfg(any(feature = "init", feature = "tracing"))]
pub mod setup {
    #[cfg(feature = "init")]
    pub use tracewire_init::*;
    #[cfg(feature = "tracing")]
    pub use tracewire_tracing::*;
}

#[cfg(any(feature = "reqwest", feature = "tower"))]
#[doc(inline)]
pub use tracewire_http::conventions;

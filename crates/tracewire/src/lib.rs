#![doc = include_str!("../README.md")]

#[cfg(feature = "init")]
#[doc(inline)]
pub use tracewire_init::{InitError, ShutdownReport, Telemetry, init};

#[cfg(feature = "reqwest")]
#[doc(inline)]
pub use tracewire_reqwest::ClientMiddleware;

#[cfg(feature = "tower")]
#[doc(inline)]
pub use tracewire_tower::ServerLayer;

#[cfg(feature = "tower")]
#[doc(inline)]
pub use tracewire_tower::server;

#[cfg(feature = "reqwest")]
#[doc(inline)]
pub use tracewire_reqwest as client;

#[doc(inline)]
pub use tracewire_propagation as propagation;

#[cfg(feature = "span")]
#[doc(inline)]
pub use tracewire_span as span;

#[cfg(feature = "init")]
#[doc(inline)]
pub use tracewire_init as setup;

#[cfg(any(feature = "reqwest", feature = "tower"))]
#[doc(inline)]
pub use tracewire_http::conventions;
